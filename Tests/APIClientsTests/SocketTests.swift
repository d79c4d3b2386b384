// SPDX-License-Identifier: Apache-2.0
import APIServer
import EtcdStore
import EtcdWire
import Foundation
import Glibc
import Logging
import NIOCore
import NIOPosix
import StoreTestKit
import TestKit
import Testing

@testable import APIClients

/// What only real sockets show: listeners, files, slow readers, stopping.
@Suite struct SocketTests {
  private func makeServer(_ ports: APIPorts) -> HTTPAPIServer {
    HTTPAPIServer(ports: ports, group: MultiThreadedEventLoopGroup.singleton, logger: Logger(label: "test"))
  }

  @Test func `a unix socket has its mode, serves every client and goes with the server`() async throws {
    try await withTestDirectory { directory in
      let path = directory.appending(path: "c.sock").path
      let ports = APIPorts()
      ports.setStore(.member(MemoryKeys(), MemoryCluster(clientURLs: ("http://127.0.0.1:10", "http://127.0.0.1:11"))))
      let server = makeServer(ports)
      _ = try await server.start(listening: [APIListener(.unixSocket(path: path, mode: 0o660))])
      var information = stat()
      #expect(lstat(path, &information) == 0)
      #expect(information.st_mode & 0o777 == 0o660)

      let transport = HTTPTransport(group: MultiThreadedEventLoopGroup.singleton)
      let endpoints = [try Endpoint("unix://" + path)]
      try await EtcdClient(endpoints: endpoints, transport: transport).set("/a", "1")
      let url = try await DiscoveryClient(endpoints: endpoints, transport: transport).newToken(size: 3)
      #expect(url.hasPrefix("http://127.0.0.1:10/discovery/"))

      await server.shutdown()
      #expect(access(path, F_OK) != 0)
      await transport.shutdown()
    }
  }

  @Test func `a socket file is replaced when nobody listens, and only then`() async throws {
    try await withTestDirectory { directory in
      let path = directory.appending(path: "c.sock").path
      let first = makeServer(APIPorts())
      _ = try await first.start(listening: [APIListener(.unixSocket(path: path))])
      let second = makeServer(APIPorts())
      let error = await #expect(throws: APIServerError.self) {
        try await second.start(listening: [APIListener(.unixSocket(path: path))])
      }
      #expect(error?.code == .addressInUse)
      #expect(error?.message == "listen on unix socket \(path): another process listens there")
      await first.shutdown()

      let stale = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
      var address = sockaddr_un()
      address.sun_family = sa_family_t(AF_UNIX)
      withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
      let bound = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(stale, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
      }
      #expect(bound == 0)
      close(stale)
      #expect(access(path, F_OK) == 0)
      _ = try await second.start(listening: [APIListener(.unixSocket(path: path))])
      await second.shutdown()
    }
  }

  @Test func `a file that is no socket is left alone`() async throws {
    try await withTestDirectory { directory in
      let path = directory.appending(path: "precious").path
      close(open(path, O_CREAT | O_WRONLY, 0o600))
      let server = makeServer(APIPorts())
      let error = await #expect(throws: APIServerError.self) {
        try await server.start(listening: [APIListener(.unixSocket(path: path))])
      }
      #expect(error?.message == "listen on unix socket \(path): a file that is no socket stands there")
      #expect(access(path, F_OK) == 0)
    }
  }

  @Test func `listeners open all or none, and say which address is taken`() async throws {
    let server = makeServer(APIPorts())
    let bound = try await server.start(listening: [APIListener(.tcp(host: "127.0.0.1", port: 0))])
    let port = try #require(bound[0].port)
    #expect(port > 0)
    let other = makeServer(APIPorts())
    let error = await #expect(throws: APIServerError.self) {
      try await other.start(listening: [
        APIListener(.tcp(host: "127.0.0.1", port: 0)), APIListener(.tcp(host: "127.0.0.1", port: port)),
      ])
    }
    #expect(error?.code == .addressInUse)
    #expect(error?.message == "listen on http://127.0.0.1:\(port): the address is in use")
    await server.shutdown()
    await other.shutdown()
  }

  @Test func `a reader of a stream that does not read is cut off`() async throws {
    var limits = HTTPLimits()
    limits.streamBacklogBytes = 256 * 1024
    try await TestServer.with(limits: limits) { servers, _ in
      let keys = MemoryKeys()
      servers[0].ports.setStore(
        .member(keys, MemoryCluster(clientURLs: ("http://127.0.0.1:10", "http://127.0.0.1:11")))
      )
      let port = try #require(Int(servers[0].endpoint.url.split(separator: ":").last ?? ""))
      let client = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .channelOption(.autoRead, value: false)
        .channelOption(.socketOption(.so_rcvbuf), value: 4096)
        .connect(host: "127.0.0.1", port: port).get()
      let request = "GET /v2/keys/a?wait=true&stream=true HTTP/1.1\r\nHost: x\r\n\r\n"
      try await client.writeAndFlush(ByteBuffer(string: request))
      try await eventually("the watch stands") { keys.watcherCount == 1 }
      let value = String(repeating: "v", count: 100_000)
      try await eventually("the reader is cut off", every: .milliseconds(1)) {
        try await keys.set("/a", value)
        return keys.watcherCount == 0
      }
      try await client.close()
    }
  }

  @Test func `stopping ends watches at once and lets no one in`() async throws {
    try await TestServer.with { servers, transport in
      servers[0].ports.setStore(
        .member(MemoryKeys(), MemoryCluster(clientURLs: ("http://127.0.0.1:10", "http://127.0.0.1:11")))
      )
      let client = EtcdClient(endpoints: [servers[0].endpoint], transport: transport)
      let collected = CollectedUpdates()
      _ = client.watch(KeysWatch(key: "/a", recursive: false, stream: true)) { collected.deliver($0) }
      _ = try await collected.first(1)
      let clock = ContinuousClock()
      let took = await clock.measure { await servers[0].server.shutdown(within: .seconds(20)) }
      #expect(took < .seconds(10))
      #expect(try await collected.first(2).last == .closed)
      await #expect(throws: EtcdError.self) { try await client.get("/a") }
      await #expect(throws: APIServerError.self) {
        try await servers[0].server.start(listening: [APIListener(.tcp(host: "127.0.0.1", port: 0))])
      }
    }
  }
}
