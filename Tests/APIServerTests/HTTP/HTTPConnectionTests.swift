// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Synchronization
import TestKit
import Testing

@testable import APIServer

/// The HTTP/1 layer under the routes (specs/etcd-v2.md §1).
@Suite struct HTTPConnectionTests {
  /// Answers with the path, the method and the body, or keeps the exchange for the test to answer.
  private final class Echo: HTTPRoute {
    let held = Mutex<[(target: String, exchange: HTTPExchange)]>([])

    func serve(_ request: HTTPRequest, _ exchange: HTTPExchange) {
      if request.target.path.hasPrefix("/held") {
        held.withLock { $0.append((request.target.path, exchange)) }
      } else if request.bodyIsTooLarge {
        exchange.respond(.text(.payloadTooLarge, "too large"))
      } else {
        let body = String(buffer: request.body)
        exchange.respond(.text(.ok, "\(request.method) \(request.target.path) \(body)"))
      }
    }

    func exchange(at path: String) async throws -> HTTPExchange {
      try await eventually("a request for \(path)", every: .milliseconds(2)) {
        held.withLock { $0.contains { $0.target == path } }
      }
      return try #require(held.withLock { $0.last { $0.target == path }?.exchange })
    }
  }

  @Test func `pipelined requests are answered in order, one at a time`() async throws {
    let echo = Echo()
    let connection = try await TestConnection(echo)
    try await connection.send(
      "GET /held HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\nGET /c HTTP/1.1\r\nHost: x\r\n\r\n"
    )
    let first = try await echo.exchange(at: "/held")
    #expect(try await connection.unread() == "")
    first.respond(.text(.ok, "a"))
    #expect(try await connection.response().body == "a")
    #expect(try await connection.response().body == "GET /b ")
    #expect(try await connection.response().body == "GET /c ")
  }

  @Test func `reading pauses while too many requests wait`() async throws {
    var limits = HTTPLimits()
    limits.waitingRequests = 2
    let echo = Echo()
    let connection = try await TestConnection(echo, limits: limits)
    let request = "GET /x HTTP/1.1\r\nHost: x\r\n\r\n"
    try await connection.send("GET /held HTTP/1.1\r\nHost: x\r\n\r\n" + request + request + request)
    let counter = ReadCounter()
    let channel = connection.channel
    try await channel.testingEventLoop.executeInContext {
      try channel.pipeline.syncOperations.addHandler(counter, position: .first)
      channel.read()
    }
    #expect(counter.reads.withLock { $0 } == 0)
    try await echo.exchange(at: "/held").respond(.text(.ok, "a"))
    for _ in 0..<4 { _ = try await connection.response() }
    #expect(counter.reads.withLock { $0 } == 1)
  }

  private final class ReadCounter: ChannelOutboundHandler, Sendable {
    typealias OutboundIn = ByteBuffer
    let reads = Mutex(0)

    func read(context: ChannelHandlerContext) {
      reads.withLock { $0 += 1 }
      context.read()
    }
  }

  @Test func `a client that waits for 100-continue gets it, and a finished body is answered`() async throws {
    let connection = try await TestConnection(Echo())
    try await connection.send("PUT /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
    #expect(try await connection.head().statusLine == "HTTP/1.1 100 Continue")
    try await connection.send("hello")
    #expect(try await connection.response().body == "PUT /a hello")
  }

  @Test func `100-continue waits for the answer before it`() async throws {
    let echo = Echo()
    let connection = try await TestConnection(echo)
    try await connection.send("GET /held HTTP/1.1\r\nHost: x\r\n\r\n")
    try await connection.send("PUT /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n")
    let first = try await echo.exchange(at: "/held")
    #expect(try await connection.unread() == "")
    first.respond(.text(.ok, "first"))
    #expect(try await connection.response().body == "first")
    #expect(try await connection.head().statusLine == "HTTP/1.1 100 Continue")
  }

  @Test func `chunked request bodies are put together`() async throws {
    let connection = try await TestConnection(Echo())
    try await connection.send(
      "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    )
    #expect(try await connection.response().body == "POST /a abcde")
  }

  @Test func `HTTP 1.1 without Host is refused and the connection closed`() async throws {
    let connection = try await TestConnection(Echo())
    try await connection.send("GET /a HTTP/1.1\r\n\r\n")
    let answer = try await connection.response()
    #expect(answer.statusLine == "HTTP/1.1 400 Bad Request")
    #expect(answer.body == "400 Bad Request: missing required Host header")
    #expect(answer["connection"] == "close")
    try await connection.closed()
  }

  @Test func `HTTP 1.0 is answered in kind and closed, unless it asks to be kept`() async throws {
    let plain = try await TestConnection(Echo())
    try await plain.send("GET /a HTTP/1.0\r\n\r\n")
    let answer = try await plain.response()
    #expect(answer.statusLine == "HTTP/1.0 200 OK")
    #expect(answer.body == "GET /a ")
    try await plain.closed()

    let kept = try await TestConnection(Echo())
    for _ in 0..<2 {
      try await kept.send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
      #expect(try await kept.response()["connection"] == "keep-alive")
    }
  }

  @Test func `a stream to HTTP 1.0 is not chunked and ends with the connection`() async throws {
    let echo = Echo()
    let connection = try await TestConnection(echo)
    try await connection.send("GET /held HTTP/1.0\r\n\r\n")
    let exchange = try await echo.exchange(at: "/held")
    exchange.begin(.ok, headers: [:])
    exchange.send(ByteBuffer(string: "one\n"))
    exchange.end(with: ByteBuffer(string: "two\n"))
    let head = try await connection.head()
    #expect(head["transfer-encoding"] == nil && head["content-length"] == nil)
    try await connection.closed()
    #expect(try await connection.unread() == "one\ntwo\n")
  }

  @Test func `HEAD has the headers of GET and no body`() async throws {
    let connection = try await TestConnection(Echo())
    let head = try await connection.ask("HEAD", "/a")
    #expect(head["content-length"] == "8")
    #expect(try await connection.ask("GET", "/b").body == "GET /b ")
  }

  @Test(arguments: ["BOGUS\r\n\r\n", "GET /a%zz HTTP/1.1\r\nHost: x\r\n\r\n", "GET /a HTTP/1.1\r\nbad header\r\n\r\n"])
  func `what is no request is 400 and the connection is closed`(text: String) async throws {
    let connection = try await TestConnection(Echo())
    try await connection.send(text)
    let answer = try await connection.response()
    #expect(answer.status == 400)
    #expect(answer.body == "400 Bad Request")
    try await connection.closed()
  }

  @Test func `headers above the limit are 431`() async throws {
    var limits = HTTPLimits()
    limits.headerBytes = 10_000
    let connection = try await TestConnection(Echo(), limits: limits)
    try await connection.send("GET /a HTTP/1.1\r\nHost: x\r\nX: \(String(repeating: "x", count: 20_000))\r\n\r\n")
    #expect(try await connection.response().status == 431)
    try await connection.closed()
  }

  @Test func `a request line of 8 KiB is taken`() async throws {
    let connection = try await TestConnection(Echo())
    let path = "/" + String(repeating: "k", count: 8 * 1024)
    #expect(try await connection.ask("GET", path).body == "GET \(path) ")
  }

  @Test func `a body above the limit is told to the route and ends the connection`() async throws {
    var limits = HTTPLimits()
    limits.bodyBytes = 10
    let connection = try await TestConnection(Echo(), limits: limits)
    try await connection.send(
      "PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n" + String(repeating: "y", count: 11)
    )
    let answer = try await connection.response()
    #expect(answer.body == "too large")
    #expect(answer["connection"] == "close")
    try await connection.closed()
  }

  @Test func `a client that leaves ends its exchange`() async throws {
    let echo = Echo()
    let connection = try await TestConnection(echo)
    try await connection.send("GET /held HTTP/1.1\r\nHost: x\r\n\r\n")
    let exchange = try await echo.exchange(at: "/held")
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
      exchange.whenOver { continuation.resume() }
      connection.channel.close(promise: nil)
    }
    // Too late: nothing to write to, and nothing breaks.
    exchange.respond(.text(.ok, "late"))
  }

  @Test func `a client that closes its side still gets its answer, but ends an open-ended stream`() async throws {
    let echo = Echo()
    let answered = try await TestConnection(echo)
    try await answered.send("GET /held HTTP/1.1\r\nHost: x\r\n\r\n")
    let first = try await echo.exchange(at: "/held")
    answered.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
    first.respond(.text(.ok, "still here"))
    let answer = try await answered.response()
    #expect(answer.body == "still here")
    #expect(answer["connection"] == "close")

    let streaming = try await TestConnection(echo)
    try await streaming.send("GET /held/2 HTTP/1.1\r\nHost: x\r\n\r\n")
    let second = try await echo.exchange(at: "/held/2")
    second.begin(.ok, headers: [:], isOpenEnded: true)
    _ = try await streaming.head()
    streaming.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
    try await streaming.closed()
  }

  @Test func `draining closes idle connections and lets an answer finish`() async throws {
    let echo = Echo()
    let idle = try await TestConnection(echo)
    idle.channel.pipeline.fireUserInboundEventTriggered(ServerDraining())
    try await idle.closed()

    let busy = try await TestConnection(echo)
    try await busy.send("GET /held HTTP/1.1\r\nHost: x\r\n\r\n")
    let exchange = try await echo.exchange(at: "/held")
    busy.channel.pipeline.fireUserInboundEventTriggered(ServerDraining())
    exchange.respond(.text(.ok, "last"))
    #expect(try await busy.response()["connection"] == "close")
    try await busy.closed()
  }

  @Test func `line breaks in a header's value cannot start another header`() async throws {
    let echo = Echo()
    let connection = try await TestConnection(echo)
    try await connection.send("GET /held HTTP/1.1\r\nHost: x\r\n\r\n")
    try await echo.exchange(at: "/held").respond(HTTPResponse(.ok, headers: ["X-Name": "a\r\nX-Evil: 1"]))
    let answer = try await connection.response()
    #expect(answer["x-evil"] == nil)
    #expect(answer["x-name"] == "a  X-Evil: 1")
  }

  @Test func `the date is that of RFC 9110`() {
    #expect(HTTPDate.format(secondsSinceEpoch: 784_111_777) == "Sun, 06 Nov 1994 08:49:37 GMT")
  }
}
