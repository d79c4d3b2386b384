// SPDX-License-Identifier: Apache-2.0

import Testing

@_spi(Simulation) @testable import Raft

/// The order persist → send → apply, and what happens when storage fails.
struct ReplicaTests {
  typealias Replica = RaftReplica<MemoryLog, JournalOutbox, ListMachine>

  private func replica(
    voters: [UInt64],
    journal: Journal = Journal(),
    log: MemoryLog? = nil,
    settings: RaftSettings = RaftSettings()
  ) throws -> Replica {
    try Replica(
      member: MemberID(1),
      bootstrap: Bootstrap(members: voters.map { Bootstrap.Member(id: MemberID($0)) }),
      seed: 1,
      settings: settings,
      log: log ?? MemoryLog(journal),
      outbox: JournalOutbox(journal: journal),
      machine: ListMachine(journal)
    )
  }

  private func elect(_ replica: inout Replica) {
    while replica.status.role != .leader {
      let term = replica.status.term
      let granted: [Message] =
        switch replica.status.role {
        case .preCandidate:
          [Message(from: MemberID(2), to: MemberID(1), term: term.next, body: .preVoteResponse(granted: true))]
        case .candidate: [Message(from: MemberID(2), to: MemberID(1), term: term, body: .voteResponse(granted: true))]
        case .follower, .leader: []
        }
      _ = replica.turn(ReplicaInput(nowNanoseconds: 0, ticks: 1, messages: granted))
    }
  }

  @Test func `a single member acknowledges only after the append`() throws {
    let journal = Journal()
    var replica = try replica(voters: [1], journal: journal)
    elect(&replica)
    _ = journal.take()
    let output = replica.turn(ReplicaInput(nowNanoseconds: 9, proposals: [Proposal(id: 1, .command([7]))]))
    #expect(journal.take() == ["append [3]", "apply 3"])
    #expect(output.applied.map(\.outcome) == [[7]])
    #expect(output.applied.first?.entry.timestampNanoseconds == 9)
  }

  @Test func `a batch of proposals goes to the followers while it is appended, and is applied when a majority has it`()
    throws
  {
    let journal = Journal()
    var replica = try replica(voters: [1, 2, 3], journal: journal)
    elect(&replica)
    _ = replica.turn(answer(4))
    _ = journal.take()
    let proposals = (1...3).map { Proposal(id: $0, .command([UInt8($0)])) }
    let proposed = replica.turn(ReplicaInput(nowNanoseconds: 0, proposals: proposals))
    #expect(proposed.applied.isEmpty)
    #expect(journal.take() == ["send", "append [5, 6, 7]"])
    let output = replica.turn(answer(7))
    #expect(output.applied.map(\.outcome) == [[1], [2], [3]])
  }

  private func answer(_ match: UInt64) -> ReplicaInput {
    let body = Message.Body.appendResponse(.accepted(match: LogIndex(match)))
    return ReplicaInput(
      nowNanoseconds: 0,
      messages: [Message(from: MemberID(2), to: MemberID(1), term: Term(2), body: body)]
    )
  }

  @Test func `a follower answers an append only after its own`() throws {
    let journal = Journal()
    var replica = try replica(voters: [1, 2, 3], journal: journal)
    _ = replica.turn(ReplicaInput(nowNanoseconds: 0))
    _ = journal.take()
    let request = AppendRequest.test(after: 3, 1, [.test(4, 2)], commit: 4)
    let message = Message(from: MemberID(2), to: MemberID(1), term: Term(2), body: .append(request))
    _ = replica.turn(ReplicaInput(nowNanoseconds: 0, messages: [message]))
    #expect(journal.take() == ["append [4]", "send", "apply 4"])
  }

  @Test func `a candidate's vote is durable before anyone is asked for another`() throws {
    let journal = Journal()
    var replica = try replica(voters: [1, 2, 3], journal: journal)
    while replica.status.role != .preCandidate { _ = replica.turn(ReplicaInput(nowNanoseconds: 0, ticks: 1)) }
    _ = journal.take()
    let granted = Message(
      from: MemberID(2),
      to: MemberID(1),
      term: replica.status.term.next,
      body: .preVoteResponse(granted: true)
    )
    _ = replica.turn(ReplicaInput(nowNanoseconds: 0, messages: [granted]))
    #expect(journal.take() == ["append []", "send"])
  }

  @Test func `a lone voter that begins a term tells its learners only when that is durable`() throws {
    var bench = NodeBench(voters: [1], learners: [2])
    while bench.node.role == .follower { bench.node.tick() }
    let begun = bench.node.ready()
    let first = try #require(begun)
    #expect(first.early.isEmpty && !first.outgoing.isEmpty)
    bench.node.persisted(first)
    let accepted = Message.Body.appendResponse(.accepted(match: bench.node.tail.lastIndex))
    bench.node.step(Message(from: MemberID(2), to: MemberID(1), term: bench.node.term, body: accepted))
    bench.node.propose([Proposal(id: 1, .command([1]))])
    let proposed = bench.node.ready()
    let second = try #require(proposed)
    #expect(!second.early.isEmpty && second.outgoing.isEmpty)
  }

  @Test func `a leader whose disk fails hands over, and says that the proposal's fate is unknown`()
    throws
  {
    let journal = Journal()
    let log = MemoryLog(journal)
    var replica = try replica(voters: [1, 2, 3], journal: journal, log: log)
    elect(&replica)
    _ = replica.turn(answer(4))
    _ = journal.take()
    log.failsAppends = true
    let output = replica.turn(
      ReplicaInput(nowNanoseconds: 0, proposals: [Proposal(id: 5, .command([7]))], reads: [ReadRequest(id: 6)])
    )
    #expect(journal.take() == ["send", "append fails", "send"])
    #expect(replica.outbox.messages.suffix(1).map(\.body) == [.timeoutNow], "nothing that rests on the append")
    #expect(output.applied.isEmpty)
    #expect(output.dropped == [Dropped(id: 5, reason: .storageFailed)])
    #expect(output.dropped.allSatisfy { !$0.isDefinite })
    #expect(output.droppedReads == [ReadRequest(id: 6)])
    #expect(output.storageFailure is MemoryLog.Failure)
    #expect(output.status.role == .follower)
    #expect(output.status.isSteppedAside)
    #expect(output.status.lastIndex == LogIndex(4))
  }

  @Test func `a member whose disk works again takes part again`() throws {
    let journal = Journal()
    let log = MemoryLog(journal)
    var replica = try replica(voters: [1], journal: journal, log: log)
    elect(&replica)
    log.failsAppends = true
    log.failsLoads = true
    _ = replica.turn(ReplicaInput(nowNanoseconds: 0, proposals: [Proposal(id: 1, .command([1]))]))
    let refused = replica.turn(ReplicaInput(nowNanoseconds: 0, ticks: 1, proposals: [Proposal(id: 2, .command([2]))]))
    #expect(refused.dropped.map(\.id) == [2])
    #expect(refused.status.isSteppedAside)
    log.failsAppends = false
    log.failsLoads = false
    elect(&replica)
    let output = replica.turn(ReplicaInput(nowNanoseconds: 0, proposals: [Proposal(id: 3, .command([3]))]))
    #expect(output.applied.map(\.outcome) == [[3]])
    #expect(!output.status.isSteppedAside)
    #expect(replica.machine.payloads == [[3]])
  }

  @Test func `snapshots are taken, the log is compacted, and a restart begins from them`() throws {
    let journal = Journal()
    let log = MemoryLog(journal)
    var settings = RaftSettings()
    settings.snapshotEntries = 5
    settings.trailingEntries = 2
    settings.snapshotChunkBytes = 3
    var replica = try replica(voters: [1], journal: journal, log: log, settings: settings)
    elect(&replica)
    for number in 1...5 as ClosedRange<UInt8> {
      _ = replica.turn(ReplicaInput(nowNanoseconds: 0, proposals: [Proposal(id: 0, .command([number]))]))
    }
    #expect(
      journal.lines.filter { $0.hasPrefix("snapshot") || $0.hasPrefix("compact") } == ["snapshot 5", "compact 3"]
    )
    #expect(log.entries.map(\.index.rawValue) == [4, 5, 6, 7])
    var restarted = try self.replica(voters: [1], log: log, settings: settings)
    #expect(restarted.machine.payloads == [[1], [2], [3]])
    elect(&restarted)
    #expect(restarted.machine.payloads == [[1], [2], [3], [4], [5]])
  }

  @Test func `a commit index that moved is written by the next tick, without its own append before`() throws {
    let log = MemoryLog(Journal())
    var replica = try replica(voters: [1], log: log)
    elect(&replica)
    _ = replica.turn(ReplicaInput(nowNanoseconds: 0, proposals: [Proposal(id: 0, .command([1]))]))
    #expect(log.stored.hardState.commitIndex < LogIndex(3))
    _ = replica.turn(ReplicaInput(nowNanoseconds: 0, ticks: 1))
    #expect(log.stored.hardState.commitIndex == LogIndex(3))
  }

  @Test func `proposals without a leader come back`() throws {
    var replica = try replica(voters: [1, 2, 3])
    let output = replica.turn(
      ReplicaInput(nowNanoseconds: 0, proposals: [Proposal(id: 3, .command([]))], reads: [ReadRequest(id: 4)])
    )
    #expect(output.dropped == [Dropped(id: 3, reason: .noLeader)])
    #expect(output.droppedReads == [ReadRequest(id: 4)])
  }

  @Test func `reads are released once the state machine has reached their index`() throws {
    var replica = try replica(voters: [1, 2, 3])
    let beat = Message(
      from: MemberID(2),
      to: MemberID(1),
      term: Term(2),
      body: .heartbeat(commitIndex: LogIndex(3), readRound: 0)
    )
    _ = replica.turn(ReplicaInput(nowNanoseconds: 0, messages: [beat]))
    _ = replica.turn(ReplicaInput(nowNanoseconds: 0, reads: [ReadRequest(id: 4)]))
    let asked = replica.outbox.messages.compactMap { if case .readIndex(let batch) = $0.body { batch } else { nil } }
    let batch = try #require(asked.first)
    let index = LogIndex(4)
    let answer = Message(
      from: MemberID(2),
      to: MemberID(1),
      term: Term(2),
      body: .readIndexResponse(batch: batch, index: index)
    )
    #expect(replica.turn(ReplicaInput(nowNanoseconds: 0, messages: [answer])).releasedReads.isEmpty)
    let request = AppendRequest.test(after: 3, 1, [.test(4, 2)], commit: 4)
    let append = Message(from: MemberID(2), to: MemberID(1), term: Term(2), body: .append(request))
    let output = replica.turn(ReplicaInput(nowNanoseconds: 0, messages: [append]))
    #expect(output.releasedReads == [ReadRequest(id: 4)])
  }
}
