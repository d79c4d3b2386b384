// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import Raft
import TestKit
import Testing

@testable import EtcdServer

/// Refreshes that may be kept back, on members with real logs.
@Suite struct PatientRefreshTests {
  private func refresh(
    _ keys: [String],
    at member: EtcdMember,
    patience: Duration
  ) async -> [Result<KeysReply, EtcdError>] {
    await withTaskGroup(of: (Int, Result<KeysReply, EtcdError>).self) { group in
      for (place, key) in keys.enumerated() {
        group.addTask {
          do throws(EtcdError) {
            return (place, .success(try await member.refresh(key, ttlSeconds: 60, patience: patience)))
          } catch {
            return (place, .failure(error))
          }
        }
      }
      var results: [(Int, Result<KeysReply, EtcdError>)] = []
      for await result in group { results.append(result) }
      return results.sorted { $0.0 < $1.0 }.map(\.1)
    }
  }

  @Test func `three hundred presences of a cluster take one entry of the log a member`() async throws {
    try await LoopbackCluster.with(size: 3) { cluster in
      let keys = (0..<300).map { "/machines/\($0)" }
      for key in keys { try await cluster.members[0].set(key, "m", ttl: .seconds(60)) }
      let before = try await cluster.members[0].set("/before", "").raftIndex
      var entries: Set<UInt64> = []
      for (number, member) in cluster.members.enumerated() {
        let own = Array(keys[(number * 100)..<(number * 100 + 100)])
        let replies = try await refresh(own, at: member, patience: .milliseconds(500)).map { try $0.get() }
        #expect(replies.map(\.event.node.key) == own)
        #expect(replies.allSatisfy { $0.event.node.value == "m" && $0.event.node.ttlSeconds == 60 })
        #expect(Set(replies.map(\.event.etcdIndex)).count == 100, "each has its own index, as if alone")
        entries.formUnion(replies.map(\.raftIndex))
      }
      #expect(entries.count == 3)
      let after = try await cluster.members[0].set("/after", "").raftIndex
      // Some room for an election, should there be one.
      #expect(after - before <= 3 + 1 + 3, "\(after - before) entries for 300 refreshes")
      try await eventually("all members hold the same") {
        Set(cluster.members.map { $0.storeDigest().hash }).count == 1
      }
    }
  }

  @Test func `what is gone fails by itself, and watchers sleep on`() async throws {
    try await LoopbackCluster.with(size: 1) { cluster in
      let member = cluster.members[0]
      try await member.set("/a", "1", ttl: .seconds(60))
      let watch = member.updates(of: KeysWatch(key: "/a", recursive: false, waitIndex: EtcdIndex(2), stream: false))
      let results = await refresh(["/gone", "/a"], at: member, patience: .milliseconds(200))
      #expect(results.map { (try? $0.get())?.event.node.value } == [nil, "1"])
      guard case .failure(let error) = results[0] else { return }
      #expect(error.code == .keyNotFound && error.cause == "/gone")
      try await member.set("/a", "2")
      var events: [Event] = []
      for await case .event(let event) in watch { events.append(event) }
      #expect(events.map(\.node.value) == ["2"])
    }
  }

  @Test func `a refresh without patience, and any other write, is never kept back`() async throws {
    try await LoopbackCluster.with(size: 1) { cluster in
      let member = cluster.members[0]
      try await member.set("/a", "1", ttl: .seconds(60))
      async let patient = refresh(["/a"], at: member, patience: .seconds(5))
      try await eventually("it is kept back") { member.host.refreshesDueNanoseconds != nil }
      let start = ContinuousClock.now
      try await member.refresh("/a", ttlSeconds: 60)
      _ = try await member.perform(
        .write(
          key: "/a",
          .set(value: "2", isDirectory: false, ttl: .seconds(60), refresh: false),
          patience: .seconds(5)
        )
      )
      #expect(ContinuousClock.now - start < .seconds(4))
      #expect(member.host.refreshesDueNanoseconds != nil, "and the patient one still is")
      let results = await patient
      #expect(try results[0].get().event.node.value == "2")
    }
  }

  @Test func `what is kept back keeps most of its life`() async throws {
    #expect(EtcdMember.patience(.seconds(60), ttlSeconds: 60) == .seconds(5))
    #expect(EtcdMember.patience(.seconds(3), ttlSeconds: .max) == .seconds(3))
    try await LoopbackCluster.with(size: 1) { cluster in
      let member = cluster.members[0]
      try await member.set("/a", "1", ttl: .seconds(2))
      let start = ContinuousClock.now
      let refreshed = try await member.refresh("/a", ttlSeconds: 2, patience: .seconds(5))
      #expect(refreshed.event.node.value == "1")
      #expect(ContinuousClock.now - start < .seconds(2), "before its time was over")
    }
  }

  @Test func `a member that stops answers what it keeps back`() async throws {
    try await LoopbackCluster.with(size: 1) { cluster in
      let member = cluster.members[0]
      try await member.set("/a", "1", ttl: .seconds(60))
      async let kept = refresh(["/a", "/b"], at: member, patience: .seconds(5))
      try await eventually("they are kept back") { member.host.load.outstanding == 2 }
      await cluster.stop(MemberID(member.memberID))
      let results = await kept
      #expect(
        results.map { if case .failure(let error) = $0 { error.cause } else { "" } } == [
          ServerErrors.stopped, ServerErrors.stopped,
        ]
      )
    }
  }

  @Test func `without a quorum they fail when their time is over, and leave room for others`() async throws {
    try await LoopbackCluster.with(size: 3) { cluster in
      try await cluster.members[0].set("/a", "1", ttl: .seconds(60))
      let member = cluster.members[0]
      for other in cluster.members where other !== member {
        cluster.network.setIsolated(MemberID(other.memberID), true)
      }
      let start = ContinuousClock.now
      let results = await refresh(["/a", "/a", "/b"], at: member, patience: .milliseconds(300))
      #expect(results.allSatisfy { if case .failure(let error) = $0 { error.code == .raftInternal } else { false } })
      #expect(ContinuousClock.now - start < .seconds(20))
      try await eventually("nothing is outstanding") { member.host.load.outstanding == 0 }
      for other in cluster.members where other !== member {
        cluster.network.setIsolated(MemberID(other.memberID), false)
      }
      _ = try await member.set("/c", "1")
    }
  }
}
