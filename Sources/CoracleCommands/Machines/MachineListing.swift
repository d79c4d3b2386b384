// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import FleetWire

/// The machines of a cluster as tables show them.
enum MachineListing {
  static let defaultFields = ["machine", "ip", "metadata"]
  static let fieldNames = defaultFields

  /// The text of `list-machines`.
  ///
  /// - Throws: ``CommandFailure`` for an unknown field.
  static func text(_ machines: [FleetMachine], _ layout: ListingLayout) throws(CommandFailure) -> String {
    let table = FieldTable<FleetMachine>(fields: [
      .init("machine", { shortID($0.id, isFull: layout.isFull) }, json: { .string($0.id) }),
      .init("ip", { $0.primaryIP.isEmpty ? "-" : $0.primaryIP }, json: { .string($0.primaryIP) }),
      .init(
        "metadata",
        { metadataText($0.metadata) },
        json: { machine in
          .object(machine.metadata.sorted { $0.key < $1.key }.map { JSONValue.Field($0.key, .string($0.value)) })
        }
      ),
    ])
    return try table.text(machines.sorted { $0.id < $1.id }, layout)
  }

  /// `a=1,b=2`; a dash when there is none.
  static func metadataText(_ metadata: [String: String]) -> String {
    guard !metadata.isEmpty else { return "-" }
    return metadata.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
  }

  /// The first eight digits and dots, or the whole id.
  static func shortID(_ id: String, isFull: Bool) -> String {
    isFull || id.count <= 8 ? id : "\(id.prefix(8))..."
  }
}

/// Names machines as fleetctl does: `1f2e3d4c.../10.0.0.1`.
struct MachineNames {
  private let addresses: [String: String]

  init(_ machines: [FleetMachine]) {
    addresses = Dictionary(machines.map { ($0.id, $0.primaryIP) }, uniquingKeysWith: { first, _ in first })
  }

  /// The id with the address, if the machine is known.
  func text(_ id: String, isFull: Bool = false) -> String {
    let short = MachineListing.shortID(id, isFull: isFull)
    guard let address = addresses[id], !address.isEmpty else { return short }
    return "\(short)/\(address)"
  }

  /// The address; empty when the machine is unknown.
  func address(_ id: String) -> String { addresses[id] ?? "" }
}

extension [FleetMachine] {
  /// The machines that a text may mean: the one with this id, or else those whose id begins so, or with this address.
  func meant(by text: String) -> [FleetMachine] {
    if let exact = first(where: { $0.id == text }) { return [exact] }
    guard !text.isEmpty else { return [] }
    let prefix = text.lowercased()
    return filter { $0.id.hasPrefix(prefix) || $0.primaryIP == text }
  }
}
