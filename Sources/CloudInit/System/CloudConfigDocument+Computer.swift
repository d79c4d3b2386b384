// SPDX-License-Identifier: Apache-2.0
public import CloudConfig

extension CloudConfigDocument {
  /// Reads user-data as this computer understands it.
  ///
  /// A document that names the computer has `%H` stand for that name, since it has it by the time anything runs.
  ///
  /// - Parameters:
  ///   - bytes: The whole user-data, as stored.
  ///   - addresses: Values of the address tokens.
  ///   - machineID: Value of `%m`.
  ///   - environment: Variables of the process.
  ///   - metadata: What the datasource said about the machine.
  ///   - isApplied: Whether the document will be carried out on the computer.
  /// - Returns: The document; whatever is wrong with it is a finding.
  public static func forThisComputer(
    _ bytes: [UInt8],
    addresses: AddressTokens,
    machineID: String,
    environment: [String: String],
    metadata: MachineMetadata = MachineMetadata(),
    isApplied: Bool
  ) -> CloudConfigDocument {
    func read(_ specifiers: MachineSpecifiers) -> CloudConfigDocument {
      CloudConfigDocument(
        reading: bytes,
        addresses: addresses,
        specifiers: specifiers,
        environment: environment,
        metadata: metadata,
        appliesSystem: isApplied
      )
    }
    var specifiers = MachineSpecifiers.ofThisComputer(machineID: machineID)
    let document = read(specifiers)
    guard isApplied, let name = document.plan?.system.hostname, name != specifiers.hostname else { return document }
    specifiers.hostname = name
    return read(specifiers)
  }
}
