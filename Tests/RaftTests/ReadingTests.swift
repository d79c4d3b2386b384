// SPDX-License-Identifier: Apache-2.0

import Testing

@_spi(Simulation) @testable import Raft

/// ReadIndex: Raft dissertation, section 6.4.
struct ReadingTests {
  private func leader() -> NodeBench {
    var bench = NodeBench()
    bench.becomeLeader()
    bench.accept(from: 2, 1)
    _ = bench.takeSent()
    return bench
  }

  @Test func `a read waits for a majority to answer a heartbeat sent after it`() {
    var bench = leader()
    bench.node.read([ReadRequest(id: 1), ReadRequest(id: 2)])
    bench.settle()
    let heartbeat = Message.Body.heartbeat(commitIndex: LogIndex(1), readRound: 1)
    #expect(bench.takeSent(to: 2).filter { $0 == heartbeat }.count == 1, "one round for the batch, and no log entry")
    #expect(bench.node.tail.lastIndex == LogIndex(1))
    bench.receive(from: 2, term: 1, .heartbeatResponse(readRound: 0))
    #expect(bench.grantedReads.isEmpty, "an answer to an older heartbeat proves nothing")
    bench.receive(from: 2, term: 1, .heartbeatResponse(readRound: 1))
    #expect(bench.grantedReads == [1, 2])
    #expect(bench.node.notices.granted.map(\.index) == [LogIndex(1)])
  }

  @Test func `a new leader answers reads only after committing an entry of its term`() {
    var bench = NodeBench(log: [1, 1])
    bench.becomeLeader()
    bench.node.read([ReadRequest(id: 1)])
    bench.settle()
    bench.receive(from: 2, term: 2, .heartbeatResponse(readRound: 0))
    #expect(bench.grantedReads.isEmpty)
    bench.accept(from: 2, 3)
    bench.receive(from: 2, term: 2, .heartbeatResponse(readRound: 1))
    #expect(bench.node.notices.granted.map(\.index) == [LogIndex(3)])
  }

  @Test func `a single voter answers at once`() {
    var bench = NodeBench(voters: [1])
    while bench.node.role != .leader { bench.tick() }
    bench.node.read([ReadRequest(id: 1)])
    bench.settle()
    #expect(bench.grantedReads == [1])
  }

  @Test func `reads of a leader that steps down are dropped`() {
    var bench = leader()
    bench.node.read([ReadRequest(id: 1)])
    bench.settle()
    bench.receive(from: 2, term: 5, .append(.test(after: 0, 0)))
    bench.receive(from: 2, term: 1, .heartbeatResponse(readRound: 1))
    #expect(bench.grantedReads.isEmpty)
    #expect(bench.node.notices.droppedReads == [ReadRequest(id: 1)])
  }

  @Test func `a follower asks the leader, and asks again when no answer comes`() {
    var bench = NodeBench()
    bench.receive(from: 2, term: 1, .heartbeat(commitIndex: .zero, readRound: 0))
    _ = bench.takeSent()
    bench.node.read([ReadRequest(id: 1)])
    bench.settle()
    guard case .readIndex(let batch)? = bench.takeSent(to: 2).first else {
      Issue.record("the leader was not asked")
      return
    }
    bench.tick(2)
    #expect(bench.takeSent(to: 2) == [.readIndex(batch: batch)])
    bench.receive(from: 2, term: 1, .readIndexResponse(batch: batch &+ 1, index: LogIndex(9)))
    #expect(bench.grantedReads.isEmpty, "an answer to another question, perhaps of an earlier run")
    bench.receive(from: 2, term: 1, .readIndexResponse(batch: batch, index: LogIndex(9)))
    bench.receive(from: 2, term: 1, .readIndexResponse(batch: batch, index: LogIndex(9)))
    #expect(bench.grantedReads == [1])
  }

  @Test func `of three members the leader and the follower that asks are a majority`() {
    var bench = leader()
    bench.receive(from: 3, term: 1, .readIndex(batch: 77))
    #expect(bench.takeSent(to: 3) == [.readIndexResponse(batch: 77, index: LogIndex(1))], "and no round was begun")
  }

  @Test func `a question of an earlier term proves nothing`() {
    var bench = leader()
    bench.receive(from: 3, term: 0, .readIndex(batch: 77))
    #expect(!bench.takeSent(to: 3).contains(.readIndexResponse(batch: 77, index: LogIndex(1))))
    bench.receive(from: 2, term: 1, .heartbeatResponse(readRound: 1))
    #expect(bench.takeSent(to: 3) == [.readIndexResponse(batch: 77, index: LogIndex(1))])
  }

  @Test func `a new leader answers no question before an entry of its term is committed`() {
    var bench = NodeBench(log: [1, 1])
    bench.becomeLeader()
    bench.receive(from: 3, term: 2, .readIndex(batch: 77))
    #expect(bench.takeSent(to: 3).isEmpty)
  }

  @Test func `a leader takes a learner's question once, and answers when it is confirmed`() {
    var bench = NodeBench(learners: [4])
    bench.becomeLeader()
    bench.accept(from: 2, 1)
    _ = bench.takeSent()
    for _ in 0..<3 { bench.receive(from: 4, term: 1, .readIndex(batch: 77)) }
    #expect(!bench.takeSent(to: 4).contains(.readIndexResponse(batch: 77, index: LogIndex(1))))
    bench.receive(from: 2, term: 1, .heartbeatResponse(readRound: 1))
    #expect(bench.takeSent(to: 4) == [.readIndexResponse(batch: 77, index: LogIndex(1))])
  }

  @Test func `without a leader reads are dropped at once`() {
    var bench = NodeBench()
    bench.node.read([ReadRequest(id: 1)])
    #expect(bench.node.notices.droppedReads == [ReadRequest(id: 1)])
  }
}
