// SPDX-License-Identifier: Apache-2.0

/// What a ``LogStore`` holds when it is opened.
public struct StoredLog: Sendable, Equatable {
  /// The hard state of the last durable batch that had one.
  public var hardState: HardState
  /// The latest snapshot saved or installed, if any.
  public var snapshot: SnapshotMetadata?
  /// Index of the first entry kept; `lastIndex.next` when there is none.
  public var firstIndex: LogIndex
  /// Index of the last entry; the snapshot's index, else 0, when there is none.
  public var lastIndex: LogIndex

  /// Describes a log; without arguments an empty one.
  public init(
    hardState: HardState = HardState(),
    snapshot: SnapshotMetadata? = nil,
    firstIndex: LogIndex = LogIndex(1),
    lastIndex: LogIndex = .zero
  ) {
    self.hardState = hardState
    self.snapshot = snapshot
    self.firstIndex = firstIndex
    self.lastIndex = lastIndex
  }
}

/// What becomes durable together in one transaction.
public struct LogBatch: Sendable, Equatable {
  /// The new hard state; nil leaves the stored one.
  public var hardState: HardState?
  /// Contiguous entries, oldest first.
  ///
  /// When the log already reaches `entries[0].index`, everything from there on is
  /// replaced (a conflicting suffix); they never start beyond `lastIndex.next` nor at or below the snapshot's index.
  public var entries: [Entry]

  /// Makes a batch.
  public init(hardState: HardState? = nil, entries: [Entry] = []) {
    self.hardState = hardState
    self.entries = entries
  }
}

/// Everything durable that a replica has: its log, hard state and snapshots; *durable when the call returns*.
///
/// The replica is the only caller, from one thread at a time. Conforming types may keep what they need in memory to
/// answer reads, but must answer from what is durable.
///
/// Errors: a throwing mutation means "nobody knows whether it became durable", but never half: after the error
/// `load()` shows either all of it or none. The replica then steps aside: it sends and acknowledges nothing that
/// depended on it, calls `load()` and goes on from there as a follower, and tries again later. A throwing read is
/// treated the same way; only when staging or saving a snapshot of its own throws, it goes on and tries again later.
///
/// A store whose contents it cannot trust (bad checksum, another cluster's file, unknown
/// version) throws from its own initialiser instead, so that the member does not start.
///
/// Source: etcd-io/raft `Ready` ("saved to stable storage BEFORE Messages are sent").
public protocol LogStore {
  /// Reads what is durable now; called once at start, and again after each error.
  mutating func load() throws -> StoredLog

  /// Makes a batch durable: hard state and entries in one transaction, replacing a conflicting suffix.
  mutating func append(_ batch: LogBatch) throws

  /// The entries from `first` through `last`, oldest first.
  ///
  /// Shape: contiguous from `first`; always at least one, then as many as stay within `maxBytes` by
  /// ``Entry/sizeBytes``. The range lies within `firstIndex...lastIndex`.
  func entries(from first: LogIndex, through last: LogIndex, maxBytes: Int) throws -> [Entry]

  /// The term of the entry at an index; nil when the log does not hold that entry (the snapshot's own index counts as
  /// held).
  func term(at index: LogIndex) throws -> Term?

  /// Removes entries up to and including an index that a saved snapshot covers. It need not be durable at once.
  mutating func compact(through index: LogIndex) throws

  /// Does a little of the work that can wait; called with every tick.
  mutating func maintain() throws

  /// Begins to write a snapshot of this member's own to the staging place, and may go on with it in the background.
  ///
  /// It discards whatever is staged; so does staging a piece at offset 0, before or after it is written.
  mutating func beginSnapshot(_ state: any FrozenState) throws

  /// Whether what was begun is written whole, so that it may be saved.
  ///
  /// - Throws: Why it could not be written; it is forgotten then.
  func isSnapshotWritten() throws -> Bool

  /// The size of the latest snapshot; 0 when there is none or nobody counts.
  var snapshotBytes: UInt64 { get }

  /// Writes a piece of a snapshot to the staging place; it is not part of the stored state until saved or installed.
  ///
  /// Shape: `offset` is the number of bytes staged before. Offset 0 first discards whatever is staged. Only one
  /// snapshot is staged at a time. Staged bytes need not survive a crash: after `load()` nothing is staged.
  mutating func stageSnapshot(_ bytes: [UInt8], at offset: UInt64) throws

  /// Makes the staged bytes the latest snapshot, made by this member's own state machine; the log stays as it is.
  ///
  /// Older snapshots are removed. Durable and atomic when it returns.
  mutating func saveStagedSnapshot(_ metadata: SnapshotMetadata) throws

  /// Makes the staged bytes, received from the leader, the latest snapshot and resets the log in one step.
  ///
  /// All entries are removed: `firstIndex` becomes `metadata.index.next` and `lastIndex` `metadata.index`. The hard
  /// state, which has `commitIndex` at or above `metadata.index`, is stored in the same transaction.
  mutating func installStagedSnapshot(_ metadata: SnapshotMetadata, hardState: HardState) throws

  /// A piece of the latest snapshot, at most `maxBytes` long; empty at and beyond its end.
  ///
  /// - Parameters:
  ///   - index: Which snapshot is meant.
  ///   - offset: Where the piece starts.
  ///   - maxBytes: The most bytes to return.
  /// - Returns: The piece and whether it is the last; nil when the latest snapshot is not the one at `index`.
  /// - Throws: When the snapshot cannot be read.
  func snapshotChunk(index: LogIndex, offset: UInt64, maxBytes: Int) throws -> SnapshotChunk?
}

// A store that writes snapshots at once, and has nothing to put off.
extension LogStore {
  /// Has nothing to do.
  public mutating func maintain() throws {}

  /// Writes the whole snapshot at once.
  public mutating func beginSnapshot(_ state: any FrozenState) throws {
    var pieces: [[UInt8]] = []
    try state.writeSnapshot { pieces.append($0) }
    var offset: UInt64 = 0
    try stageSnapshot([], at: 0)
    for piece in pieces {
      try stageSnapshot(piece, at: offset)
      offset += UInt64(piece.count)
    }
  }

  /// It always is.
  public func isSnapshotWritten() throws -> Bool { true }

  /// Nobody counts.
  public var snapshotBytes: UInt64 { 0 }
}
