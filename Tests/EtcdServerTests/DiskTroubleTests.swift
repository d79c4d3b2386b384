// SPDX-License-Identifier: Apache-2.0
import CDiskFaults
import EtcdStore
import EtcdWire
import Glibc
import Raft
import TestKit
import Testing

@testable import EtcdServer

/// A member whose disk is full, fails, or does not answer.
@Suite struct DiskTroubleTests {
  private func faults(_ member: EtcdMember, _ cluster: LoopbackCluster) throws -> OpaquePointer {
    try required(disk_faults_of(cluster.dataDirectory(of: member)))
  }

  private func cluster(
    size: Int,
    electionMilliseconds: Int = 400,
    _ body: (LoopbackCluster) async throws -> Void
  ) async throws {
    let cluster = try LoopbackCluster(size: size) { $0.electionMilliseconds = electionMilliseconds }
    // The plans must be there before the files are opened.
    for member in cluster.initialMembers {
      _ = disk_faults_of(cluster.dataDirectory(of: MemberID(member.id)))
    }
    try cluster.startAll()
    do {
      try await body(cluster)
      await cluster.stopAll()
    } catch {
      await cluster.stopAll()
      throw error
    }
  }

  private func failure(_ body: () async throws -> KeysReply) async throws -> EtcdError? {
    do {
      _ = try await body()
      return nil
    } catch let error as EtcdError {
      return error
    }
  }

  private func failureAndTime(_ body: () async throws -> KeysReply) async throws -> (EtcdError?, Int64) {
    (try await failure(body), Clocks.monotonicNanoseconds())
  }

  @Test(arguments: [ENOSPC, EIO])
  func `a lone member refuses writes by the disk's name, serves reads, and recovers by itself`(
    _ code: Int32
  ) async throws {
    try await cluster(size: 1) { cluster in
      let member = cluster.members[0]
      try await member.set("/a", "1")
      let faults = try faults(member, cluster)
      disk_faults_fail_writes(faults, code, 0, 0)
      let first = try await failure { try await member.set("/a", "2") }
      #expect(first?.code == .raftInternal)
      #expect(first?.cause.contains(code == ENOSPC ? "the disk is full" : "the disk or its permissions") == true)
      let start = Clocks.monotonicNanoseconds()
      let second = try await failure { try await member.set("/a", "3") }
      #expect(second?.cause.contains("this member's disk fails") == true)
      #expect(Clocks.monotonicNanoseconds() - start < 2_000_000_000, "refused at once, not after a request's 5 s")
      #expect(member.storageFailure?.contains("raft.db") == true)
      #expect(await member.isHealthy() == false)
      #expect(try await member.get("/a").event.node.value == "1")
      disk_faults_heal(faults)
      try await eventually("writes are taken again") {
        try await self.failure { try await member.set("/a", "4") } == nil
      }
      #expect(member.storageFailure == nil)
      #expect(await member.isHealthy())
    }
  }

  @Test func `a leader with a full disk hands over, and keeps what it acknowledged`() async throws {
    try await cluster(size: 3, electionMilliseconds: 1_500) { cluster in
      let leader = try await cluster.leader()
      for number in 1...20 { try await leader.set("/k\(number)", "x") }
      disk_faults_fail_writes(try faults(leader, cluster), ENOSPC, 0, 0)
      _ = try await failure { try await leader.set("/lost", "x") }
      let start = Clocks.monotonicNanoseconds()
      try await eventually("another member leads", every: .milliseconds(5)) {
        cluster.members.contains { $0.status.role == .leader && $0.memberID != leader.memberID }
      }
      // Election timeouts are 1.5 to 3 s.
      #expect(Clocks.monotonicNanoseconds() - start < 1_500_000_000, "nobody had to wait for an election timeout")
      let healthy = try required(cluster.members.first { $0.memberID != leader.memberID })
      try await eventually("writes go on") { try await self.failure { try await healthy.set("/after", "x") } == nil }
      #expect(leader.storageFailure != nil)
      disk_faults_heal(try faults(leader, cluster))
      try await eventually("the member is well again") { leader.storageFailure == nil }
      try await healthy.set("/last", "x")
      #expect(try await cluster.haveEqualTrees())
      #expect(try await leader.get("/k20").event.node.value == "x")
    }
  }

  @Test func `a stalled disk lets requests time out and reads go on, and another member leads`() async throws {
    try await cluster(size: 3) { cluster in
      let leader = try await cluster.leader()
      try await leader.set("/a", "1")
      let faults = try faults(leader, cluster)
      disk_faults_delay_syncs(faults, 60_000)
      let start = Clocks.monotonicNanoseconds()
      async let stalled = failureAndTime { try await leader.set("/a", "2") }
      try await eventually("another member leads") {
        cluster.members.contains { $0.status.role == .leader && $0.memberID != leader.memberID }
      }
      #expect(try await leader.get("/a").event.node.value == "1")
      try await eventually("the stall is told of") { leader.storageFailure?.contains("has not answered") == true }
      #expect(await leader.isHealthy() == false)
      let (error, answered) = try await stalled
      disk_faults_heal(faults)
      let waited = Double(answered - start) / 1e9
      #expect(error?.cause.contains("timed out") == true, "\(error.debugDescription)")
      // 5 s and two election timeouts of 400 ms.
      #expect((5..<15).contains(waited), "answered after \(waited) s")
      try await eventually("the member follows") {
        leader.status.role == .follower && leader.storageFailure == nil
      }
      #expect(try await cluster.haveEqualTrees())
    }
  }

  @Test func `a flood against a disk that does not answer is bounded, and refused honestly`() async throws {
    try await cluster(size: 1) { cluster in
      let member = cluster.members[0]
      try await member.set("/a", "1")
      let faults = try faults(member, cluster)
      disk_faults_delay_syncs(faults, 60_000)
      let value = String(repeating: "x", count: 1 << 20)
      let refused = Shared(0)
      let answered = Shared(0)
      // Three hundred times one megabyte, of which 128 may wait.
      for number in 0..<300 {
        let request = KeysRequest.write(
          key: "/flood\(number)",
          .set(value: value, isDirectory: false, ttl: .permanent, refresh: false)
        )
        member.perform(request) { result in
          if case .failure(let error) = result, error.cause == "etcdserver: too many requests" {
            refused.update { $0 += 1 }
          }
          answered.update { $0 += 1 }
        }
      }
      #expect(refused.value >= 300 - 128, "\(refused.value) were refused at once")
      disk_faults_heal(faults)
      try await eventually("all are answered") { answered.value == 300 }
      try await member.set("/a", "2")
    }
  }
}

extension EtcdMember {
  fileprivate func isHealthy() async -> Bool {
    await withCheckedContinuation { continuation in checkHealth { continuation.resume(returning: $0) } }
  }
}
