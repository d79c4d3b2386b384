// SPDX-License-Identifier: Apache-2.0

/// What one turn of a replica did, for the host to pass on.
public struct ReplicaOutput<Outcome> {
  /// Entries applied in this turn, in order, with what the state machine made of each.
  public var applied: [Applied<Outcome>] = []
  /// The state machine was replaced by a snapshot in this turn, before `applied`; outcomes of the entries in between
  /// are not known here.
  public var restoredSnapshot: SnapshotMetadata?
  /// Reads that may be answered now: the state machine has everything acknowledged before they were asked.
  public var releasedReads: [ReadRequest] = []
  /// Proposals certainly not in any log (`definite`), or lost sight of in this turn.
  public var dropped: [Dropped] = []
  /// Reads that will never be released; ask again.
  public var droppedReads: [ReadRequest] = []
  /// Membership changes of other members that this leader refused; those who asked hear only of final refusals, so the
  /// log should of all.
  public var refusedChanges: [RefusedChange] = []
  /// Membership changes that this member proposed and the leader refused for good.
  public var ownRefusedChanges: [RefusedChange] = []
  /// Role, term, leader and so on after the turn.
  public var status: ReplicaStatus
  /// What the storage said when it failed in this turn; for the log only, the replica goes on by itself.
  public var storageFailure: (any Error)?
  /// An invariant of Raft is broken: the replica has stopped for good, and the host should end with this message.
  ///
  /// Two leaders in a term, a committed entry replaced: never, unless a member's disk lost what it had kept.
  public var violation: String?

  init(status: ReplicaStatus) {
    self.status = status
  }
}

/// A membership change that a leader refused.
public struct RefusedChange: Sendable, Equatable {
  /// The change.
  public var change: ConfigurationChange
  /// Why.
  public var reason: RaftError
}

/// An entry and what the state machine made of it.
public struct Applied<Outcome> {
  /// The entry.
  public var entry: Entry
  /// What applying it gave.
  public var outcome: Outcome
}

extension Applied: Sendable where Outcome: Sendable {}
extension ReplicaOutput: Sendable where Outcome: Sendable {}

/// A proposal that this replica does not pursue any more.
public struct Dropped: Sendable, Equatable {
  /// Why.
  public enum Reason: Sendable, Equatable {
    /// No leader is known; it may be proposed again.
    case noLeader
    /// The leader is handing over; it may be proposed again.
    case transferring
    /// Too much is waiting to be committed; it may be proposed again later.
    case overloaded
    /// The payload is larger than ``Entry/dataLimitBytes``.
    case tooLarge
    /// The membership change was refused.
    case refused(RaftError)
    /// The storage failed while it was appended. It may still be committed later: its fate is unknown.
    case storageFailed
  }

  /// The number the host gave it.
  public var id: UInt64
  /// Why.
  public var reason: Reason

  /// Whether it is certain that the proposal never takes effect.
  public var isDefinite: Bool { reason != .storageFailed }
}
