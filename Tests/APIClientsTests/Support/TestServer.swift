// SPDX-License-Identifier: Apache-2.0
import APIServer
import EtcdWire
import Logging
import NIOCore
import NIOPosix
import Synchronization
import TestKit
import Testing

@testable import APIClients

/// A server on loopback and what calls it, both gone at the end of the test.
struct TestServer {
  let server: HTTPAPIServer
  let ports: APIPorts
  let endpoint: Endpoint

  /// Starts servers with ports of their own, runs a test with them, and stops everything.
  static func with(
    _ count: Int = 1,
    limits: HTTPLimits = HTTPLimits(),
    _ body: ([TestServer], HTTPTransport) async throws -> Void
  ) async throws {
    let group = MultiThreadedEventLoopGroup.singleton
    let transport = HTTPTransport(group: group)
    var servers: [TestServer] = []
    for _ in 0..<count {
      let ports = APIPorts()
      let server = HTTPAPIServer(ports: ports, limits: limits, group: group, logger: Logger(label: "test"))
      let bound = try await server.start(listening: [APIListener(.tcp(host: "127.0.0.1", port: 0))])
      servers.append(TestServer(server: server, ports: ports, endpoint: try Endpoint(bound[0].address.description)))
    }
    do {
      try await body(servers, transport)
    } catch {
      await stop(servers, transport)
      throw error
    }
    await stop(servers, transport)
  }

  private static func stop(_ servers: [TestServer], _ transport: HTTPTransport) async {
    for server in servers { await server.server.shutdown(within: .milliseconds(500)) }
    await transport.shutdown()
  }
}

/// The updates of a watch, collected for the test to look at.
final class CollectedUpdates: Sendable {
  let updates = Mutex<[KeysWatchUpdate]>([])

  func deliver(_ update: KeysWatchUpdate) {
    updates.withLock { $0.append(update) }
  }

  /// Waits until there are so many updates.
  func first(_ count: Int) async throws -> [KeysWatchUpdate] {
    try await eventually("\(count) updates", every: .milliseconds(5)) {
      updates.withLock { $0.count >= count }
    }
    return updates.withLock { $0 }
  }
}
