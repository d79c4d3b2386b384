// SPDX-License-Identifier: Apache-2.0
public import APIServer
import EtcdStore
import EtcdWire
import Logging
import NIOCore
import NIOHTTP1
import StoreTestKit
import Synchronization
import TestKit
import Testing

@testable public import APIClients

// The wiring says the same; the types are made for each other.
extension MemberForwarder: RequestForwarder {}

/// A worker between a client and the members (specs/etcd-v2.md §18).
@Suite struct MemberForwarderTests {
  /// Runs a test with members and a worker before them.
  private func withWorker(
    members count: Int = 1,
    times: MemberForwarder.Times = MemberForwarder.Times(),
    _ body: (_ members: [TestServer], _ worker: TestServer, MemberForwarder, HTTPTransport) async throws -> Void
  ) async throws {
    try await TestServer.with(count + 1) { servers, transport in
      let members = Array(servers.dropLast())
      let worker = servers[count]
      let forwarder = MemberForwarder(
        members: members.map(\.endpoint),
        transport: transport,
        times: times,
        logger: Logger(label: "test")
      )
      worker.ports.setStore(.worker(forwarder))
      try await body(members, worker, forwarder, transport)
    }
  }

  @Test func `requests, errors and headers pass through a worker`() async throws {
    try await withWorker { members, worker, _, transport in
      members[0].ports.setStore(
        .member(MemoryKeys(), MemoryCluster(clientURLs: ("http://127.0.0.1:10", "http://127.0.0.1:11")))
      )
      let client = EtcdClient(endpoints: [worker.endpoint], transport: transport)
      let set = try await client.set("/a b/ü", "1 + 1")
      #expect(set.event.isCreation && set.event.etcdIndex == EtcdIndex(1) && set.raftTerm == 2)
      #expect(try await client.get("/a b/ü").event.node.value == "1 + 1")
      await #expect(throws: EtcdError(.keyNotFound, cause: "/none", index: EtcdIndex(1))) {
        try await client.get("/none")
      }
      #expect(try await client.version().server == "2.3.8")
      #expect(try await client.members().count == 2)
    }
  }

  @Test func `a worker waits longer for a refresh that may be kept back`() async throws {
    var times = MemberForwarder.Times()
    times.headTimeout = .milliseconds(150)
    try await withWorker(times: times) { members, worker, _, transport in
      let slow = SlowKeys(delay: .milliseconds(400))
      try await slow.keys.set("/a", "1", ttl: .seconds(60))
      members[0].ports.setStore(
        .member(slow, MemoryCluster(clientURLs: ("http://127.0.0.1:10", "http://127.0.0.1:11")))
      )
      let client = EtcdClient(endpoints: [worker.endpoint], transport: transport)
      try await client.refresh("/a", ttlSeconds: 60, patience: .seconds(5))
      await #expect(throws: EtcdError.self) { try await client.refresh("/a", ttlSeconds: 60) }
    }
  }

  @Test func `watches pass through a worker and end with their client`() async throws {
    try await withWorker { members, worker, _, transport in
      let keys = MemoryKeys()
      members[0].ports.setStore(
        .member(keys, MemoryCluster(clientURLs: ("http://127.0.0.1:10", "http://127.0.0.1:11")))
      )
      let client = EtcdClient(endpoints: [worker.endpoint], transport: transport)
      let collected = CollectedUpdates()
      let watch = client.watch(KeysWatch(key: "/a", recursive: false, stream: true)) { collected.deliver($0) }
      _ = try await collected.first(1)
      let event = try await client.set("/a", "1").event
      #expect(try await collected.first(2)[1] == .event(event))
      try await eventually("the next poll") { keys.watcherCount == 1 }
      watch.cancel()
      try await eventually("the member's watch is gone") { keys.watcherCount == 0 }
    }
  }

  @Test func `a discovery URL names the worker that was asked`() async throws {
    try await withWorker { members, worker, _, transport in
      members[0].ports.setStore(
        .member(MemoryKeys(), MemoryCluster(clientURLs: ("http://127.0.0.1:10", "http://127.0.0.1:11")))
      )
      let url = try await DiscoveryClient(endpoints: [worker.endpoint], transport: transport).newToken(size: 3)
      #expect(url.hasPrefix(worker.endpoint.url + "/discovery/"))
      let error = await #expect(throws: APIClientError.self) {
        try await DiscoveryClient(endpoints: [worker.endpoint], transport: transport).newToken(size: 10)
      }
      #expect(error?.message == "size must be a number from 1 to 9")
    }
  }

  @Test func `a discovery URL is a store of its own to a client that is given its path`() async throws {
    try await withWorker { members, worker, _, transport in
      members[0].ports.setStore(
        .member(MemoryKeys(), MemoryCluster(clientURLs: ("http://127.0.0.1:10", "http://127.0.0.1:11")))
      )
      let url = try await DiscoveryClient(endpoints: [worker.endpoint], transport: transport).newToken(size: 2)
      let path = String(url.dropFirst(worker.endpoint.url.count))
      let token = EtcdClient(endpoints: [worker.endpoint], transport: transport, keysPath: path)
      #expect(try await token.get("/_config/size").event.node.value == "2")
      let joined = try await token.create("/a1", "n=http://h:1")
      #expect(joined.event.isCreation)
      #expect(try await token.get("/").event.node.nodes?.map(\.value) == ["n=http://h:1"])
      let collected = CollectedUpdates()
      let start = joined.event.node.modifiedIndex
      let watch = token.watch(KeysWatch(key: "/", recursive: true, waitIndex: start, stream: true)) {
        collected.deliver($0)
      }
      let second = try await token.create("/a2", "m=http://h:2").event
      #expect(try await collected.first(3).last == .event(second))
      watch.cancel()
    }
  }

  @Test func `a dead member is left out for five seconds and writes go to another`() async throws {
    try await withWorker(members: 2) { members, worker, forwarder, transport in
      members[1].ports.setStore(
        .member(MemoryKeys(), MemoryCluster(clientURLs: ("http://127.0.0.1:10", "http://127.0.0.1:11")))
      )
      await members[0].server.shutdown(within: .zero)
      let client = EtcdClient(endpoints: [worker.endpoint], transport: transport)
      for number in 0..<4 { try await client.set("/a", "\(number)") }
      #expect(Set(forwarder.endpoints) == Set(members.map(\.endpoint.url)))
    }
  }

  @Test func `with no member to be had the answers are 502, then 503`() async throws {
    try await withWorker(members: 2) { members, worker, _, transport in
      for member in members { await member.server.shutdown(within: .zero) }
      let request = OutgoingRequest(target: "/v2/keys/a")
      let first = try await transport.send(request, to: worker.endpoint)
      #expect(first.status == .badGateway)
      #expect(String(buffer: first.body) == #"{"message":"proxy: unable to get response from 2 endpoint(s)"}"#)
      let second = try await transport.send(request, to: worker.endpoint)
      #expect(second.status == .serviceUnavailable)
      #expect(String(buffer: second.body) == #"{"message":"proxy: zero endpoints currently available"}"#)
      // A member that has failed just now is no endpoint, as in the original.
      let endpoints = try await transport.send(OutgoingRequest(target: "/v2/config/local/proxy"), to: worker.endpoint)
      #expect(String(buffer: endpoints.body) == #"{"endpoints":[]}"#)
      let metrics = try await metrics(of: worker, transport)
      #expect(metrics.contains(#"etcd_proxy_dropped_total{method="GET",proxying_error="failed_getting_response"} 1"#))
      #expect(metrics.contains(#"etcd_proxy_dropped_total{method="GET",proxying_error="zero_endpoints"} 1"#))
      #expect(!metrics.contains { $0.hasPrefix("etcd_proxy_handled_total") })
    }
  }

  @Test func `a worker counts what its members answered, under the original's names`() async throws {
    try await withWorker { members, worker, _, transport in
      members[0].ports.setStore(
        .member(MemoryKeys(), MemoryCluster(clientURLs: ("http://127.0.0.1:10", "http://127.0.0.1:11")))
      )
      let client = EtcdClient(endpoints: [worker.endpoint], transport: transport)
      try await client.set("/a", "1")
      try await client.set("/a", "2")
      _ = try? await client.get("/none")
      let metrics = try await metrics(of: worker, transport)
      for line in [
        #"etcd_proxy_handled_total{code="200",method="PUT"} 1"#,
        #"etcd_proxy_handled_total{code="201",method="PUT"} 1"#,
        #"etcd_proxy_handled_total{code="404",method="GET"} 1"#, #"etcd_proxy_requests_total{method="PUT"} 2"#,
        #"etcd_proxy_handling_duration_seconds_count{method="PUT"} 2"#,
      ] {
        #expect(metrics.contains(line), "\(line)\n\(metrics.joined(separator: "\n"))")
      }
      #expect(!metrics.contains { $0.hasPrefix("etcd_proxy_dropped_total") })
    }
  }

  private func metrics(of worker: TestServer, _ transport: HTTPTransport) async throws -> [String] {
    let answer = try await transport.send(OutgoingRequest(target: "/metrics"), to: worker.endpoint)
    return String(buffer: answer.body).split(separator: "\n").map(String.init)
  }

  @Test func `a worker tells its endpoints and its role`() async throws {
    try await withWorker { members, worker, _, transport in
      let request = OutgoingRequest(target: "/v2/config/local/proxy")
      let answer = try await transport.send(request, to: worker.endpoint)
      #expect(String(buffer: answer.body) == #"{"endpoints":["\#(members[0].endpoint.url)"]}"#)
      let node = NodeClient(endpoints: [worker.endpoint], transport: transport)
      #expect(try await node.nodeStatus() == .worker(endpoints: [members[0].endpoint.url], peerURLs: []))
    }
  }

  @Test func `the list of members is read from the members`() async throws {
    try await withWorker { members, _, forwarder, _ in
      let cluster = MemoryCluster(clientURLs: ("http://127.0.0.1:10", "http://127.0.0.1:11"))
      members[0].ports.setStore(.member(MemoryKeys(), cluster))
      #expect(await forwarder.refresh())
      #expect(forwarder.endpoints.sorted() == ["http://127.0.0.1:10", "http://127.0.0.1:11"])
      // The members listed do not exist, but the one it began with still tells.
      cluster.facts.withLock { $0.members[0].clientURLs = ["http://127.0.0.1:12"] }
      #expect(await forwarder.refresh())
      #expect(forwarder.endpoints.sorted() == ["http://127.0.0.1:11", "http://127.0.0.1:12"])
    }
  }

  @Test func `peer URLs tell the members when no client URL does, and what is told is passed on`() async throws {
    try await TestServer.with(1) { servers, transport in
      // The peer port answers /members as this server's /v2/members does; only its form differs.
      let lists = Mutex<[MemberList]>([])
      let forwarder = MemberForwarder(
        members: [try Endpoint("http://127.0.0.1:9")],
        peers: [servers[0].endpoint],
        transport: transport,
        logger: Logger(label: "test"),
        refreshed: { list in lists.withLock { $0.append(list) } }
      )
      #expect(await !forwarder.refresh())
      #expect(lists.withLock { $0.isEmpty })
      let running = MemberForwarder(
        members: [servers[0].endpoint],
        transport: transport,
        times: MemberForwarder.Times(),
        logger: Logger(label: "test"),
        refreshed: { list in lists.withLock { $0.append(list) } }
      )
      let cluster = MemoryCluster(clientURLs: ("http://127.0.0.1:10", "http://127.0.0.1:11"))
      servers[0].ports.setStore(.member(MemoryKeys(), cluster))
      let task = Task { await running.run() }
      try await eventually("the first list") { lists.withLock { $0.count == 1 } }
      #expect(lists.withLock { $0[0] } == MemberList(clusterID: cluster.clusterID, members: cluster.members))
      #expect(running.hasHeardOfAll)
      // Long before the thirty seconds are over.
      running.refreshSoon()
      try await eventually("the second list") { lists.withLock { $0.count == 2 } }
      task.cancel()
      await task.value
    }
  }

  @Test func `a readonly worker sends GET on and nothing else`() async throws {
    try await withWorker { members, worker, forwarder, transport in
      members[0].ports.setStore(
        .member(MemoryKeys(), MemoryCluster(clientURLs: ("http://127.0.0.1:10", "http://127.0.0.1:11")))
      )
      worker.ports.setStore(.worker(ReadOnlyForwarder(forwarder: forwarder)))
      for method in [HTTPMethod.PUT, .POST, .DELETE, .HEAD, .OPTIONS] {
        let answer = try await transport.send(
          OutgoingRequest(method: method, target: "/v2/keys/a"),
          to: worker.endpoint
        )
        #expect(answer.status == .notImplemented && answer.body.readableBytes == 0)
      }
      #expect(try await transport.send(OutgoingRequest(target: "/v2/keys/a"), to: worker.endpoint).status == .notFound)
    }
  }

  @Test func `a worker is told to look for its place`() async throws {
    try await withWorker { members, worker, forwarder, transport in
      let client = NodeClient(endpoints: [worker.endpoint], transport: transport)
      try await client.lookForMembership()
      members[0].ports.setStore(
        .member(MemoryKeys(), MemoryCluster(clientURLs: ("http://127.0.0.1:10", "http://127.0.0.1:11")))
      )
      try await NodeClient(endpoints: [members[0].endpoint], transport: transport).lookForMembership()
      let get = try await transport.send(OutgoingRequest(target: "/coracle/v1/join"), to: worker.endpoint)
      #expect(get.status == .methodNotAllowed)
    }
  }
}

private struct ReadOnlyForwarder: RequestForwarder {
  let forwarder: MemberForwarder
  let isReadOnly = true
  var endpoints: [String] { forwarder.endpoints }

  func forward(
    _ head: HTTPRequestHead,
    body: ByteBuffer,
    refused: @escaping @Sendable (HTTPResponseStatus) -> Void,
    answer: @escaping @Sendable (HTTPClientResponsePart) async throws -> Void
  ) async throws {
    try await forwarder.forward(head, body: body, refused: refused, answer: answer)
  }
}
