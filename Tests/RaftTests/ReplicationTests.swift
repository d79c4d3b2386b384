// SPDX-License-Identifier: Apache-2.0

import Testing

@_spi(Simulation) @testable import Raft

/// Raft paper, sections 5.3, 5.4.2 and 8; etcd-io/raft `raft.go`, `tracker/`.
struct ReplicationTests {
  @Test func `a new leader appends an empty entry of its term and sends it`() {
    var bench = NodeBench(log: [1])
    bench.tick(20)
    bench.receive(from: 2, term: 2, .preVoteResponse(granted: true))
    _ = bench.takeSent()
    bench.receive(from: 2, term: 2, .voteResponse(granted: true))
    let sent = bench.takeSent(to: 3)
    guard case .append(let request)? = sent.first else {
      Issue.record("no append was sent")
      return
    }
    #expect(request.previousIndex == LogIndex(1))
    #expect(request.previousTerm == Term(1))
    #expect(request.entries.map(\.kind) == [.empty])
    #expect(request.entries.map(\.term) == [Term(2)])
  }

  @Test func `an entry is committed when a majority has it`() {
    var bench = NodeBench(voters: [1, 2, 3, 4, 5])
    bench.tick(20)
    for peer in [2, 3] as [UInt64] { bench.receive(from: peer, term: 1, .preVoteResponse(granted: true)) }
    for peer in [2, 3] as [UInt64] { bench.receive(from: peer, term: 1, .voteResponse(granted: true)) }
    bench.accept(from: 4, 1)
    #expect(bench.node.commitIndex == .zero)
    bench.accept(from: 4, 1)
    #expect(bench.node.commitIndex == .zero, "one member counts once")
    bench.accept(from: 5, 1)
    #expect(bench.node.commitIndex == LogIndex(1))
  }

  @Test func `a leader does not count itself before its own append is durable`() {
    var bench = NodeBench()
    bench.becomeLeader()
    bench.accept(from: 2, 1)
    bench.node.propose([Proposal(id: 1, .command([1]))])
    let ready = bench.node.ready()
    bench.node.step(
      Message(from: MemberID(2), to: MemberID(1), term: Term(1), body: .appendResponse(.accepted(match: LogIndex(2))))
    )
    #expect(bench.node.commitIndex == LogIndex(1))
    if let ready { bench.node.persisted(ready) }
    #expect(bench.node.commitIndex == LogIndex(2))
  }

  /// Section 5.4.2 and figure 8.
  @Test(arguments: [nil, BrokenRule.commitOlderTerm])
  func `entries of older terms are committed only along with one of the leader's own`(broken: BrokenRule?) {
    var settings = RaftSettings()
    settings.brokenRule = broken
    var bench = NodeBench(log: [1, 1, 2], settings: settings)
    bench.becomeLeader()
    bench.accept(from: 2, 3)
    #expect(bench.node.commitIndex == (broken == nil ? .zero : LogIndex(3)))
    bench.accept(from: 2, 4)
    #expect(bench.node.commitIndex == LogIndex(4))
  }

  @Test func `followers learn the commit index, but never beyond what they are known to hold`() {
    var bench = NodeBench(log: [1, 1])
    bench.receive(from: 2, term: 1, .append(.test(after: 1, 1, [], commit: 2)))
    #expect(bench.node.commitIndex == LogIndex(1))
    bench.receive(from: 2, term: 1, .append(.test(after: 2, 1, [], commit: 9)))
    #expect(bench.node.commitIndex == LogIndex(2))
  }

  /// Figure 7, shortened: what a follower answers, and what is in its log afterwards.
  @Test func `a follower appends after the entry that matches, and replaces what conflicts`() {
    var bench = NodeBench(log: [1, 1, 2, 2])
    bench.receive(from: 2, term: 4, .append(.test(after: 2, 1, [.test(3, 3), .test(4, 4)])))
    #expect(bench.takeSent(to: 2) == [.appendResponse(.accepted(match: LogIndex(4)))])
    #expect((1...4).map { bench.node.tail.term(at: LogIndex($0)) } == [Term(1), Term(1), Term(3), Term(4)])
    #expect(bench.persisted.last?.entries == [.test(3, 3), .test(4, 4)])
  }

  @Test func `an old append that arrives late shortens nothing`() {
    var bench = NodeBench(log: [1, 1, 1])
    bench.receive(from: 2, term: 1, .append(.test(after: 0, 0, [.test(1, 1)])))
    #expect(bench.node.tail.lastIndex == LogIndex(3))
    #expect(bench.takeSent(to: 2) == [.appendResponse(.accepted(match: LogIndex(1)))])
  }

  @Test func `a committed entry is never replaced`() {
    var bench = NodeBench(log: [1, 1])
    bench.receive(from: 2, term: 1, .append(.test(after: 2, 1, [], commit: 2)))
    bench.receive(from: 3, term: 2, .append(.test(after: 0, 0, [.test(1, 2), .test(2, 2), .test(3, 2)])))
    #expect(bench.node.violation == "leader of term 2 replaces committed entry 1")
    #expect(bench.node.tail.term(at: LogIndex(1)) == Term(1))
  }

  @Test(arguments: [(5, 3, 3, 1), (3, 2, 1, 1), (4, 2, 3, 1)] as [(UInt64, UInt64, UInt64, UInt64)])
  func `a refusal hints at the last entry that can agree`(after: UInt64, term: UInt64, hint: UInt64, hintTerm: UInt64) {
    var bench = NodeBench(log: hint == 1 ? [1, 3, 3] : [1, 1, 1])
    bench.receive(from: 2, term: 5, .append(.test(after: after, term, [])))
    let response = AppendResponse.rejected(
      previousIndex: LogIndex(after),
      hintIndex: LogIndex(hint),
      hintTerm: Term(hintTerm)
    )
    #expect(bench.takeSent(to: 2) == [.appendResponse(response)])
  }

  /// End of section 5.3: one round trip a term, not one an entry.
  @Test func `a leader skips a whole term of entries that cannot agree`() {
    var bench = NodeBench(log: [1] + [UInt64](repeating: 2, count: 50))
    bench.becomeLeader()
    let response = AppendResponse.rejected(previousIndex: LogIndex(51), hintIndex: LogIndex(40), hintTerm: Term(1))
    bench.receive(from: 3, term: 3, .appendResponse(response))
    guard case .append(let request)? = bench.takeSent(to: 3).first else {
      Issue.record("no append was sent")
      return
    }
    #expect(request.previousIndex == LogIndex(1))
    #expect(request.entries.count == 51)
  }

  @Test func `stamps never run backwards nor stand still, whatever the clock does`() {
    var bench = NodeBench(voters: [1])
    bench.node.stampClock.advance(to: 50)
    while bench.node.role != .leader { bench.tick() }
    for now in [100, 20, 60, 3_000_000_000, 1_000_000_000, 1_000_000_800] as [Int64] {
      bench.node.stampClock.advance(to: now)
      bench.propose()
    }
    let stamps = bench.persisted.flatMap(\.entries).map(\.timestampNanoseconds)
    // Set back to 20, it goes on from 100; 40 later 35 have passed. A long way on it was set again.
    #expect(stamps == [50, 100, 100, 135, 3_000_000_000, 3_000_000_000, 3_000_000_700])
  }

  @Test func `appends follow each other without waiting, within a window that opens as answers come`() {
    var settings = RaftSettings()
    settings.inflightMessages = 3
    var bench = NodeBench(settings: settings)
    bench.becomeLeader()
    bench.accept(from: 2, 1)
    _ = bench.takeSent()
    func appends(_ bodies: [Message.Body]) -> Int {
      bodies.count { if case .append(let request) = $0 { !request.entries.isEmpty } else { false } }
    }
    for _ in 0..<5 { bench.propose() }
    #expect(appends(bench.takeSent(to: 2)) == 1)
    bench.accept(from: 2, 2)
    #expect(appends(bench.takeSent(to: 2)) == 1, "everything that waited goes in one message")
    for _ in 0..<5 { bench.propose() }
    #expect(appends(bench.takeSent(to: 2)) == 1)
    bench.accept(from: 2, 6)
    bench.accept(from: 2, 7)
    _ = bench.takeSent()
    for _ in 0..<9 { bench.propose() }
    #expect(appends(bench.takeSent(to: 2)) <= 3)
    #expect(bench.node.progress[MemberID(2)]?.isPaused(settings) == true)
  }

  @Test func `a window that was lost is found out by a heartbeat's answer`() {
    var settings = RaftSettings()
    settings.inflightMessages = 1
    var bench = NodeBench(settings: settings)
    bench.becomeLeader()
    bench.accept(from: 2, 1)
    bench.propose()
    bench.propose()
    _ = bench.takeSent()
    bench.receive(from: 2, term: 1, .heartbeatResponse(readRound: 0))
    #expect(bench.takeSent(to: 2) == [.append(.test(after: 2, 1, [], commit: 1))])
    let refusal = AppendResponse.rejected(previousIndex: LogIndex(2), hintIndex: LogIndex(1), hintTerm: Term(1))
    bench.receive(from: 2, term: 1, .appendResponse(refusal))
    guard case .append(let request)? = bench.takeSent(to: 2).first else {
      Issue.record("no append was sent")
      return
    }
    #expect(request.entries.map(\.index) == [LogIndex(2), LogIndex(3)])
  }

  @Test func `entries only in the store are sent one message at a time, and not by a leader of the past`() {
    var settings = RaftSettings()
    settings.cachedEntries = 2
    var bench = NodeBench(log: [UInt64](repeating: 1, count: 20), settings: settings)
    bench.becomeLeader()
    let response = AppendResponse.rejected(previousIndex: LogIndex(20), hintIndex: LogIndex(4), hintTerm: Term(1))
    bench.node.step(Message(from: MemberID(3), to: MemberID(1), term: Term(2), body: .appendResponse(response)))
    var leading = bench.node
    let stored = leading.ready()?.outgoing.compactMap {
      if case .storedAppend(let message, let last) = $0 { (message.body, last) } else { nil }
    }
    #expect(stored?.map(\.0) == [.append(.test(after: 4, 1))])
    #expect(stored?.map(\.1) == [LogIndex(18)])
    bench.node.step(
      Message(from: MemberID(2), to: MemberID(1), term: Term(3), body: .append(.test(after: 4, 1, [.test(5, 3)])))
    )
    let isSent = bench.node.ready()?.outgoing.contains { if case .storedAppend = $0 { true } else { false } }
    #expect(isSent == false)
  }

  @Test func `answers that come twice do not multiply messages`() {
    var bench = NodeBench()
    bench.becomeLeader()
    bench.accept(from: 2, 1)
    bench.propose()
    _ = bench.takeSent()
    for _ in 0..<10 { bench.accept(from: 2, 1) }
    #expect(bench.takeSent().isEmpty)
  }

  @Test func `messages keep to their limit of bytes`() {
    var settings = RaftSettings()
    settings.messageLimitBytes = 100
    var bench = NodeBench(settings: settings)
    bench.becomeLeader()
    for _ in 0..<10 { bench.propose([UInt8](repeating: 0, count: 40)) }
    _ = bench.takeSent()
    bench.accept(from: 2, 1)
    for case .append(let request) in bench.takeSent(to: 2) { #expect(request.entries.count <= 1) }
  }

  @Test func `proposals beyond the limit of uncommitted bytes are refused until some are committed`() {
    var settings = RaftSettings()
    settings.uncommittedLimitBytes = 200
    var bench = NodeBench(settings: settings)
    bench.becomeLeader()
    for id in 1...4 as ClosedRange<UInt64> { bench.propose([UInt8](repeating: 0, count: 60), id: id) }
    #expect(bench.node.notices.dropped == [3, 4].map { Dropped(id: $0, reason: .overloaded) })
    bench.accept(from: 2, 3)
    bench.propose([1], id: 5)
    #expect(bench.node.notices.dropped.count == 2)
  }

  @Test func `a proposal without a leader is dropped, one at a follower goes to the leader once`() {
    var bench = NodeBench()
    bench.propose([7])
    #expect(bench.droppedReasons == [.noLeader])
    bench.receive(from: 2, term: 1, .heartbeat(commitIndex: .zero, readRound: 0))
    _ = bench.takeSent()
    bench.propose([8])
    bench.tick(5)
    #expect(bench.takeSent(to: 2) == [.propose([.command([8])])])
  }

  @Test func `a forwarded proposal is appended by a leader and by nobody else`() {
    var bench = NodeBench()
    bench.receive(from: 2, term: 0, .propose([.command([8])]))
    #expect(bench.node.tail.lastIndex == .zero)
    bench.becomeLeader()
    bench.receive(from: 2, term: 0, .propose([.command([8])]))
    #expect(bench.node.tail.lastIndex == LogIndex(2))
  }

  @Test func `a proposal larger than an entry may be is refused`() {
    var bench = NodeBench()
    bench.becomeLeader()
    bench.propose([UInt8](repeating: 0, count: Entry.dataLimitBytes + 1))
    #expect(bench.droppedReasons == [.tooLarge])
  }
}
