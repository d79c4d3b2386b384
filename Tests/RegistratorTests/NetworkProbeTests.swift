// SPDX-License-Identifier: Apache-2.0
import NIOCore
import NIOPosix
import Synchronization
import Testing
import Units

@testable import Registrator

/// Checks of what units announce, against servers on loopback.
@Suite(.timeLimit(.minutes(1))) struct NetworkProbeTests {
  /// A server that answers each connection's first bytes with the same text, and keeps what it was asked.
  private final class Server: Sendable {
    let port: UInt16
    private let channel: any Channel
    private let asked: Asked

    final class Asked: Sendable {
      let text = Mutex("")
    }

    private final class Answerer: ChannelInboundHandler {
      typealias InboundIn = ByteBuffer
      typealias OutboundOut = ByteBuffer
      let pieces: [String]
      let asked: Asked

      init(_ pieces: [String], _ asked: Asked) {
        self.pieces = pieces
        self.asked = asked
      }

      func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        asked.text.withLock { $0 += String(buffer: unwrapInboundIn(data)) }
        for piece in pieces { context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: piece)), promise: nil) }
      }
    }

    init(answering pieces: [String]) async throws {
      let asked = Asked()
      self.asked = asked
      channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .childChannelInitializer { channel in
          channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(Answerer(pieces, asked))
          }
        }
        .bind(host: "127.0.0.1", port: 0).get()
      port = UInt16(channel.localAddress?.port ?? 0)
    }

    var request: String { asked.text.withLock { $0 } }

    func close() async throws { try await channel.close() }
  }

  private func passes(_ kind: ServiceCheck.Kind, answering pieces: [String]) async throws -> Bool {
    let server = try await Server(answering: pieces)
    var check = ServiceCheck(kind: kind, host: "127.0.0.1", port: server.port)
    // Only an answer that never comes takes this long.
    check.timeout = pieces.isEmpty ? .milliseconds(200) : .seconds(30)
    let result = await NetworkProbe().passes(check)
    try await server.close()
    return result
  }

  @Test func `a connection is enough for tcp, and nobody there is not`() async throws {
    #expect(try await passes(.tcp, answering: []))
    let server = try await Server(answering: [])
    try await server.close()
    #expect(await NetworkProbe().passes(ServiceCheck(kind: .tcp, host: "127.0.0.1", port: server.port)) == false)
  }

  @Test(arguments: [
    (200, true), (204, true), (302, true), (399, true), (400, false), (404, false), (503, false), (100, false),
  ])
  func `http is good from 200 to 399`(status: Int, isGood: Bool) async throws {
    let answer = ["HTTP/1.1 \(status) Whatever\r\n", "Content-Length: 0\r\n\r\n"]
    #expect(try await passes(.http(path: "/health"), answering: answer) == isGood)
  }

  @Test func `an answer may come in pieces`() async throws {
    #expect(try await passes(.http(path: "/"), answering: ["HT", "TP/1.0 20", "0\n"]))
  }

  @Test func `what is no HTTP, says nothing, or never ends its line does not pass`() async throws {
    #expect(try await passes(.http(path: "/"), answering: ["SSH-2.0-OpenSSH\r\n"]) == false)
    #expect(try await passes(.http(path: "/"), answering: []) == false)
    #expect(try await passes(.http(path: "/"), answering: [String(repeating: "x", count: 20_000)]) == false)
  }

  @Test func `the request names path and host`() async throws {
    let server = try await Server(answering: ["HTTP/1.1 200 OK\r\n\r\n"])
    let check = ServiceCheck(kind: .http(path: "/health?deep=1"), host: "127.0.0.1", port: server.port)
    #expect(await NetworkProbe().passes(check))
    #expect(server.request.hasPrefix("GET /health?deep=1 HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\n"))
    #expect(server.request.hasSuffix("\r\n\r\n"))
    try await server.close()
  }
}
