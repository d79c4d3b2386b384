// SPDX-License-Identifier: Apache-2.0

import Testing

@_spi(Simulation) @testable import Raft

/// Raft paper, section 7: a member that is behind the leader's log gets a snapshot, here in pieces.
struct SnapshotTransferTests {
  private let metadata = SnapshotMetadata(
    index: LogIndex(10),
    term: Term(2),
    timestampNanoseconds: 5,
    configuration: Configuration(voters: [1, 2, 3].map(MemberID.init))
  )

  private func piece(_ offset: UInt64, _ bytes: [UInt8], isLast: Bool = false) -> Message.Body {
    .snapshotChunk(
      SnapshotChunkRequest(metadata: metadata, offset: offset, chunk: SnapshotChunk(bytes: bytes, isLast: isLast))
    )
  }

  @Test func `pieces are staged in order, and the last installs the snapshot`() {
    var bench = NodeBench(log: [1, 1])
    bench.receive(from: 2, term: 2, piece(0, [1, 2]))
    #expect(bench.takeSent(to: 2) == [.snapshotResponse(index: LogIndex(10), stagedBytes: 2)])
    bench.receive(from: 2, term: 2, piece(0, [1, 2]))
    #expect(bench.takeSent(to: 2) == [.snapshotResponse(index: LogIndex(10), stagedBytes: 2)], "twice is once")
    bench.receive(from: 2, term: 2, piece(5, [6]))
    #expect(bench.takeSent(to: 2) == [.snapshotResponse(index: LogIndex(10), stagedBytes: 2)], "a gap")
    bench.receive(from: 2, term: 2, piece(2, [3], isLast: true))
    #expect(bench.takeSent(to: 2) == [.appendResponse(.accepted(match: LogIndex(10)))])
    #expect(bench.node.tail.lastIndex == LogIndex(10))
    #expect(bench.node.tail.lastTerm == Term(2))
    #expect(bench.node.commitIndex == LogIndex(10))
  }

  @Test func `pieces of two leaders are never put together`() {
    var bench = NodeBench()
    bench.receive(from: 2, term: 2, piece(0, [1, 2]))
    _ = bench.takeSent()
    bench.receive(from: 3, term: 3, piece(2, [3], isLast: true))
    #expect(bench.takeSent(to: 3) == [.snapshotResponse(index: LogIndex(10), stagedBytes: 0)])
    #expect(bench.node.tail.lastIndex == .zero)
  }

  @Test func `a snapshot of what the log already has only moves the commit index`() {
    var bench = NodeBench(log: [UInt64](repeating: 2, count: 12))
    bench.receive(from: 2, term: 2, piece(0, [1], isLast: true))
    #expect(bench.node.tail.lastIndex == LogIndex(12))
    #expect(bench.node.commitIndex == LogIndex(10))
    #expect(bench.takeSent(to: 2) == [.appendResponse(.accepted(match: LogIndex(10)))])
  }

  private func leaderBehindSnapshot() -> RaftNode {
    var bench = NodeBench(log: [UInt64](repeating: 2, count: 12))
    bench.becomeLeader()
    bench.accept(from: 2, 13)
    bench.node.applied(through: LogIndex(13))
    var metadata = metadata
    metadata.index = LogIndex(12)
    bench.node.saved(metadata)
    bench.node.compacted(through: LogIndex(12))
    return bench.node
  }

  private func pieces(_ ready: Ready?) -> [UInt64] {
    (ready?.outgoing ?? []).compactMap {
      if case .snapshotPiece(_, _, _, let offset) = $0 { offset } else { nil }
    }
  }

  @Test func `a member behind the log gets piece after piece, each once, and then entries`() {
    var node = leaderBehindSnapshot()
    func answer(_ body: Message.Body) {
      node.step(Message(from: MemberID(3), to: MemberID(1), term: Term(3), body: body))
    }
    answer(.appendResponse(.rejected(previousIndex: LogIndex(12), hintIndex: LogIndex(1), hintTerm: Term(1))))
    #expect(pieces(node.ready()) == [0])
    answer(.snapshotResponse(index: LogIndex(12), stagedBytes: 100))
    #expect(pieces(node.ready()) == [100])
    answer(.snapshotResponse(index: LogIndex(12), stagedBytes: 100))
    #expect(pieces(node.ready()).isEmpty, "an answer that comes twice sends nothing")
    answer(.appendResponse(.accepted(match: LogIndex(12))))
    let appended = (node.ready()?.early ?? []).contains { message in
      guard case .append(let request) = message.body else { return false }
      return message.to == MemberID(3) && request.entries.map(\.index) == [LogIndex(13)]
    }
    #expect(appended)
  }

  @Test func `a member that lost what it had staged gets the snapshot from the start`() {
    var node = leaderBehindSnapshot()
    func answer(_ body: Message.Body) {
      node.step(Message(from: MemberID(3), to: MemberID(1), term: Term(3), body: body))
    }
    answer(.appendResponse(.rejected(previousIndex: LogIndex(12), hintIndex: LogIndex(1), hintTerm: Term(1))))
    answer(.snapshotResponse(index: LogIndex(12), stagedBytes: 100))
    _ = node.ready()
    answer(.snapshotResponse(index: LogIndex(12), stagedBytes: 0))
    for _ in 0..<10 {
      answer(.heartbeatResponse(readRound: 0))
      node.tick()
    }
    #expect(pieces(node.ready()) == [0])
  }
}
