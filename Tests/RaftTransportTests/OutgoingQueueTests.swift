// SPDX-License-Identifier: Apache-2.0
import NIOCore
import Raft
import Testing

@testable import RaftTransport

@Suite struct OutgoingQueueTests {
  private let heartbeat = Message(
    from: MemberID(1),
    to: MemberID(2),
    term: Term(1),
    body: .heartbeat(commitIndex: LogIndex(1), readRound: 1)
  )

  private func chunk(bytes: Int) -> Message {
    let metadata = SnapshotMetadata(
      index: LogIndex(1),
      term: Term(1),
      timestampNanoseconds: 0,
      configuration: Configuration()
    )
    let piece = SnapshotChunk(bytes: [UInt8](repeating: 0, count: bytes), isLast: false)
    let request = SnapshotChunkRequest(metadata: metadata, offset: 0, chunk: piece)
    return Message(from: MemberID(1), to: MemberID(2), term: Term(1), body: .snapshotChunk(request))
  }

  @Test func `nothing is kept while there is no stream`() {
    var queue = OutgoingQueue()
    #expect(queue.append(heartbeat) == .dropped)
    queue.open()
    #expect(queue.append(heartbeat) == .drainNeeded)
    queue.close()
    #expect(queue.drain().isEmpty)
    #expect(queue.append(heartbeat) == .dropped)
  }

  @Test func `one drain is asked for, however many messages wait`() {
    var queue = OutgoingQueue()
    queue.open()
    #expect(queue.append(heartbeat) == .drainNeeded)
    #expect(queue.append(heartbeat) == .queued)
    #expect(queue.drain().count == 2)
    #expect(queue.append(heartbeat) == .drainNeeded)
  }

  @Test func `a full queue drops`() {
    var queue = OutgoingQueue()
    queue.open()
    for _ in 0..<OutgoingQueue.maximumMessages { #expect(queue.append(heartbeat) != .dropped) }
    #expect(queue.append(heartbeat) == .dropped)
    #expect(queue.drain().count == OutgoingQueue.maximumMessages)
  }

  @Test func `a queue full of bytes drops`() {
    var queue = OutgoingQueue()
    queue.open()
    let half = chunk(bytes: OutgoingQueue.maximumBytes / 2)
    #expect(queue.append(half) == .drainNeeded)
    #expect(queue.append(half) == .dropped)
    #expect(queue.append(heartbeat) == .queued)
    _ = queue.drain()
    #expect(queue.append(half) == .drainNeeded)
  }

  @Test func `the back-off doubles to its limit and starts over`() {
    var backOff = BackOff()
    var upper = BackOff.first
    for _ in 0..<10 {
      let delay = backOff.delay()
      #expect(delay <= upper && delay >= .nanoseconds(upper.nanoseconds / 2))
      upper = min(BackOff.longest, .nanoseconds(upper.nanoseconds * 2))
    }
    backOff.reset()
    #expect(backOff.delay() <= BackOff.first)
  }
}
