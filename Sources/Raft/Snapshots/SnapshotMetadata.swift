// SPDX-License-Identifier: Apache-2.0

/// What a snapshot stands for in the log (Raft paper, section 7).
public struct SnapshotMetadata: Sendable, Equatable {
  /// The last entry the snapshot replaces.
  public var index: LogIndex
  /// The term of that entry.
  public var term: Term
  /// The stamp of that entry, so that later stamps never run backwards.
  public var timestampNanoseconds: Int64
  /// The latest configuration as of that entry.
  public var configuration: Configuration

  /// Makes the metadata of a snapshot.
  public init(index: LogIndex, term: Term, timestampNanoseconds: Int64, configuration: Configuration) {
    self.index = index
    self.term = term
    self.timestampNanoseconds = timestampNanoseconds
    self.configuration = configuration
  }
}

/// A piece of a snapshot's bytes.
public struct SnapshotChunk: Sendable, Equatable {
  /// The bytes.
  public var bytes: [UInt8]
  /// Whether the snapshot ends with them.
  public var isLast: Bool

  /// Makes a piece.
  public init(bytes: [UInt8], isLast: Bool) {
    self.bytes = bytes
    self.isLast = isLast
  }
}
