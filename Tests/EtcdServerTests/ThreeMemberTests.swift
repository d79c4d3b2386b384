// SPDX-License-Identifier: Apache-2.0
import EtcdServer
import EtcdStore
import EtcdWire
import Raft
import TestKit
import Testing

@Suite struct ThreeMemberTests {
  @Test func `a client reads its own write from the follower it wrote to`() async throws {
    try await LoopbackCluster.with(size: 3) { cluster in
      let follower = try await cluster.follower()
      for number in 1...50 {
        try await follower.set("/own", "\(number)")
        #expect(try await follower.get("/own").event.node.value == "\(number)")
      }
      #expect(try await cluster.haveEqualTrees())
    }
  }

  @Test func `a quorum read sees what any member acknowledged`() async throws {
    try await LoopbackCluster.with(size: 3) { cluster in
      let leader = try await cluster.leader()
      let follower = try await cluster.follower()
      for number in 1...50 {
        try await leader.set("/q", "\(number)")
        #expect(try await follower.get("/q", quorum: true).event.node.value == "\(number)")
      }
    }
  }

  @Test func `failed conditions are answered alike everywhere`() async throws {
    try await LoopbackCluster.with(size: 3) { cluster in
      let follower = try await cluster.follower()
      try await follower.set("/c", "1")
      await #expect(throws: EtcdError(.testFailed, cause: "[2 != 1]", index: EtcdIndex(1))) {
        try await follower.compareAndSwap("/c", "3", where: Comparison(previousValue: "2"))
      }
      try await follower.compareAndSwap("/c", "3", where: Comparison(previousValue: "1"))
      #expect(try await cluster.haveEqualTrees())
    }
  }

  @Test func `writes go on after the leader stops, and it catches up when it is back`() async throws {
    try await LoopbackCluster.with(size: 3) { cluster in
      let leader = try await cluster.leader()
      try await leader.set("/before", "1")
      let stopped = try required(cluster.initialMembers.first { $0.id == leader.memberID })
      await cluster.stop(MemberID(stopped.id))
      let next = try await cluster.leader()
      try await next.set("/after", "2")
      try cluster.start(stopped)
      #expect(try await cluster.haveEqualTrees())
      #expect(try await cluster.members[0].get("/after", quorum: true).event.node.value == "2")
    }
  }

  @Test func `a stopping leader hands over without an election timeout`() async throws {
    // A follower of a leader that is just gone would wait at least two seconds here.
    try await LoopbackCluster.with(size: 3, { $0.electionMilliseconds = 2_000 }) { cluster in
      let leader = try await cluster.leader()
      await cluster.stop(MemberID(leader.memberID))
      let clock = ContinuousClock()
      let start = clock.now
      _ = try await cluster.leader()
      #expect(clock.now - start < .seconds(2))
    }
  }

  @Test func `writes made without a leader wait for one`() async throws {
    try await LoopbackCluster.with(size: 3) { cluster in
      let patient = try await cluster.follower()
      let others = cluster.members.filter { $0.memberID != patient.memberID }
      // All cut off, nobody can win an election.
      for member in cluster.members { cluster.network.setIsolated(MemberID(member.memberID), true) }
      try await eventually("the loss of the leader", every: .milliseconds(2)) { patient.leaderID == nil }
      async let reply = patient.set("/patient", "1")
      for member in [patient] + others { cluster.network.setIsolated(MemberID(member.memberID), false) }
      #expect(try await reply.event.node.value == "1")
      #expect(try await cluster.haveEqualTrees())
    }
  }

  @Test func `a member cut off answers plain reads, and the rest with an error in time`() async throws {
    try await LoopbackCluster.with(size: 3) { cluster in
      let leader = try await cluster.leader()
      try await leader.set("/x", "1")
      cluster.network.setIsolated(MemberID(leader.memberID), true)
      #expect(try await leader.get("/x").event.node.value == "1")
      let clock = ContinuousClock()
      let start = clock.now
      await #expect(throws: EtcdError(.raftInternal, cause: "etcdserver: request timed out")) {
        try await leader.set("/x", "2")
      }
      // 5 s and two election timeouts of 400 ms.
      #expect(clock.now - start > .milliseconds(5_700) && clock.now - start < .seconds(15))
      let isHealthy = await withCheckedContinuation { continuation in
        leader.checkHealth { continuation.resume(returning: $0) }
      }
      #expect(!isHealthy)
      #expect(leader.leaderID == nil)
    }
  }

  @Test func `all concurrent writes are kept, once each, on all members`() async throws {
    try await LoopbackCluster.with(
      size: 3,
      {
        $0.snapshotCount = 500; $0.trailingEntries = 100
      }
    ) { cluster in
      _ = try await cluster.leader()
      let members = cluster.members
      try await withThrowingTaskGroup(of: Void.self) { group in
        for writer in 0..<64 {
          group.addTask {
            for number in 0..<25 { try await members[writer % 3].create("/w\(writer)-\(number)", "x") }
          }
        }
        try await group.waitForAll()
      }
      #expect(try await cluster.haveEqualTrees())
      #expect(members[0].storeDigest().etcdIndex == EtcdIndex(64 * 25))
    }
  }

  @Test func `acknowledged writes survive leaders that are stopped again and again`() async throws {
    try await LoopbackCluster.with(size: 3) { cluster in
      let acknowledged = Shared<[String]>([])
      let isDone = Shared(false)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for writer in 0..<8 {
          group.addTask {
            var number = 0
            while !isDone.value {
              number += 1
              let key = "/s\(writer)-\(number)"
              guard let member = cluster.members.randomElement(), (try? await member.set(key, "x")) != nil else {
                try await Task.sleep(for: .milliseconds(5))
                continue
              }
              acknowledged.update { $0.append(key) }
            }
          }
        }
        for _ in 0..<5 {
          let leader = try await cluster.leader()
          let stopped = try required(cluster.initialMembers.first { $0.id == leader.memberID })
          cluster.network.setIsolated(MemberID(stopped.id), true)
          await cluster.stop(MemberID(stopped.id))
          try await Task.sleep(for: .milliseconds(300))
          cluster.network.setIsolated(MemberID(stopped.id), false)
          try cluster.start(stopped)
        }
        isDone.value = true
        try await group.waitForAll()
      }
      #expect(try await cluster.haveEqualTrees())
      let keys = acknowledged.value
      #expect(keys.count > 20)
      for member in cluster.members {
        for key in keys { _ = try await member.get(key) }
      }
    }
  }

  @Test func `all members killed at once keep what was acknowledged`() async throws {
    try await LoopbackCluster.with(size: 3) { cluster in
      let leader = try await cluster.leader()
      for number in 0..<100 { try await leader.set("/n\(number)", "\(number)") }
      await cluster.stopAll()
      try cluster.startAll()
      let next = try await cluster.leader()
      for number in 0..<100 {
        #expect(try await next.get("/n\(number)", quorum: true).event.node.value == "\(number)")
      }
      #expect(try await cluster.haveEqualTrees())
    }
  }

  @Test func `a member far behind gets a snapshot and ends with the same tree`() async throws {
    try await LoopbackCluster.with(
      size: 3,
      {
        $0.snapshotCount = 50; $0.trailingEntries = 10
      }
    ) { cluster in
      let follower = try await cluster.follower()
      cluster.network.setIsolated(MemberID(follower.memberID), true)
      let leader = try await cluster.leaderBesides(follower)
      for number in 0..<300 { try await leader.set("/b\(number % 70)", String(repeating: "x", count: 500)) }
      cluster.network.setIsolated(MemberID(follower.memberID), false)
      #expect(try await cluster.haveEqualTrees())
    }
  }

  @Test func `expiry is decided by the log alone`() async throws {
    try await LoopbackCluster.with(size: 3) { cluster in
      let follower = try await cluster.follower()
      for number in 0..<20 { try await follower.set("/e\(number)", "x", ttl: .seconds(1)) }
      try await eventually("all are gone", every: .milliseconds(10)) {
        cluster.members.allSatisfy { $0.storeDigest().etcdIndex == EtcdIndex(40) }
      }
      #expect(try await cluster.haveEqualTrees())
    }
  }

  @Test func `stats show who leads and how the followers do`() async throws {
    try await LoopbackCluster.with(size: 3) { cluster in
      let leader = try await cluster.leader()
      let follower = try await cluster.follower()
      for number in 0..<20 { try await leader.set("/s", "\(number)") }
      #expect(follower.selfStatistics.leaderInfo.leaderID == leader.memberID)
      #expect(follower.selfStatistics.role == .follower)
      #expect(follower.selfStatistics.received.requestCount > 0)
      #expect(follower.leaderStatistics == nil)
      let statistics = try #require(leader.leaderStatistics)
      #expect(statistics.followers.count == 2)
      #expect(statistics.followers.allSatisfy { $0.successCount > 0 && $0.averageMilliseconds > 0 })
      #expect(leader.selfStatistics.sent.requestCount > 0)
    }
  }
}

extension LoopbackCluster {
  /// The leader among the others, while one member is cut off.
  fileprivate func leaderBesides(_ isolated: EtcdMember) async throws -> EtcdMember {
    var found: EtcdMember?
    try await eventually("a leader among the others", every: .milliseconds(5)) {
      found = self.members.first { $0.memberID != isolated.memberID && $0.status.role == .leader }
      return found != nil
    }
    return try required(found)
  }
}
