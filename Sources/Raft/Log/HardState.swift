// SPDX-License-Identifier: Apache-2.0

/// What a member must remember across a crash besides its log (Raft paper, figure 2, "Persistent state").
public struct HardState: Sendable, Equatable {
  /// The latest term the member has seen.
  public var term: Term
  /// The candidate that got this member's vote in `term`, if any.
  public var vote: MemberID?
  /// An index known to be committed.
  ///
  /// It may be older than the truth: losing it loses nothing.
  public var commitIndex: LogIndex

  /// Makes a hard state; without arguments that of a member that has seen nothing.
  public init(term: Term = .zero, vote: MemberID? = nil, commitIndex: LogIndex = .zero) {
    self.term = term
    self.vote = vote
    self.commitIndex = commitIndex
  }
}
