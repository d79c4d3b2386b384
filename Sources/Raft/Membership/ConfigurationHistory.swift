// SPDX-License-Identifier: Apache-2.0

/// The configurations that a log holds from the applied one on; the latest is in force, committed or not.
///
/// Source: Raft dissertation, section 4.1: "a server always uses the latest configuration in its log".
struct ConfigurationHistory: Sendable {
  private var records: [(index: LogIndex, configuration: Configuration)]

  /// Begins with the configuration of a snapshot, or with nobody.
  init(_ snapshot: SnapshotMetadata?) {
    records = [(snapshot?.index ?? .zero, snapshot?.configuration ?? Configuration())]
  }

  var latest: Configuration { records[records.count - 1].configuration }
  var latestIndex: LogIndex { records[records.count - 1].index }

  /// The configuration in force at an index at or above the applied one.
  func configuration(at index: LogIndex) -> Configuration {
    (records.last { $0.index <= index } ?? records[0]).configuration
  }

  mutating func append(_ configuration: Configuration, at index: LogIndex) {
    records.append((index, configuration))
  }

  mutating func truncate(from index: LogIndex) {
    while records.count > 1, latestIndex >= index { records.removeLast() }
  }

  /// Forgets what lies before the configuration in force at `index`.
  mutating func forget(before index: LogIndex) {
    while records.count > 1, records[1].index <= index { records.removeFirst() }
  }
}
