// SPDX-License-Identifier: Apache-2.0

/// One change of one member: the only kind of membership change there is (Raft dissertation, section 4.1).
public struct ConfigurationChange: Sendable, Equatable {
  /// What happens to the member.
  public enum Action: UInt8, Sendable {
    /// The member votes from the start; only for the first entries of a new cluster, see ``Bootstrap``.
    case addVoter = 0
    /// The member receives the log and does not vote.
    case addLearner = 1
    /// A learner that has caught up becomes a voter.
    case promote = 2
    /// The member leaves the cluster for good.
    case remove = 3
    /// Only the context changes (a member's peer URLs, for example).
    case update = 4
  }

  /// What happens.
  public var action: Action
  /// To which member.
  public var member: MemberID
  /// The host's own bytes, opaque to Raft: name, URLs, request id.
  public var context: [UInt8]

  /// Makes a change.
  public init(_ action: Action, _ member: MemberID, context: [UInt8] = []) {
    self.action = action
    self.member = member
    self.context = context
  }
}

/// What a `.configuration` entry carries: the change, and the whole configuration after it.
///
/// Carrying the result makes each such entry readable by itself: a joining member and a member that truncates its log
/// need no history.
public struct ConfigurationRecord: Sendable, Equatable {
  /// The change.
  public var change: ConfigurationChange
  /// The configuration from this entry on.
  public var configuration: Configuration

  /// Makes a record.
  public init(change: ConfigurationChange, configuration: Configuration) {
    self.change = change
    self.configuration = configuration
  }
}
