// SPDX-License-Identifier: Apache-2.0
import Logging
import NIOCore
import NIOEmbedded
import StoreTestKit
import TestKit
import Testing

@testable import APIServer

/// Strange byte streams into a whole connection: never a crash, an answer or a close, and never more than a bounded
/// amount of memory.
@Suite struct ConnectionFuzzTests {
  private static let corpus = [
    "GET /v2/keys/a?recursive=true HTTP/1.1\r\nHost: x\r\n\r\n",
    "PUT /v2/keys/a HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 7\r\n\r\nvalue=1",
    "PUT /v2/keys/a HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
      + "Transfer-Encoding: chunked\r\n\r\n7\r\nvalue=1\r\n0\r\n\r\n",
    "POST /v2/keys/q?value=1 HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx",
    "GET /v2/keys/a HTTP/1.1\r\nHost: x\r\n\r\nDELETE /v2/keys/a HTTP/1.1\r\nHost: x\r\n\r\nHEAD /health HTTP/1.0\r\n\r\n",
    "GET /v2/keys/a?wait=true&stream=true HTTP/1.1\r\nHost: x\r\n\r\n",
    "POST /v2/members HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 37\r\n\r\n"
      + #"{"peerURLs":["http://127.0.0.1:999"]}"#,
    "GET http://h/version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "OPTIONS /v2/stats/self HTTP/1.1\r\nHost: x\r\nOrigin: http://p\r\n\r\n",
    "PUT /config/local/log HTTP/1.1\r\nHost: x\r\nContent-Length: 17\r\n\r\n{\"Level\":\"DEBUG\"}",
  ]
  private static let words = [
    "\r\n", "\n", "\r\n\r\n", " ", "\t", ":", "HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "Host: x\r\n",
    "Content-Length: 5\r\n",
    "Content-Length: 99999999999999999999\r\n", "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding: gzip, chunked\r\n",
    "Expect: 100-continue\r\n", "Connection: close\r\n", "Upgrade: x\r\n", "0\r\n\r\n", "ffffffff\r\n", "-1\r\n", "%00",
    "\u{0}", "é", "?wait=true", "/../", "//", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  ]

  @Test(arguments: 1...4 as ClosedRange<UInt64>)
  func `any bytes end in answers or a close`(seed: UInt64) throws {
    var mutator = ByteMutator(corpus: Self.corpus, words: Self.words, seed: seed)
    var limits = HTTPLimits()
    limits.bodyBytes = 2_000
    limits.headerBytes = 2_000
    let ports = APIPorts()
    ports.setStore(.member(MemoryKeys(), MemoryCluster()))
    for number in 0..<1_500 {
      let channel = EmbeddedChannel()
      try HTTPAPIServer.configure(
        channel,
        route: APIRouter(ports: ports, surface: .everything),
        limits: limits,
        logger: Logger(label: "fuzz")
      )
      channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
      let pieces = mutator.nextPieces()
      var sent = 0
      for piece in pieces where channel.isActive {
        _ = try? channel.writeInbound(ByteBuffer(bytes: piece))
        sent += try Self.written(by: channel)
        // Some routes hand work to other threads; whatever they would answer is answered later.
        channel.embeddedEventLoop.run()
      }
      channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
      channel.embeddedEventLoop.advanceTime(by: .seconds(2))
      sent += try Self.written(by: channel)
      // An answer at most for each line that could begin a request.
      #expect(sent < 200_000, "seed \(seed), input \(number)")
      _ = try? channel.finish(acceptAlreadyClosed: true)
    }
  }

  /// Takes what was written and checks that it begins as answers do.
  private static func written(by channel: EmbeddedChannel) throws -> Int {
    var count = 0
    while let buffer = try channel.readOutbound(as: ByteBuffer.self) { count += buffer.readableBytes }
    return count
  }

  @Test func `every whole request of the corpus is answered`() throws {
    for text in Self.corpus where !text.contains("wait=true") {
      let channel = EmbeddedChannel()
      let ports = APIPorts()
      ports.setStore(.member(MemoryKeys(), MemoryCluster()))
      let route = APIRouter(ports: ports, surface: .everything)
      try HTTPAPIServer.configure(channel, route: route, limits: HTTPLimits(), logger: Logger(label: "fuzz"))
      channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
      _ = try channel.writeInbound(ByteBuffer(string: text))
      channel.embeddedEventLoop.run()
      let answer = try #require(try channel.readOutbound(as: ByteBuffer.self), "\(text)")
      #expect(String(buffer: answer).hasPrefix("HTTP/1."), "\(text)")
      _ = try? channel.finish(acceptAlreadyClosed: true)
    }
  }
}
