// SPDX-License-Identifier: Apache-2.0

/// The limits and times of a member; all members of a cluster should have equal ones.
public struct RaftSettings: Sendable, Equatable {
  /// Ticks without a leader after which a member campaigns; each wait is drawn from this to twice this.
  public var electionTicks = 10
  /// Ticks between a leader's heartbeats.
  public var heartbeatTicks = 1
  /// The most bytes of entries in one message, unless a single entry is larger.
  public var messageLimitBytes = 1 << 20
  /// The most append messages on their way to one member.
  public var inflightMessages = 256
  /// The most bytes of entries on their way to one member.
  public var inflightBytes = 16 << 20
  /// The most bytes of entries a leader holds that are not committed; proposals beyond are refused.
  public var uncommittedLimitBytes = 64 << 20
  /// The most entries kept in memory behind the applied index, to send from.
  public var cachedEntries = 4_096
  /// The most bytes of entries kept in memory behind the applied index.
  public var cachedBytes = 16 << 20
  /// The most bytes of a snapshot in one message.
  public var snapshotChunkBytes = 1 << 20
  /// Entries applied since the last snapshot after which the next is taken, unless they are little beside it.
  public var snapshotEntries: UInt64 = 10_000
  /// Bytes of entries applied since the last snapshot after which the next is taken, unless that one is larger.
  public var snapshotLogBytes: UInt64 = 64 << 20
  /// Entries kept behind a snapshot, so that a member slightly behind needs none.
  public var trailingEntries: UInt64 = 5_000
  /// About as many bytes of entries are kept behind a snapshot at most.
  public var trailingBytes: UInt64 = 64 << 20
  /// About as many bytes of entries are kept at most for a member that answers but is behind.
  public var keptForFollowersBytes: UInt64 = 512 << 20
  /// How many entries a learner may be behind and still be promoted.
  public var promotionEntries: UInt64 = 100
  /// Whether a leader refuses to remove a voter when too few of the others answer it to go on without that one.
  public var guardsQuorum = false
  /// The most reads that wait at a member; further ones are dropped.
  public var waitingReads = 65_536

  /// A rule broken on purpose, for the simulator to find.
  @_spi(Simulation) public var brokenRule: BrokenRule?

  /// Makes settings with the defaults.
  public init() {}
}

/// Rules that the simulator can break to show that its checkers see it.
@_spi(Simulation)
public enum BrokenRule: String, Sendable, CaseIterable {
  /// Entries of older terms are committed by counting copies (against the paper's section 5.4.2).
  case commitOlderTerm = "commit-older-term"
  /// The vote is not written to the disk.
  case voteNotPersisted = "vote-not-persisted"
  /// Messages and acknowledgements leave before the append.
  case acknowledgeBeforeSync = "ack-before-sync"
  /// A leader answers quorum reads without asking whether it still leads.
  case unconfirmedRead = "unconfirmed-read"
}
