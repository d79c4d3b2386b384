// SPDX-License-Identifier: Apache-2.0
import EtcdServer
import EtcdStore
import EtcdWire
import Raft
import TestKit
import Testing

@Suite struct SingleMemberTests {
  @Test func `writes are read back, with the indexes of the log`() async throws {
    try await LoopbackCluster.with(size: 1) { cluster in
      let member = cluster.members[0]
      let created = try await member.create("/a", "1")
      #expect(created.event.etcdIndex == EtcdIndex(1))
      #expect(created.raftIndex > 0 && created.raftTerm > 1)
      let changed = try await member.set("/a", "2")
      #expect(changed.event.previousNode?.value == "1")
      #expect(changed.raftIndex > created.raftIndex)
      let local = try await member.get("/a")
      #expect(local.event.node.value == "2")
      #expect(local.raftIndex >= changed.raftIndex)
      #expect(try await member.get("/a", quorum: true).event.node.value == "2")
    }
  }

  @Test func `store errors come back as they are`() async throws {
    try await LoopbackCluster.with(size: 1) { cluster in
      let member = cluster.members[0]
      try await member.set("/a", "1")
      await #expect(throws: EtcdError(.keyNotFound, cause: "/b", index: EtcdIndex(1))) { try await member.get("/b") }
      await #expect(throws: EtcdError(.nodeExists, cause: "/a", index: EtcdIndex(1))) {
        try await member.create("/a", "2")
      }
      await #expect(throws: EtcdError(.keyNotFound, cause: "/c", index: EtcdIndex(1))) {
        try await member.get("/c", quorum: true)
      }
    }
  }

  @Test func `a restart keeps everything: keys, indexes, history, members`() async throws {
    try await LoopbackCluster.with(size: 1) { cluster in
      for number in 1...50 { try await cluster.members[0].set("/k\(number)", "v\(number)") }
      try await cluster.members[0].set("/ttl", "x", ttl: .seconds(1_000))
      let before = cluster.members[0].storeDigest()
      await cluster.stop(MemberID(cluster.initialMembers[0].id))
      let again = try cluster.start(cluster.initialMembers[0])
      _ = try await again.get("/k1", quorum: true)
      let after = again.storeDigest()
      #expect(after.hash == before.hash && after.etcdIndex == before.etcdIndex)
      #expect(try await again.get("/k7").event.node.createdIndex == EtcdIndex(7))
      let updates = again.updates(of: KeysWatch(key: "/k9", recursive: false, waitIndex: EtcdIndex(2), stream: false))
      var events: [Event] = []
      for await case .event(let event) in updates { events.append(event) }
      #expect(events.map(\.etcdIndex) == [EtcdIndex(9)])
      try await eventually("the member's name is known again") { again.members.map(\.name) == ["m0"] }
    }
  }

  @Test func `a restart from a snapshot and the entries behind it keeps everything`() async throws {
    let adjust: @Sendable (inout EtcdMemberConfiguration) -> Void = {
      $0.snapshotCount = 20
      $0.trailingEntries = 5
    }
    try await LoopbackCluster.with(size: 1, adjust) { cluster in
      for number in 1...130 { try await cluster.members[0].set("/k\(number % 40)", "v\(number)") }
      let before = cluster.members[0].storeDigest()
      let names = cluster.members[0].members
      await cluster.stop(MemberID(cluster.initialMembers[0].id))
      let again = try cluster.start(cluster.initialMembers[0])
      _ = try await again.get("/k1", quorum: true)
      #expect(again.storeDigest().hash == before.hash)
      #expect(again.members == names)
    }
  }

  @Test func `a key disappears at its time and not before`() async throws {
    try await LoopbackCluster.with(size: 1) { cluster in
      let member = cluster.members[0]
      let clock = ContinuousClock()
      let start = clock.now
      let reply = try await member.set("/t", "x", ttl: .seconds(1))
      #expect(reply.event.node.ttlSeconds == 1)
      let updates = member.updates(
        of: KeysWatch(key: "/t", recursive: false, waitIndex: reply.event.etcdIndex.next, stream: false)
      )
      var actions: [EventAction] = []
      for await case .event(let event) in updates { actions.append(event.action) }
      let elapsed = clock.now - start
      #expect(actions == [.expire])
      #expect(elapsed > .milliseconds(950) && elapsed < .seconds(10), "\(elapsed)")
      await #expect(throws: EtcdError.self) { try await member.get("/t") }
      #expect(member.storeDigest().etcdIndex == reply.event.etcdIndex.next)
    }
  }

  @Test func `a time to live that ran out while the member was down ends at the start`() async throws {
    try await LoopbackCluster.with(size: 1) { cluster in
      try await cluster.members[0].set("/t", "x", ttl: .seconds(1))
      await cluster.stop(MemberID(cluster.initialMembers[0].id))
      try await Task.sleep(for: .milliseconds(1_100))
      let again = try cluster.start(cluster.initialMembers[0])
      try await eventually("the expiry", every: .milliseconds(5)) {
        _ = try await again.get("/", quorum: true)
        return again.storeDigest().etcdIndex == EtcdIndex(2)
      }
    }
  }

  @Test func `what waits when the member stops is answered`() async throws {
    try await LoopbackCluster.with(size: 1) { cluster in
      let member = cluster.members[0]
      let closed = Shared(false)
      _ = member.watch(KeysWatch(key: "/", recursive: true, stream: true)) { update in
        if update == .closed { closed.value = true }
      }
      await cluster.stop(MemberID(member.memberID))
      #expect(closed.value)
      let stopped = EtcdError(.raftInternal, cause: "etcdserver: server stopped")
      await #expect(throws: stopped) { try await member.set("/a", "1") }
      await #expect(throws: stopped) { try await member.get("/a", quorum: true) }
      let updates = member.updates(of: KeysWatch(key: "/", recursive: true, stream: true))
      var seen: [KeysWatchUpdate] = []
      for await update in updates { seen.append(update) }
      #expect(seen == [.failed(stopped)])
    }
  }

  @Test(arguments: [true, false])
  func `every request gets an answer, whenever the member stops`(_ isStarted: Bool) async throws {
    let cluster = try LoopbackCluster(size: 1)
    let member = try cluster.make(cluster.initialMembers[0])
    let answered = Shared(0)
    for number in 0..<200 {
      let write = KeysWrite.set(value: "x", isDirectory: false, ttl: .permanent, refresh: false)
      member.perform(.write(key: "/k\(number)", write)) { _ in answered.update { $0 += 1 } }
    }
    if isStarted { try member.start() }
    await member.stop()
    #expect(answered.value == 200)
  }

  @Test func `the member tells its name and client URLs`() async throws {
    try await LoopbackCluster.with(size: 1) { cluster in
      let member = cluster.members[0]
      try await eventually("the attributes") { member.members.first?.clientURLs.isEmpty == false }
      #expect(
        member.members == [
          ClusterMember(
            id: member.memberID,
            name: "m0",
            peerURLs: ["http://127.0.0.1:12380"],
            clientURLs: ["http://127.0.0.1/m0"]
          )
        ]
      )
      let document = try #require(member.peerDocument(at: "/members"))
      let id = String(member.memberID)
      #expect(
        String(decoding: document, as: UTF8.self).hasPrefix(#"[{"id":\#(id),"peerURLs":["http://127.0.0.1:12380"]"#)
      )
      #expect(member.peerDocument(at: "/other") == nil)
    }
  }

  @Test func `a configuration that makes no sense is refused`() throws {
    #expect {
      try LoopbackCluster(size: 1) { $0.electionMilliseconds = 50 }.startAll()
    } throws: {
      "\($0)".contains("election-timeout is 50 ms")
    }
    #expect {
      try LoopbackCluster(size: 1) { $0.memberID = MemberID(7) }.startAll()
    } throws: {
      "\($0)".contains("does not name member 7")
    }
  }

  @Test func `stats and health of a lone member`() async throws {
    try await LoopbackCluster.with(size: 1) { cluster in
      let member = try await cluster.leader()
      #expect(member.selfStatistics.role == .leader)
      #expect(member.selfStatistics.leaderInfo.leaderID == member.memberID)
      #expect(member.leaderStatistics?.followers == [])
      #expect(member.clusterVersion == "2.3.0")
      #expect(
        await withCheckedContinuation { continuation in member.checkHealth { continuation.resume(returning: $0) } }
      )
    }
  }
}
