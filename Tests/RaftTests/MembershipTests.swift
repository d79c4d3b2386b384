// SPDX-License-Identifier: Apache-2.0

import Testing

@_spi(Simulation) @testable import Raft

/// Raft dissertation, chapter 4 and section 3.10.
struct MembershipTests {
  private func leader(settings: RaftSettings = RaftSettings()) -> NodeBench {
    var bench = NodeBench(settings: settings)
    bench.becomeLeader()
    bench.accept(from: 2, 1)
    _ = bench.takeSent()
    return bench
  }

  @Test func `a configuration is in force as soon as it is in the log`() {
    var bench = leader()
    bench.change(ConfigurationChange(.addLearner, MemberID(4), context: [9]))
    #expect(bench.node.configurations.latest.learners == [MemberID(4)])
    #expect(bench.node.commitIndex == LogIndex(1))
    #expect(!bench.takeSent(to: 4).isEmpty)
  }

  @Test func `a learner neither votes nor counts`() {
    var bench = leader()
    bench.change(ConfigurationChange(.addLearner, MemberID(4)))
    bench.accept(from: 4, 2)
    #expect(bench.node.commitIndex == LogIndex(1))
    bench.accept(from: 3, 2)
    #expect(bench.node.commitIndex == LogIndex(2))
  }

  @Test func `one change at a time`() {
    var bench = leader()
    bench.change(ConfigurationChange(.addLearner, MemberID(4)))
    bench.change(ConfigurationChange(.addLearner, MemberID(5)))
    #expect(bench.droppedReasons == [.refused(.changeInProgress)])
    bench.accept(from: 2, 2)
    bench.change(ConfigurationChange(.addLearner, MemberID(5)))
    #expect(bench.node.configurations.latest.learners == [MemberID(4), MemberID(5)])
  }

  /// Ongaro on raft-dev, July 2015: "bug in single-server membership changes".
  @Test func `no change before the leader has committed an entry of its term`() {
    var bench = NodeBench(log: [1, 1])
    bench.becomeLeader()
    bench.change(ConfigurationChange(.addLearner, MemberID(4)))
    #expect(bench.droppedReasons == [.refused(.changeInProgress)])
  }

  @Test func `a learner is promoted once it has caught up`() {
    var settings = RaftSettings()
    settings.promotionEntries = 0
    var bench = leader(settings: settings)
    bench.change(ConfigurationChange(.addLearner, MemberID(4)))
    bench.accept(from: 2, 2)
    bench.change(ConfigurationChange(.promote, MemberID(4)))
    #expect(bench.droppedReasons == [.refused(.learnerBehind(MemberID(4)))])
    bench.accept(from: 4, 2)
    bench.change(ConfigurationChange(.promote, MemberID(4)))
    #expect(bench.node.configurations.latest.voters == [1, 2, 3, 4].map(MemberID.init))
    bench.accept(from: 2, 3)
    #expect(bench.node.commitIndex == LogIndex(2), "two of four are no majority")
    bench.accept(from: 4, 3)
    #expect(bench.node.commitIndex == LogIndex(3))
  }

  @Test func `a learner that never answered is not promoted, however short the log`() {
    var bench = leader()
    bench.change(ConfigurationChange(.addLearner, MemberID(4)))
    bench.accept(from: 2, 2)
    bench.change(ConfigurationChange(.promote, MemberID(4)))
    #expect(bench.droppedReasons == [.refused(.learnerBehind(MemberID(4)))])
    bench.accept(from: 4, 1)
    bench.change(ConfigurationChange(.promote, MemberID(4)))
    #expect(bench.node.configurations.latest.voters.contains(MemberID(4)))
  }

  @Test(arguments: [
    (ConfigurationChange(.addVoter, MemberID(4)), "a member joins as a learner first"),
    (ConfigurationChange(.addLearner, MemberID(2)), "member 2 is already part of the cluster"),
    (ConfigurationChange(.promote, MemberID(2)), "member 2 is not a learner"),
    (ConfigurationChange(.remove, MemberID(0xbeef)), "member beef is not part of the cluster"),
    (ConfigurationChange(.update, MemberID(4)), "member 4 is not part of the cluster"),
  ])
  func `changes that do not fit are refused with a reason`(change: ConfigurationChange, reason: String) {
    var bench = leader()
    bench.change(change)
    #expect(bench.droppedReasons == [.refused(.invalidChange(reason))])
  }

  @Test func `the last voter stays`() {
    #expect(throws: RaftError.invalidChange("member 1 is the last voter")) {
      try Configuration(voters: [MemberID(1)]).applying(ConfigurationChange(.remove, MemberID(1)))
    }
  }

  @Test func `a leader that removes itself does not count itself, and steps down once that is committed`() {
    var bench = leader()
    bench.change(ConfigurationChange(.remove, MemberID(1)))
    bench.accept(from: 2, 2)
    #expect(bench.node.role == .leader)
    bench.accept(from: 3, 2)
    #expect(bench.node.commitIndex == LogIndex(2))
    #expect(bench.node.role == .follower)
    bench.tick(100)
    #expect(bench.node.role == .follower, "it does not campaign any more")
  }

  @Test func `a member may lead to commit its own removal, without a vote of its own`() {
    var bench = NodeBench(log: [1], hardState: HardState(commitIndex: LogIndex(1)))
    let record = ConfigurationRecord(
      change: ConfigurationChange(.remove, MemberID(1)),
      configuration: Configuration(voters: [2, 3].map(MemberID.init))
    )
    var removal = Entry.test(2, 1, record.encoded())
    removal.kind = .configuration
    bench.receive(from: 2, term: 1, .append(.test(after: 1, 1, [removal], commit: 1)))
    while bench.node.role == .follower, bench.node.electionElapsed < 100 { bench.tick() }
    #expect(bench.node.role == .preCandidate)
    bench.receive(from: 2, term: 2, .preVoteResponse(granted: true))
    #expect(bench.node.role == .preCandidate, "one of the two that vote is no majority")
    bench.receive(from: 3, term: 2, .preVoteResponse(granted: true))
    bench.receive(from: 2, term: 2, .voteResponse(granted: true))
    #expect(bench.node.role == .candidate)
    bench.receive(from: 3, term: 2, .voteResponse(granted: true))
    #expect(bench.node.role == .leader)
    bench.accept(from: 2, 3)
    #expect(bench.node.commitIndex == LogIndex(1))
    bench.accept(from: 3, 3)
    #expect(bench.node.commitIndex == LogIndex(3))
    #expect(bench.node.role == .follower)
    bench.tick(100)
    #expect(bench.node.role == .follower, "it does not campaign any more")
  }

  @Test func `a member hears that its change is refused for good, and only then`() throws {
    var settings = RaftSettings()
    settings.guardsQuorum = true
    var bench = NodeBench(settings: settings)
    bench.becomeLeader()
    bench.accept(from: 2, 1)
    for _ in 0..<settings.electionTicks {
      bench.receive(from: 2, term: 1, .heartbeatResponse(readRound: 0))
      bench.tick()
    }
    _ = bench.takeSent()
    let risky = ConfigurationChange(.remove, MemberID(2), context: [9])
    bench.receive(from: 2, term: 1, .propose([.configurationChange(risky)]))
    let reason = RaftError.quorumAtRisk(MemberID(2)).description
    #expect(bench.takeSent(to: 2) == [.changeRefused(risky, reason: reason)])
    bench.receive(from: 2, term: 1, .propose([.configurationChange(ConfigurationChange(.update, MemberID(4)))]))
    #expect(bench.takeSent(to: 2) == [], "it may be in the log already")
    var asker = NodeBench(2)
    asker.receive(from: 1, term: 1, .changeRefused(risky, reason: reason))
    #expect(asker.node.notices.ownRefusedChanges == [RefusedChange(change: risky, reason: .refusedByLeader(reason))])
  }

  @Test func `a removed member is still told so`() {
    var bench = leader()
    bench.accept(from: 3, 1)
    bench.change(ConfigurationChange(.remove, MemberID(3)))
    let told = bench.takeSent(to: 3).contains {
      if case .append(let request) = $0 { request.entries.last?.index == LogIndex(2) } else { false }
    }
    #expect(told)
    bench.accept(from: 2, 2)
    bench.accept(from: 3, 2)
    _ = bench.takeSent()
    bench.tick()
    #expect(bench.takeSent(to: 3).contains(.heartbeat(commitIndex: LogIndex(2), readRound: 0)))
    for _ in 0..<20 {
      bench.receive(from: 2, term: 1, .heartbeatResponse(readRound: 0))
      bench.tick()
    }
    _ = bench.takeSent()
    bench.tick()
    #expect(bench.takeSent(to: 3).isEmpty)
  }

  @Test func `a follower that truncates a configuration goes back to the one before`() {
    var bench = NodeBench(log: [1])
    let record = ConfigurationRecord(
      change: ConfigurationChange(.addLearner, MemberID(4)),
      configuration: Configuration(voters: [1, 2, 3].map(MemberID.init), learners: [MemberID(4)])
    )
    var entry = Entry.test(2, 1, record.encoded())
    entry.kind = .configuration
    bench.receive(from: 2, term: 1, .append(.test(after: 1, 1, [entry])))
    #expect(bench.node.configurations.latest == record.configuration)
    bench.receive(from: 3, term: 2, .append(.test(after: 1, 1, [.test(2, 2)])))
    #expect(bench.node.configurations.latest.learners.isEmpty)
  }

  @Test func `leadership goes to a member that has everything, which campaigns at once`() {
    var bench = leader()
    bench.node.transferLeadership(to: .any)
    bench.settle()
    #expect(bench.takeSent(to: 2).contains(.timeoutNow))
    bench.propose([1], id: 9)
    #expect(bench.droppedReasons == [.transferring])
    var target = NodeBench(2, log: [1])
    target.receive(from: 1, term: 1, .timeoutNow)
    #expect(target.node.role == .candidate)
    let request = VoteRequest(lastIndex: LogIndex(1), lastTerm: Term(1), isTransfer: true)
    #expect(target.takeSent(to: 3) == [.voteRequest(request)])
  }

  @Test func `a transfer that does not come about is given up after an election time`() {
    var bench = leader()
    bench.node.transferLeadership(to: .member(MemberID(3)))
    for _ in 0..<10 {
      bench.receive(from: 2, term: 1, .heartbeatResponse(readRound: 0))
      bench.tick()
    }
    bench.propose()
    #expect(bench.droppedReasons.isEmpty)
  }

  @Test func `initial members begin with equal logs that name everyone`() throws {
    let members = [3, 1, 2].map { Bootstrap.Member(id: MemberID($0), context: [UInt8($0)]) }
    let batch = Bootstrap(members: members).batch
    #expect(batch == Bootstrap(members: members.reversed()).batch)
    #expect(batch.hardState == HardState(term: Term(1), vote: nil, commitIndex: LogIndex(3)))
    let records = try batch.entries.map { try ConfigurationRecord(decoding: $0.data) }
    #expect(records.map(\.change.context) == [[1], [2], [3]])
    #expect(records.allSatisfy { $0.configuration.voters == [1, 2, 3].map(MemberID.init) })
  }
}
