// SPDX-License-Identifier: Apache-2.0

/// The members of a cluster at one point of the log.
///
/// Invariant: both arrays are sorted, hold no member twice, and have no member in common.
public struct Configuration: Sendable, Equatable {
  /// Members that vote and count towards the quorum.
  public private(set) var voters: [MemberID]
  /// Members that only receive the log.
  public private(set) var learners: [MemberID]

  /// Makes a configuration; sorts, and removes duplicates (a voter is not a learner too).
  public init(voters: [MemberID] = [], learners: [MemberID] = []) {
    self.voters = Set(voters).sorted()
    self.learners = Set(learners).subtracting(voters).sorted()
  }

  /// Voters and learners, sorted.
  public var members: [MemberID] { (voters + learners).sorted() }

  /// How many voters make a majority.
  public var quorumSize: Int { voters.count / 2 + 1 }

  /// Whether the member is a voter or a learner.
  public func contains(_ member: MemberID) -> Bool {
    voters.contains(member) || learners.contains(member)
  }

  /// The configuration after one change.
  ///
  /// - Parameter change: The change to make.
  /// - Returns: The new configuration.
  /// - Throws: ``RaftError/invalidChange(_:)`` when the change does not fit, for example removing the last voter.
  public func applying(_ change: ConfigurationChange) throws(RaftError) -> Configuration {
    let member = change.member
    switch change.action {
    case .addVoter:
      guard !contains(member) else { throw .invalidChange("member \(member) is already part of the cluster") }
      return Configuration(voters: voters + [member], learners: learners)
    case .addLearner:
      guard !contains(member) else { throw .invalidChange("member \(member) is already part of the cluster") }
      return Configuration(voters: voters, learners: learners + [member])
    case .promote:
      guard learners.contains(member) else { throw .invalidChange("member \(member) is not a learner") }
      return Configuration(voters: voters + [member], learners: learners.filter { $0 != member })
    case .remove:
      guard contains(member) else { throw .invalidChange("member \(member) is not part of the cluster") }
      guard voters != [member] else { throw .invalidChange("member \(member) is the last voter") }
      return Configuration(voters: voters.filter { $0 != member }, learners: learners.filter { $0 != member })
    case .update:
      guard contains(member) else { throw .invalidChange("member \(member) is not part of the cluster") }
      return self
    }
  }
}
