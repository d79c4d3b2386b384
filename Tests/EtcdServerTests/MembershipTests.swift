// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import Raft
import TestKit
import Testing

@testable import EtcdServer

extension EtcdMember {
  func add(_ urls: [String]) async throws -> ClusterMember {
    let result = await withCheckedContinuation { continuation in
      addMember(peerURLs: urls) { continuation.resume(returning: $0) }
    }
    return try result.get()
  }

  func remove(_ id: UInt64) async throws {
    let result = await withCheckedContinuation { continuation in
      removeMember(id: id) { continuation.resume(returning: $0) }
    }
    try result.get()
  }

  func update(_ id: UInt64, _ urls: [String]) async throws {
    let result = await withCheckedContinuation { continuation in
      updateMember(id: id, peerURLs: urls) { continuation.resume(returning: $0) }
    }
    try result.get()
  }
}

@Suite struct MembershipTests {
  @Test func `a member joins, votes, and is removed again`() async throws {
    try await LoopbackCluster.with(size: 1) { cluster in
      let first = cluster.members[0]
      try await first.set("/a", "1")
      var added = try await first.add(["http://127.0.0.1:12399"])
      #expect(first.members.first { $0.id == added.id } == added)
      added.name = "late"
      let late = try cluster.start(added, joining: true)
      try await eventually("the promotion") { first.leaderStatistics?.followers.count == 1 && late.leaderID != nil }
      try await late.set("/b", "2")
      #expect(try await cluster.haveEqualTrees())
      try await eventually("the name") { first.members.contains { $0.id == added.id && $0.name == "late" } }
      #expect(late.members == first.members)
      try await first.remove(added.id)
      #expect(first.members.map(\.id) == [first.memberID])
      await #expect(throws: ClusterChangeError.permanentlyRemoved) { try await first.remove(added.id) }
      try await first.set("/c", "3")
    }
  }

  @Test func `peer URLs change through any member`() async throws {
    try await LoopbackCluster.with(size: 3) { cluster in
      let follower = try await cluster.follower()
      try await follower.update(follower.memberID, ["http://127.0.0.1:19999"])
      let own = follower.members.first { $0.id == follower.memberID }
      #expect(own?.peerURLs == ["http://127.0.0.1:19999"])
      let other = cluster.initialMembers.first { $0.id != follower.memberID }
      await #expect(throws: ClusterChangeError.peerURLExists) {
        try await follower.update(follower.memberID, other?.peerURLs ?? [])
      }
      await #expect(throws: ClusterChangeError.peerURLExists) { try await follower.add(["http://127.0.0.1:19999"]) }
      await #expect(throws: ClusterChangeError.noSuchMember) { try await follower.update(1, ["http://127.0.0.1:1"]) }
    }
  }

  @Test func `the last member cannot be removed`() async throws {
    try await LoopbackCluster.with(size: 1) { cluster in
      let member = try await cluster.leader()
      await #expect {
        try await member.remove(member.memberID)
      } throws: { error in
        guard case ClusterChangeError.failed(let reason) = error else { return false }
        return reason.contains("last voter")
      }
    }
  }

  @Test func `memberships are equal after a trip through bytes`() throws {
    var membership = Membership()
    for id in [9, 3, UInt64.max] {
      let context = MembershipContext(
        proposer: MemberID(1),
        request: RequestID(.max),
        peerURLs: ["http://h:\(id % 10)"]
      )
      #expect(MembershipContext(decoding: context.encoded()) == context)
      membership.apply(ConfigurationChange(.addLearner, MemberID(id), context: context.encoded()))
    }
    membership.apply(MemberAttributes(member: MemberID(9), name: "n\"ame", clientURLs: ["http://c:1"]))
    membership.apply(ConfigurationChange(.remove, MemberID(3)))
    #expect(membership.members.map(\.id) == [9, .max])
    #expect(membership.removed == [3])
    #expect(Membership(decoding: membership.encoded()) == membership)
    #expect(Membership(decoding: []) == nil)
  }

  @Test func `commands are equal after a trip through bytes, and garbage is none`() throws {
    let write = StoreCommand.write(key: "/a", .delete(isDirectory: false, recursive: true))
    let bytes = ReplicatedCommand.encode(.keys(write), proposer: MemberID(.max), request: RequestID(7))
    let command = try #require(ReplicatedCommand(decoding: bytes))
    #expect(command.proposer == MemberID(.max) && command.request == RequestID(7))
    guard case .keys(write) = command.content else { return #expect(Bool(false)) }
    for length in 0..<bytes.count { #expect(ReplicatedCommand(decoding: Array(bytes[..<length])) == nil) }
    #expect(ReplicatedCommand(decoding: [9] + bytes.dropFirst()) == nil)
  }
}
