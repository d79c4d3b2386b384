// SPDX-License-Identifier: Apache-2.0

/// Which records a machine has in the store, kept beside them under the machine's own key.
///
/// A record's owner does not show in its key (`SERVICE_ID` may say anything), so ownership is written down here; a
/// registrator that starts again finds what its predecessor left. Shape: a line for each record, key, tab and value, in
/// order of key; neither holds a tab or line feed. Earlier versions had a blank instead of the tab.
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
      guard let end = line.firstIndex(of: "\t") ?? line.lastIndex(of: " "), line.hasPrefix("/") else { continue }
      values[String(line[..<end])] = String(line[line.index(after: end)...])
    }
  }

  /// The ledger as it stands in the store.
  var text: String {
    values.sorted { $0.key < $1.key }.map { "\($0.key)\t\($0.value)" }.joined(separator: "\n")
  }

  /// The directory of all machines' ledgers.
  static let directory = "/_coracle/registrator"

  /// The key of a machine's ledger.
  static func key(machineID: String) -> String {
    "\(directory)/\(machineID)/records"
  }
}
