// SPDX-License-Identifier: Apache-2.0

import Testing
import TestKit

@_spi(Simulation) @testable import Raft

struct MessageCodingTests {
  static let bodies: [Message.Body] = [
    .preVoteRequest(VoteRequest(lastIndex: LogIndex(1), lastTerm: Term(2), isTransfer: true)),
    .preVoteResponse(granted: true),
    .voteRequest(VoteRequest(lastIndex: LogIndex(.max), lastTerm: Term(.max))),
    .voteResponse(granted: false),
    .append(.test(after: 3, 1, [.test(4, 1, [1, 2, 3]), .test(5, 2)], commit: 4)),
    .append(.test(after: 0, 0)),
    .appendResponse(.accepted(match: LogIndex(4))),
    .appendResponse(.rejected(previousIndex: LogIndex(1), hintIndex: LogIndex(2), hintTerm: Term(3))),
    .heartbeat(commitIndex: LogIndex(1), readRound: 2),
    .heartbeatResponse(readRound: 7),
    .snapshotChunk(
      SnapshotChunkRequest(
        metadata: SnapshotMetadata(
          index: LogIndex(9),
          term: Term(2),
          timestampNanoseconds: -5,
          configuration: Configuration(voters: [MemberID(1)], learners: [MemberID(2), MemberID(3)])
        ),
        offset: 10,
        chunk: SnapshotChunk(bytes: [1, 2], isLast: true)
      )
    ),
    .snapshotResponse(index: LogIndex(9), stagedBytes: 12),
    .propose([
      .command([]), .command([1]), .configurationChange(ConfigurationChange(.remove, MemberID(7), context: [1])),
    ]),
    .readIndex(batch: 5),
    .readIndexResponse(batch: 5, index: LogIndex(6)),
    .timeoutNow,
    .changeRefused(ConfigurationChange(.remove, MemberID(7), context: [1]), reason: "too few would answer"),
  ]

  private func message(_ body: Message.Body) -> Message {
    Message(from: MemberID(0xa), to: MemberID(0xb), term: Term(12), body: body)
  }

  @Test func `every kind of message is among the examples`() {
    #expect(Set(Self.bodies.map(\.kind)) == Set(Message.Kind.allCases))
  }

  @Test(arguments: bodies)
  func `a message comes back as it was`(body: Message.Body) throws {
    #expect(try Message(decoding: message(body).encoded()) == message(body))
  }

  @Test(arguments: bodies)
  func `a message cut short or with a byte too many is refused`(body: Message.Body) {
    let bytes = message(body).encoded()
    for count in 0..<bytes.count {
      #expect(throws: RaftError.self) { try Message(decoding: Array(bytes[..<count])) }
    }
    #expect(throws: RaftError.self) { try Message(decoding: bytes + [0]) }
  }

  @Test func `another version is refused by name`() {
    var bytes = message(.timeoutNow).encoded()
    bytes[0] = 9
    #expect(throws: RaftError.malformed("message: version 9 is not known at byte 1")) { try Message(decoding: bytes) }
  }

  @Test func `changed and random bytes never crash`() {
    var random = SplitMix64(seed: 1)
    for body in Self.bodies {
      let bytes = message(body).encoded()
      for _ in 0..<500 {
        var changed = bytes
        changed[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
        if let decoded = try? Message(decoding: changed) { #expect(decoded.encoded() == changed) }
      }
    }
    for _ in 0..<2_000 {
      let bytes = (0..<Int(random.next() % 80)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      _ = try? Message(decoding: [1] + bytes)
    }
  }

  @Test func `entries that do not follow each other are refused`() {
    let body = Message.Body.append(.test(after: 3, 1, [.test(4, 1), .test(6, 1)]))
    #expect(throws: RaftError.self) { try Message(decoding: message(body).encoded()) }
  }

  @Test func `ids are shown as etcd shows them`() {
    #expect("\(MemberID(0x00ab_cdef))" == "abcdef")
    #expect("\(ClusterID(0x10))" == "10")
  }
}
