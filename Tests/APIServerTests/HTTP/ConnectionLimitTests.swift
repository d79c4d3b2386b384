// SPDX-License-Identifier: Apache-2.0
import Logging
import NIOCore
import NIOPosix
import Synchronization
import TestKit
import Testing

@testable import APIServer

@Suite struct ConnectionLimitTests {
  /// Collects what a server sends.
  private final class Collector: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer

    let text = Mutex("")

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      let part = String(buffer: unwrapInboundIn(data))
      text.withLock { $0 += part }
    }
  }

  /// A connection that has asked once.
  private struct Client {
    let channel: any Channel
    let collector = Collector()

    init(port: Int) async throws {
      let collector = collector
      channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .channelInitializer { $0.pipeline.addHandler(collector) }
        .connect(host: "127.0.0.1", port: port).get()
      try? await channel.writeAndFlush(ByteBuffer(string: "GET /version HTTP/1.1\r\nHost: x\r\n\r\n"))
    }

    /// The answer, once it has begun.
    func answer() async throws -> String {
      try await eventually("an answer", every: .milliseconds(5)) {
        !collector.text.withLock(\.isEmpty)
      }
      return collector.text.withLock { $0 }
    }
  }

  @Test func `a connection too many gets a readable answer, and its place is free once another leaves`() async throws {
    var limits = HTTPLimits()
    limits.maximumConnections = 2
    let group = MultiThreadedEventLoopGroup.singleton
    let server = HTTPAPIServer(ports: APIPorts(), limits: limits, group: group, logger: Logger(label: "test"))
    let bound = try await server.start(listening: [APIListener(.tcp(host: "127.0.0.1", port: 0))])
    guard case .tcp(_, let port) = bound[0].address else { return #expect(Bool(false), "\(bound)") }
    let first = try await Client(port: port)
    #expect(try await first.answer().hasPrefix("HTTP/1.1 "))
    let second = try await Client(port: port)
    #expect(try await !second.answer().contains("too many connections"))
    let third = try await Client(port: port).answer()
    #expect(third.hasPrefix("HTTP/1.1 503 Service Unavailable\r\n"), "\(third)")
    #expect(third.contains("{\"message\":\"too many connections\"}"))
    try await second.channel.close()
    try await eventually("there is room again") {
      let next = try await Client(port: port)
      let isTaken = try await !next.answer().contains("too many connections")
      try? await next.channel.close()
      return isTaken
    }
    try? await first.channel.close()
    await server.shutdown(within: .milliseconds(100))
  }
}
