// SPDX-License-Identifier: Apache-2.0

/// What a node wants done, in this order: stage, install, append, send; then apply and release.
///
/// Source: etcd-io/raft `node.go` `Ready`: messages are sent after hard state and entries are durable.
struct Ready: Sendable {
  /// Pieces of a snapshot being received, in order.
  var staged: [StagedPiece] = []
  /// The staged snapshot is complete and replaces log and state machine.
  var installed: SnapshotMetadata?
  /// The hard state, when it must become durable before the messages leave.
  var hardState: HardState?
  /// Entries to append; they may replace a suffix of the stored log.
  var entries: [Entry] = []
  /// Messages to send once all of that is durable.
  var outgoing: [Outgoing] = []

  var isEmpty: Bool {
    staged.isEmpty && installed == nil && hardState == nil && entries.isEmpty && outgoing.isEmpty
  }

  struct StagedPiece: Sendable {
    var offset: UInt64
    var bytes: [UInt8]
  }

  /// A message, or what the replica makes one of by reading its log.
  enum Outgoing: Sendable {
    case message(Message)
    /// An append whose entries, from `previousIndex.next` through the given index, are only in the store.
    case storedAppend(Message, through: LogIndex)
    /// A piece of the latest snapshot.
    case snapshotPiece(to: MemberID, term: Term, metadata: SnapshotMetadata, offset: UInt64)
  }
}

/// What a node tells the host, besides its messages.
struct Notices: Sendable {
  /// Reads that may be answered once the state machine has reached an index.
  var granted: [(reads: [ReadRequest], index: LogIndex)] = []
  var droppedReads: [ReadRequest] = []
  var dropped: [Dropped] = []
  /// Changes that other members forwarded and this leader refused; only the log hears of them.
  var refusedChanges: [RefusedChange] = []
}
