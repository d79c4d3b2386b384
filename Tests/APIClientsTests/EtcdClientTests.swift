// SPDX-License-Identifier: Apache-2.0
import APIServer
import EtcdStore
import EtcdWire
import NIOCore
import StoreTestKit
import Synchronization
import TestKit
import Testing

@testable import APIClients

/// The client against our own server on loopback.
@Suite struct EtcdClientTests {
  @Test func `every kind of request goes round`() async throws {
    try await TestServer.with { servers, transport in
      servers[0].ports.setStore(
        .member(MemoryKeys(), MemoryCluster(clientURLs: ("http://127.0.0.1:10", "http://127.0.0.1:11")))
      )
      let client = EtcdClient(endpoints: [servers[0].endpoint], transport: transport)
      let set = try await client.set("/a b/c+d", "x & y=ü")
      #expect(set.event.isCreation)
      #expect(set.raftTerm == 2)
      let get = try await client.get("/a b/c+d")
      #expect(get.event.node.value == "x & y=ü")
      #expect(get.event.etcdIndex == EtcdIndex(1))
      let created = try await client.create("/q", "1", ttl: .seconds(30))
      #expect(created.event.node.ttlSeconds == 30)
      let refreshed = try await client.refresh("/q", ttlSeconds: 60)
      #expect(refreshed.event.node.value == "1")
      let swapped = try await client.compareAndSwap("/q", "2", where: Comparison(previousValue: "1"))
      #expect(swapped.event.action == .compareAndSwap)
      #expect(try await client.update("/q", "3").event.previousNode?.value == "2")
      try await client.compareAndDelete("/q", where: Comparison(previousValue: "3"))
      #expect(try await client.get("/", recursive: true).event.node.nodes?.first?.nodes?.count == 1)
      #expect(try await client.delete("/a b", recursive: true).event.previousNode?.isDirectory == true)
    }
  }

  @Test func `the store's errors arrive as they are`() async throws {
    try await TestServer.with { servers, transport in
      servers[0].ports.setStore(
        .member(MemoryKeys(), MemoryCluster(clientURLs: ("http://127.0.0.1:10", "http://127.0.0.1:11")))
      )
      let client = EtcdClient(endpoints: [servers[0].endpoint], transport: transport)
      try await client.create("/a", "1")
      await #expect(throws: EtcdError(.nodeExists, cause: "/a", index: EtcdIndex(1))) {
        try await client.create("/a", "2")
      }
      await #expect(throws: EtcdError(.keyNotFound, cause: "/b", index: EtcdIndex(1))) { try await client.get("/b") }
    }
  }

  @Test func `a value of megabytes passes, one above the limit is refused by name`() async throws {
    try await TestServer.with { servers, transport in
      servers[0].ports.setStore(
        .member(MemoryKeys(), MemoryCluster(clientURLs: ("http://127.0.0.1:10", "http://127.0.0.1:11")))
      )
      let client = EtcdClient(endpoints: [servers[0].endpoint], transport: transport)
      let value = String(repeating: "v", count: 2_000_000)
      try await client.set("/big", value)
      #expect(try await client.get("/big").event.node.value == value)
      let error = await #expect(throws: EtcdError.self) {
        try await client.set("/big", String(repeating: "v", count: 11_000_000))
      }
      #expect(error?.code == .invalidForm)
    }
  }

  @Test func `a one-shot watch starts, brings its event and closes`() async throws {
    try await TestServer.with { servers, transport in
      servers[0].ports.setStore(
        .member(MemoryKeys(), MemoryCluster(clientURLs: ("http://127.0.0.1:10", "http://127.0.0.1:11")))
      )
      let client = EtcdClient(endpoints: [servers[0].endpoint], transport: transport)
      let collected = CollectedUpdates()
      _ = client.watch(KeysWatch(key: "/a", recursive: false, stream: false)) { collected.deliver($0) }
      #expect(try await collected.first(1) == [.started(etcdIndex: .zero, raftIndex: 100, raftTerm: 2)])
      let event = try await client.set("/a", "1").event
      #expect(try await collected.first(3).dropFirst() == [.event(event), .closed])
    }
  }

  @Test func `a stream misses nothing and starts once`() async throws {
    try await TestServer.with { servers, transport in
      servers[0].ports.setStore(
        .member(MemoryKeys(), MemoryCluster(clientURLs: ("http://127.0.0.1:10", "http://127.0.0.1:11")))
      )
      let client = EtcdClient(endpoints: [servers[0].endpoint], transport: transport)
      for number in 1...50 { try await client.set("/a/\(number)", "\(number)") }
      let collected = CollectedUpdates()
      let watch = client.watch(KeysWatch(key: "/a", recursive: true, waitIndex: EtcdIndex(11), stream: true)) {
        collected.deliver($0)
      }
      for number in 51...100 { try await client.set("/a/\(number)", "\(number)") }
      let values = try await collected.first(91).dropFirst().map { update in
        if case .event(let event) = update { event.node.value } else { String?.none }
      }
      #expect(values == (11...100).map { "\($0)" })
      watch.cancel()
    }
  }

  @Test func `a cancelled watch is silent and leaves the server`() async throws {
    try await TestServer.with { servers, transport in
      let keys = MemoryKeys()
      servers[0].ports.setStore(
        .member(keys, MemoryCluster(clientURLs: ("http://127.0.0.1:10", "http://127.0.0.1:11")))
      )
      let client = EtcdClient(endpoints: [servers[0].endpoint], transport: transport)
      let collected = CollectedUpdates()
      let watch = client.watch(KeysWatch(key: "/a", recursive: false, stream: true)) { collected.deliver($0) }
      _ = try await collected.first(1)
      watch.cancel()
      try await eventually("the server has forgotten the watch") { keys.watcherCount == 0 }
      try await client.set("/a", "1")
      #expect(collected.updates.withLock { $0.count } == 1)
    }
  }

  @Test func `a watch of cleared history fails with 401, and one of a stopped store closes`() async throws {
    try await TestServer.with { servers, transport in
      let keys = MemoryKeys()
      servers[0].ports.setStore(
        .member(keys, MemoryCluster(clientURLs: ("http://127.0.0.1:10", "http://127.0.0.1:11")))
      )
      for _ in 0..<1001 { try await keys.set("/a", "1") }
      let client = EtcdClient(endpoints: [servers[0].endpoint], transport: transport)
      let cleared = CollectedUpdates()
      _ = client.watch(KeysWatch(key: "/a", recursive: false, waitIndex: EtcdIndex(1), stream: true)) {
        cleared.deliver($0)
      }
      let cause = "the requested history has been cleared [2/1]"
      let error = EtcdError(.eventIndexCleared, cause: cause, index: EtcdIndex(1001))
      #expect(try await cleared.first(1) == [.failed(error)])

      let stopped = CollectedUpdates()
      _ = client.watch(KeysWatch(key: "/b", recursive: false, stream: true)) { stopped.deliver($0) }
      _ = try await stopped.first(1)
      keys.stop()
      #expect(try await stopped.first(2).last == .closed)
    }
  }

  @Test func `a dead endpoint is passed over, also for writes`() async throws {
    try await TestServer.with(2) { servers, transport in
      servers[1].ports.setStore(
        .member(MemoryKeys(), MemoryCluster(clientURLs: ("http://127.0.0.1:10", "http://127.0.0.1:11")))
      )
      await servers[0].server.shutdown(within: .zero)
      let client = EtcdClient(endpoints: servers.map(\.endpoint), transport: transport)
      try await client.set("/a", "1")
      #expect(try await client.get("/a").event.node.value == "1")
    }
  }

  @Test func `a node that has not joined yet is passed over`() async throws {
    try await TestServer.with(2) { servers, transport in
      servers[1].ports.setStore(
        .member(MemoryKeys(), MemoryCluster(clientURLs: ("http://127.0.0.1:10", "http://127.0.0.1:11")))
      )
      let client = EtcdClient(endpoints: servers.map(\.endpoint), transport: transport)
      try await client.set("/a", "1")
      let collected = CollectedUpdates()
      let watch = client.watch(KeysWatch(key: "/a", recursive: false, waitIndex: EtcdIndex(1), stream: false)) {
        collected.deliver($0)
      }
      #expect(try await collected.first(3).count == 3)
      watch.cancel()
    }
  }

  @Test func `with no endpoint left the error lists each in etcdctl's words`() async throws {
    try await TestServer.with(2) { servers, transport in
      for server in servers { await server.server.shutdown(within: .zero) }
      let client = EtcdClient(endpoints: servers.map(\.endpoint), transport: transport)
      let error = await #expect(throws: EtcdError.self) { try await client.get("/a") }
      let places = servers.map { $0.endpoint.url.dropFirst("http://".count) }
      #expect(error?.code == .raftInternal)
      #expect(
        error?.cause == """
          client: etcd cluster is unavailable or misconfigured
          error #0: dial tcp \(places[0]): connect: connection refused
          error #1: dial tcp \(places[1]): connect: connection refused
          """
      )
    }
  }

  /// A store that fails every request, counted.
  private final class FailingKeys: KeysAPI {
    let count = Mutex(0)

    func perform(_ request: KeysRequest, answer: @escaping @Sendable (Result<KeysReply, EtcdError>) -> Void) {
      count.withLock { $0 += 1 }
      answer(.failure(EtcdError(.raftInternal, cause: "etcdserver: request timed out")))
    }

    func watch(_ watch: KeysWatch, deliver: @escaping @Sendable (KeysWatchUpdate) -> Void) -> KeysWatchCancellation {
      KeysWatchCancellation {}
    }
  }

  @Test func `a write that may have been carried out is not sent twice, a read is`() async throws {
    try await TestServer.with(2) { servers, transport in
      let stores = [FailingKeys(), FailingKeys()]
      for (server, store) in zip(servers, stores) {
        server.ports.setStore(.member(store, MemoryCluster(clientURLs: ("http://127.0.0.1:10", "http://127.0.0.1:11"))))
      }
      let client = EtcdClient(endpoints: servers.map(\.endpoint), transport: transport)
      let error = await #expect(throws: EtcdError.self) { try await client.set("/a", "1") }
      #expect(error == EtcdError(.raftInternal, cause: "etcdserver: request timed out"))
      #expect(stores.map { $0.count.withLock { $0 } } == [1, 0])
      await #expect(throws: EtcdError.self) { try await client.get("/a") }
      #expect(stores.map { $0.count.withLock { $0 } } == [2, 1])
    }
  }

  @Test func `a server that never answers costs the header deadline`() async throws {
    try await TestServer.with { servers, transport in
      servers[0].ports.setStore(
        .member(SilentKeys(), MemoryCluster(clientURLs: ("http://127.0.0.1:10", "http://127.0.0.1:11")))
      )
      let client = EtcdClient(
        endpoints: [servers[0].endpoint],
        transport: transport,
        requestTimeout: .milliseconds(100)
      )
      let error = await #expect(throws: EtcdError.self) { try await client.set("/a", "1") }
      #expect(error?.cause == "client: endpoint \(servers[0].endpoint) exceeded header timeout")
    }
  }

  @Test func `a server that keeps a request waiting is asked last by those that follow`() async throws {
    try await TestServer.with(2) { servers, transport in
      let keys = MemoryKeys()
      for (server, store) in zip(servers, [SilentKeys(), keys] as [any KeysAPI]) {
        server.ports.setStore(.member(store, MemoryCluster(clientURLs: ("http://127.0.0.1:10", "http://127.0.0.1:11"))))
      }
      let client = EtcdClient(endpoints: servers.map(\.endpoint), transport: transport, requestTimeout: .seconds(30))
      try await eventually("a write goes to the other server", within: .seconds(25)) {
        let write = KeysWrite.set(value: "1", isDirectory: false, ttl: .permanent, refresh: false)
        client.perform(.write(key: "/a", write)) { _ in }
        return try await keys.get("/a").event.node.value == "1"
      }
    }
  }

  @Test func `a watch leaves a server that keeps requests waiting, and misses nothing`() async throws {
    try await TestServer.with(2) { servers, transport in
      let keys = MemoryKeys()
      for (server, store) in zip(servers, [SilentKeys(startsWatches: true), keys] as [any KeysAPI]) {
        server.ports.setStore(.member(store, MemoryCluster(clientURLs: ("http://127.0.0.1:10", "http://127.0.0.1:11"))))
      }
      let client = EtcdClient(endpoints: servers.map(\.endpoint), transport: transport, requestTimeout: .seconds(30))
      let collected = CollectedUpdates()
      let watch = client.watch(KeysWatch(key: "/a", recursive: false, stream: true)) { collected.deliver($0) }
      _ = try await collected.first(1)
      let event = try await keys.set("/a", "1").event
      try await eventually("the event arrives from the other server", within: .seconds(25)) {
        client.perform(.read(key: "/a", KeysRead())) { _ in }
        return collected.updates.withLock { $0.contains(.event(event)) }
      }
      watch.cancel()
    }
  }

  @Test func `a watch that is cancelled does not make others leave its server`() async throws {
    try await TestServer.with(2) { servers, transport in
      let stores = [MemoryKeys(), MemoryKeys()]
      let slow = SilentKeys()
      for (server, store) in zip(servers, [slow, stores[1]] as [any KeysAPI]) {
        server.ports.setStore(.member(store, MemoryCluster(clientURLs: ("http://127.0.0.1:10", "http://127.0.0.1:11"))))
      }
      let client = EtcdClient(endpoints: servers.map(\.endpoint), transport: transport)
      let task = Task { await client.follow(KeysWatch(key: "/a", recursive: false, stream: true)) { _ in } }
      try await eventually("the first server is asked") { slow.watches.withLock { $0 } == 1 }
      task.cancel()
      await task.value
      servers[0].ports.setStore(
        .member(stores[0], MemoryCluster(clientURLs: ("http://127.0.0.1:10", "http://127.0.0.1:11")))
      )
      try await client.set("/a", "1")
      #expect(try await stores[0].get("/a").event.node.value == "1")
    }
  }

  @Test func `watches of servers that others have replaced end, and so does the next one`() async throws {
    try await TestServer.with { servers, transport in
      servers[0].ports.setStore(
        .member(MemoryKeys(), MemoryCluster(clientURLs: ("http://127.0.0.1:10", "http://127.0.0.1:11")))
      )
      let client = EtcdClient(endpoints: [servers[0].endpoint], transport: transport)
      let collected = [CollectedUpdates(), CollectedUpdates()]
      _ = client.watch(KeysWatch(key: "/a", recursive: false, stream: true)) { collected[0].deliver($0) }
      _ = try await collected[0].first(1)
      client.becomeOutdated()
      #expect(try await collected[0].first(2).last == .closed)
      _ = client.watch(KeysWatch(key: "/a", recursive: false, stream: true)) { collected[1].deliver($0) }
      #expect(try await collected[1].first(2).last == .closed)
      try await client.set("/a", "requests go on")
    }
  }

  @Test func `a listing may take longer than other requests`() async throws {
    try await TestServer.with { servers, transport in
      let slow = SlowKeys(delay: .milliseconds(400))
      servers[0].ports.setStore(
        .member(slow, MemoryCluster(clientURLs: ("http://127.0.0.1:10", "http://127.0.0.1:11")))
      )
      let client = EtcdClient(
        endpoints: [servers[0].endpoint],
        transport: transport,
        requestTimeout: .milliseconds(100),
        listingTimeout: .seconds(5)
      )
      _ = try await client.get("/", recursive: true, quorum: true)
      await #expect(throws: EtcdError.self) { try await client.get("/", quorum: true) }
    }
  }

  private final class SilentKeys: KeysAPI {
    let startsWatches: Bool
    let watches = Mutex(0)

    init(startsWatches: Bool = false) { self.startsWatches = startsWatches }

    func perform(_ request: KeysRequest, answer: @escaping @Sendable (Result<KeysReply, EtcdError>) -> Void) {}

    func watch(_ watch: KeysWatch, deliver: @escaping @Sendable (KeysWatchUpdate) -> Void) -> KeysWatchCancellation {
      watches.withLock { $0 += 1 }
      if startsWatches { deliver(.started(etcdIndex: .zero, raftIndex: 0, raftTerm: 0)) }
      return KeysWatchCancellation {}
    }
  }

  @Test func `members, leader, version and health`() async throws {
    try await TestServer.with { servers, transport in
      let cluster = MemoryCluster(clientURLs: ("http://127.0.0.1:10", "http://127.0.0.1:11"))
      servers[0].ports.setStore(.member(MemoryKeys(), cluster))
      let client = EtcdClient(endpoints: [servers[0].endpoint], transport: transport)
      let members = try await client.members()
      #expect(members == cluster.members)
      let leader = try await client.leader()
      #expect(leader?.name == "m2")
      let version = try await client.version()
      #expect(version.server == "2.3.8" && version.cluster == "2.3.0")
      let isHealthy = try await client.isHealthy(servers[0].endpoint)
      #expect(isHealthy)
      cluster.facts.withLock { $0.isHealthy = false }
      cluster.facts.withLock { $0.leaderID = nil }
      let noLeader = try await client.leader()
      #expect(noLeader == nil)
      let isStillHealthy = try await client.isHealthy(servers[0].endpoint)
      #expect(!isStillHealthy)
    }
  }

  @Test func `a hundred watches at once have a connection each`() async throws {
    try await TestServer.with { servers, transport in
      let keys = MemoryKeys()
      servers[0].ports.setStore(
        .member(keys, MemoryCluster(clientURLs: ("http://127.0.0.1:10", "http://127.0.0.1:11")))
      )
      let client = EtcdClient(endpoints: [servers[0].endpoint], transport: transport)
      let collected = CollectedUpdates()
      for number in 0..<100 {
        _ = client.watch(KeysWatch(key: "/\(number)", recursive: false, stream: false)) { collected.deliver($0) }
      }
      _ = try await collected.first(100)
      for number in 0..<100 { try await client.set("/\(number)", "x") }
      #expect(try await collected.first(300).filter { $0 == .closed }.count == 100)
    }
  }
}
