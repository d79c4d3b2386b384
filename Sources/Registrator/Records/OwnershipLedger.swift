// SPDX-License-Identifier: Apache-2.0

/// Which records a machine has in the store, kept beside them under the machine's own key.
///
/// A record's owner does not show in its key (`SERVICE_ID` may say anything), so ownership is written down here; a
/// registrator that starts again finds what its predecessor left. Shape: a line `KEY VALUE` for each record, in order
/// of key.
struct OwnershipLedger: Equatable {
  /// Values by key.
  var values: [String: String]

  init(_ values: [String: String]) {
    self.values = values
  }

  /// Reads a ledger; lines that are none are left out.
  init(parsing text: String) {
    values = [:]
    for line in text.split(separator: "\n") {
      guard let space = line.lastIndex(of: " "), line.hasPrefix("/") else { continue }
      values[String(line[..<space])] = String(line[line.index(after: space)...])
    }
  }

  /// The ledger as it stands in the store.
  var text: String {
    values.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: "\n")
  }

  /// The key of a machine's ledger.
  static func key(machineID: String) -> String {
    "/_coracle/registrator/\(machineID)/records"
  }
}
