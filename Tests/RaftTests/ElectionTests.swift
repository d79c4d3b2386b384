// SPDX-License-Identifier: Apache-2.0

import Testing

@_spi(Simulation) @testable import Raft

/// Raft paper, sections 5.1, 5.2 and 5.4.1; dissertation, sections 4.2.3, 6.2 and 9.6.
struct ElectionTests {
  @Test func `members begin as followers`() {
    #expect(NodeBench().node.role == .follower)
  }

  @Test func `a follower that hears of no leader asks for pre-votes and keeps its term`() {
    var bench = NodeBench(log: [1])
    bench.tick(20)
    #expect(bench.node.role == .preCandidate)
    #expect(bench.node.term == Term(1))
    let request = VoteRequest(lastIndex: LogIndex(1), lastTerm: Term(1))
    let asked = bench.takeSent().filter { $0.term == Term(2) && $0.body == .preVoteRequest(request) }
    #expect(Set(asked.map(\.to)) == [MemberID(2), MemberID(3)])
    #expect(bench.persisted.isEmpty)
  }

  @Test func `a member with a majority of pre-votes begins a term and votes for itself durably`() {
    var bench = NodeBench()
    bench.tick(20)
    _ = bench.takeSent()
    bench.receive(from: 3, term: 1, .preVoteResponse(granted: true))
    #expect(bench.node.role == .candidate)
    #expect(bench.persisted.last?.hardState == HardState(term: Term(1), vote: MemberID(1)))
    let request = VoteRequest(lastIndex: .zero, lastTerm: .zero)
    #expect(bench.takeSent().map(\.body) == [.voteRequest(request), .voteRequest(request)])
  }

  @Test func `a candidate with a majority of votes leads`() {
    var bench = NodeBench(voters: [1, 2, 3, 4, 5])
    bench.tick(20)
    for peer in [2, 3] as [UInt64] { bench.receive(from: peer, term: 1, .preVoteResponse(granted: true)) }
    bench.receive(from: 2, term: 1, .voteResponse(granted: true))
    bench.receive(from: 2, term: 1, .voteResponse(granted: true))
    #expect(bench.node.role == .candidate, "a vote counts once")
    bench.receive(from: 3, term: 1, .voteResponse(granted: true))
    #expect(bench.node.role == .leader)
  }

  @Test func `a candidate refused by a majority is a follower again`() {
    var bench = NodeBench()
    bench.tick(20)
    bench.receive(from: 2, term: 1, .preVoteResponse(granted: true))
    bench.receive(from: 2, term: 1, .voteResponse(granted: false))
    bench.receive(from: 3, term: 1, .voteResponse(granted: false))
    #expect(bench.node.role == .follower)
  }

  @Test func `a candidate that hears of a leader of its term follows it`() {
    var bench = NodeBench()
    bench.tick(20)
    bench.receive(from: 2, term: 1, .preVoteResponse(granted: true))
    bench.receive(from: 3, term: 1, .append(.test(after: 0, 0)))
    #expect(bench.node.role == .follower)
    #expect(bench.node.leader == MemberID(3))
  }

  @Test(arguments: [Role.follower, .candidate, .leader])
  func `a member that sees a higher term takes it over and follows`(role: Role) {
    var bench = NodeBench()
    if role != .follower {
      bench.tick(20)
      bench.receive(from: 2, term: 1, .preVoteResponse(granted: true))
    }
    if role == .leader { bench.receive(from: 2, term: 1, .voteResponse(granted: true)) }
    #expect(bench.node.role == role)
    bench.receive(from: 2, term: 7, .append(.test(after: 0, 0)))
    #expect(bench.node.role == .follower)
    #expect(bench.node.term == Term(7))
    #expect(bench.persisted.last?.hardState?.term == Term(7))
  }

  @Test func `a follower whose leader's stream broke asks for pre-votes within three ticks`() {
    var bench = NodeBench()
    bench.receive(from: 2, term: 1, .append(.test(after: 0, 0)))
    bench.tick()
    #expect(bench.node.role == .follower)
    bench.node.lostStream(from: MemberID(3))
    bench.tick(3)
    #expect(bench.node.role == .follower, "the other one is no leader")
    bench.node.lostStream(from: MemberID(2))
    bench.tick(3)
    #expect(bench.node.role == .preCandidate)
    #expect(bench.node.term == Term(1))
  }

  @Test func `a word from the leader takes the suspicion back`() {
    var bench = NodeBench()
    bench.receive(from: 2, term: 1, .append(.test(after: 0, 0)))
    bench.node.lostStream(from: MemberID(2))
    bench.receive(from: 2, term: 1, .heartbeat(commitIndex: .zero, readRound: 0))
    bench.tick(9)
    #expect(bench.node.role == .follower)
  }

  @Test(arguments: [false, true])
  func `only a follower that has lost its leader too grants an early pre-vote`(hasLost: Bool) {
    var bench = NodeBench()
    bench.receive(from: 2, term: 1, .append(.test(after: 0, 0)))
    _ = bench.takeSent()
    if hasLost { bench.node.lostStream(from: MemberID(2)) }
    let request = VoteRequest(lastIndex: .zero, lastTerm: .zero)
    bench.receive(from: 3, term: 2, .preVoteRequest(request))
    #expect(bench.takeSent(to: 3) == (hasLost ? [.preVoteResponse(granted: true)] : []))
    bench.receive(from: 3, term: 2, .voteRequest(request))
    #expect(bench.takeSent(to: 3) == (hasLost ? [.voteResponse(granted: true)] : []))
    #expect(bench.node.term == Term(hasLost ? 2 : 1))
  }

  @Test func `a vote is given once a term, first come first served`() {
    var bench = NodeBench()
    let request = Message.Body.voteRequest(VoteRequest(lastIndex: .zero, lastTerm: .zero))
    bench.receive(from: 2, term: 1, request)
    #expect(bench.takeSent(to: 2) == [.voteResponse(granted: true)])
    #expect(bench.persisted.last?.hardState?.vote == MemberID(2))
    bench.receive(from: 3, term: 1, request)
    #expect(bench.takeSent(to: 3) == [.voteResponse(granted: false)])
    bench.receive(from: 2, term: 1, request)
    #expect(bench.takeSent(to: 2) == [.voteResponse(granted: true)], "the answer may have been lost")
    bench.receive(from: 3, term: 2, request)
    #expect(bench.takeSent(to: 3) == [.voteResponse(granted: true)], "a new term, a new vote")
  }

  @Test func `a restarted member remembers its vote`() {
    let hardState = HardState(term: Term(4), vote: MemberID(2))
    var bench = NodeBench(hardState: hardState)
    bench.receive(from: 3, term: 4, .voteRequest(VoteRequest(lastIndex: LogIndex(9), lastTerm: Term(3))))
    #expect(bench.takeSent(to: 3) == [.voteResponse(granted: false)])
  }

  /// Section 5.4.1: the later last term wins; with equal last terms the longer log.
  @Test(
    arguments: [
      (1, 2, 1, true), (1, 3, 1, true), (1, 1, 1, false), (2, 1, 1, true), (2, 5, 1, true), (1, 5, 2, false),
    ] as [(UInt64, UInt64, UInt64, Bool)]
  )
  func `votes go to logs at least as up to date`(lastTerm: UInt64, lastIndex: UInt64, ownTerm: UInt64, isGiven: Bool) {
    for isPreVote in [true, false] {
      var bench = NodeBench(log: [ownTerm, ownTerm])
      let request = VoteRequest(lastIndex: LogIndex(lastIndex), lastTerm: Term(lastTerm))
      bench.receive(from: 2, term: 9, isPreVote ? .preVoteRequest(request) : .voteRequest(request))
      let expected: Message.Body =
        isPreVote ? .preVoteResponse(granted: isGiven) : .voteResponse(granted: isGiven)
      #expect(bench.takeSent(to: 2) == [expected])
    }
  }

  @Test func `a member that hears its leader ignores campaigns unless the leader asked for them`() {
    var bench = NodeBench()
    bench.receive(from: 2, term: 1, .heartbeat(commitIndex: .zero, readRound: 0))
    _ = bench.takeSent()
    bench.receive(from: 3, term: 5, .voteRequest(VoteRequest(lastIndex: .zero, lastTerm: .zero)))
    bench.receive(from: 3, term: 5, .preVoteRequest(VoteRequest(lastIndex: .zero, lastTerm: .zero)))
    #expect(bench.takeSent().isEmpty)
    #expect(bench.node.term == Term(1))
    let transfer = VoteRequest(lastIndex: .zero, lastTerm: .zero, isTransfer: true)
    bench.receive(from: 3, term: 5, .voteRequest(transfer))
    #expect(bench.takeSent(to: 3) == [.voteResponse(granted: true)])
  }

  @Test func `a pre-vote changes nothing at the member that gives it`() {
    var bench = NodeBench()
    bench.receive(from: 3, term: 5, .preVoteRequest(VoteRequest(lastIndex: .zero, lastTerm: .zero)))
    #expect(
      bench.takeSent() == [
        Message(from: MemberID(1), to: MemberID(3), term: Term(5), body: .preVoteResponse(granted: true))
      ]
    )
    #expect(bench.node.term == .zero)
    #expect(bench.persisted.isEmpty)
  }

  @Test func `election timeouts are drawn from one to two election times`() {
    var seen: Set<Int> = []
    var bench = NodeBench()
    for _ in 0..<500 {
      bench.node.becomeFollower(term: bench.node.term.next, leader: nil)
      seen.insert(bench.node.electionTimeout)
    }
    #expect(seen == Set(10..<20))
  }

  @Test func `a leader that hears of no majority for an election time steps down`() {
    var bench = NodeBench()
    bench.becomeLeader()
    bench.tick(8)
    bench.receive(from: 2, term: 1, .heartbeatResponse(readRound: 0))
    bench.tick(8)
    #expect(bench.node.role == .leader)
    bench.tick(3)
    #expect(bench.node.role == .follower)
  }

  @Test func `a leader of an older term is told so and steps down`() {
    var follower = NodeBench(1, hardState: HardState(term: Term(3)))
    follower.receive(from: 2, term: 1, .append(.test(after: 0, 0)))
    let answer = follower.takeSent()
    #expect(answer.map(\.term) == [Term(3)])
    var leader = NodeBench(2)
    leader.tick(20)
    leader.receive(from: 3, term: 1, .preVoteResponse(granted: true))
    leader.receive(from: 3, term: 1, .voteResponse(granted: true))
    #expect(leader.node.role == .leader)
    for message in answer { leader.node.step(message) }
    #expect(leader.node.role == .follower)
    #expect(leader.node.term == Term(3))
  }

  @Test func `a single voter leads without asking anyone, and commits only what is durable`() {
    var node = NodeBench(voters: [1]).node
    while node.role != .leader { node.tick() }
    #expect(node.commitIndex == .zero)
    let ready = node.ready()
    #expect(ready?.hardState == HardState(term: Term(1), vote: MemberID(1)))
    #expect(ready?.entries.map(\.kind) == [.empty])
    #expect(node.commitIndex == .zero)
    if let ready { node.persisted(ready) }
    #expect(node.commitIndex == LogIndex(1))
  }

  @Test func `learners and strangers do not campaign`() {
    for bench in [NodeBench(voters: [2, 3], learners: [1]), NodeBench(voters: [2, 3]), NodeBench(voters: [])] {
      var bench = bench
      bench.tick(100)
      #expect(bench.node.role == .follower)
      bench.receive(from: 2, term: 1, .timeoutNow)
      #expect(bench.node.role == .follower)
    }
  }

  @Test func `two leaders in one term stop the member instead of being believed`() {
    var bench = NodeBench()
    bench.receive(from: 2, term: 1, .heartbeat(commitIndex: .zero, readRound: 0))
    bench.receive(from: 3, term: 1, .heartbeat(commitIndex: .zero, readRound: 0))
    #expect(bench.node.violation == "two leaders in term 1: 2 and 3")
  }
}
