// SPDX-License-Identifier: Apache-2.0

/// What a member is in its term (Raft paper, section 5.1; dissertation, section 9.6).
public enum Role: UInt8, Sendable {
  /// Follows a leader or waits for one.
  case follower
  /// Asks whether it would win an election.
  case preCandidate
  /// Asks for votes.
  case candidate
  /// Leads.
  case leader
}

/// Where a replica stands; what hosts log changes of and show to people.
public struct ReplicaStatus: Sendable, Equatable {
  /// This member.
  public var member: MemberID
  /// Its role.
  public var role: Role
  /// Its term.
  public var term: Term
  /// The leader of the term, when known.
  public var leader: MemberID?
  /// The last entry known to be committed.
  public var commitIndex: LogIndex
  /// The last entry the state machine has.
  public var appliedIndex: LogIndex
  /// The last entry of the log.
  public var lastIndex: LogIndex
  /// The latest configuration of the log, committed or not.
  public var configuration: Configuration
  /// Whether `configuration` is committed.
  public var isConfigurationCommitted: Bool
  /// The storage fails, so the member takes no part.
  public var isSteppedAside: Bool
  /// Only on the leader: how far its stamps are ahead of its wall clock, since the log's time never runs back.
  public var stampLeadNanoseconds: Int64
  /// Only on the leader: how far each other member is, sorted by id.
  public var followers: [FollowerStatus]
}

/// How far a leader knows another member to be.
public struct FollowerStatus: Sendable, Equatable {
  /// The member.
  public var member: MemberID
  /// The last entry it is known to hold durably.
  public var matchIndex: LogIndex
  /// Whether it was heard of within the last election timeout.
  public var isActive: Bool
  /// Whether it is being sent a snapshot.
  public var isReceivingSnapshot: Bool
  /// Whether it is close enough to the end of the log to be promoted.
  public var isCaughtUp: Bool
}
