// SPDX-License-Identifier: Apache-2.0

/// Why an input was refused.
public enum RaftError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Bytes that are not what they should be; says what is wrong.
  case malformed(String)
  /// A membership change that does not fit the present configuration; says why.
  case invalidChange(String)
  /// Only the leader can do this; names it when it is known.
  case notLeader(MemberID?)
  /// An earlier membership change is not committed yet, or the leader has committed nothing in its term yet.
  case changeInProgress
  /// The learner's log is too far behind for it to become a voter.
  case learnerBehind(MemberID)
  /// Without this member too few of the remaining voters would answer.
  case quorumAtRisk(MemberID)
  /// The leader, another member, refused; in its words.
  case refusedByLeader(String)
  /// The member asked for cannot take over, because it is not a voter or is this one.
  case invalidTransferTarget(MemberID)
  /// The member has stepped aside because its storage fails.
  case storageFailed

  /// One line for people.
  public var description: String {
    switch self {
    case .malformed(let what): "malformed \(what)"
    case .invalidChange(let why): "membership change refused: \(why)"
    case .notLeader(let leader?): "this member is not the leader; \(leader) is"
    case .notLeader(nil): "there is no leader"
    case .changeInProgress: "another membership change is not committed yet"
    case .learnerBehind(let member): "member \(member) has not caught up with the log yet"
    case .quorumAtRisk(let member): "without member \(member) too few of the remaining members would answer"
    case .refusedByLeader(let reason): reason
    case .invalidTransferTarget(let member): "member \(member) cannot become leader"
    case .storageFailed: "the storage of this member fails"
    }
  }
}
