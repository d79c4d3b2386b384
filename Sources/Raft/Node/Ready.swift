// SPDX-License-Identifier: Apache-2.0

/// What a node wants done, in this order: send what may go early, stage, install, append, send; then apply and release.
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
  /// A leader's appends and heartbeats, which its followers may write while it writes itself.
  ///
  /// A leader counts its own copy when it is durable, so nothing is committed sooner by it; if the leader loses what
  /// it sent, another leader's log decides, as after any crash.
  /// Source: dissertation, section 10.2.1.
  var early: [Message] = []
  /// Messages to send once all of that is durable.
  var outgoing: [Outgoing] = []

  var isEmpty: Bool {
    staged.isEmpty && installed == nil && hardState == nil && entries.isEmpty && early.isEmpty && outgoing.isEmpty
  }

  /// Moves what may leave before the append into ``early``.
  mutating func separateEarly() {
    guard outgoing.contains(where: { $0.leaderMessage != nil }) else { return }
    early = outgoing.compactMap(\.leaderMessage)
    outgoing.removeAll { $0.leaderMessage != nil }
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

    /// The message, if it is one that only a leader sends to have its log followed.
    fileprivate var leaderMessage: Message? {
      guard case .message(let message) = self else { return nil }
      switch message.body {
      case .append, .heartbeat: return message
      default: return nil
      }
    }
  }
}

/// What a node tells the host, besides its messages.
struct Notices: Sendable {
  /// Reads that may be answered once the state machine has reached an index.
  var granted: [(reads: [ReadRequest], index: LogIndex)] = []
  var droppedReads: [ReadRequest] = []
  var dropped: [Dropped] = []
  /// Changes that other members forwarded and this leader refused.
  var refusedChanges: [RefusedChange] = []
  /// Changes of this member that the leader refused.
  var ownRefusedChanges: [RefusedChange] = []
}
