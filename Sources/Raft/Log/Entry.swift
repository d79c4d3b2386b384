// SPDX-License-Identifier: Apache-2.0

/// One record of the replicated log.
public struct Entry: Sendable, Equatable {
  /// What an entry's `data` is.
  public enum Kind: UInt8, Sendable {
    /// No data: the first entry of each term (Raft paper, section 8).
    case empty = 0
    /// The host's command, opaque to Raft.
    case command = 1
    /// An encoded ``ConfigurationRecord``.
    case configuration = 2
  }

  /// The most bytes of `data` an entry may have; larger proposals are refused.
  public static let dataLimitBytes = 16 << 20

  /// The term of the leader that made the entry.
  public var term: Term
  /// The position in the log.
  public var index: LogIndex
  /// What `data` is.
  public var kind: Kind
  /// The leader's wall clock when it appended the entry, in nanoseconds since 1970.
  ///
  /// Invariant: never smaller than that of the entry before it. This is the state machine's only source of time.
  public var timestampNanoseconds: Int64
  /// The payload.
  public var data: [UInt8]

  /// Makes an entry.
  public init(term: Term, index: LogIndex, kind: Kind, timestampNanoseconds: Int64, data: [UInt8]) {
    self.term = term
    self.index = index
    self.kind = kind
    self.timestampNanoseconds = timestampNanoseconds
    self.data = data
  }

  /// The size that limits count: the payload and a fixed part for the rest.
  public var sizeBytes: Int { data.count + Self.overheadBytes }

  /// Bytes of an encoded entry besides its payload.
  static let overheadBytes = 8 + 8 + 1 + 8 + 4
}
