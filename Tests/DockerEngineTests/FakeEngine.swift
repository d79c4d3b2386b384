// SPDX-License-Identifier: Apache-2.0
import Foundation
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

@testable import DockerEngine

/// What the fake engine answers to one request.
struct FakeAnswer: Sendable {
  enum Ending: Sendable {
    /// The answer is complete.
    case complete
    /// The connection breaks off in the middle.
    case broken
    /// Nothing more comes, and the connection stays.
    case open
    /// Not even a header comes.
    case silent
  }

  var status = 200
  var headers: [(String, String)] = []
  var chunks: [[UInt8]] = []
  var ending = Ending.complete

  static func json(_ text: String) -> FakeAnswer { json(200, text) }

  static func json(_ status: Int, _ text: String) -> FakeAnswer {
    FakeAnswer(status: status, headers: [("Content-Type", "application/json")], chunks: [Array(text.utf8)])
  }

  static func stream(_ chunks: [String], _ ending: Ending = .complete) -> FakeAnswer {
    FakeAnswer(chunks: chunks.map { Array($0.utf8) }, ending: ending)
  }
}

/// A request as the fake engine saw it.
struct FakeRequest: Sendable {
  var method: String
  var uri: String
  var host: String?
  var authorization: String?
  var body: String

  var path: String { String(uri.prefix { $0 != "?" }) }
  /// The version in the path; nil when there is none.
  var version: APIVersion? {
    uri.hasPrefix("/v") ? APIVersion(String(uri.dropFirst(2).prefix { $0 != "/" })) : nil
  }

  /// Method and path without the version, `GET /containers/x/json`.
  var call: String {
    var path = path
    if path.hasPrefix("/v1.") { path = String(path.dropFirst().drop { $0 != "/" }) }
    return "\(method) \(path)"
  }
}

/// An engine on a unix socket of its own that plays a script.
final class FakeEngine: Sendable {
  private struct Contents {
    var apiVersion: String? = "1.41"
    var minimum: String?
    var script: [String: [FakeAnswer]] = [:]
    var requests: [FakeRequest] = []
  }

  let path: String
  private let contents = Mutex(Contents())

  private init(path: String) { self.path = path }

  /// Runs a test against a fake engine.
  static func with(_ body: (FakeEngine, DockerEngineClient) async throws -> Void) async throws {
    let path = "/tmp/coracle-fake-\(getpid())-\(UInt32.random(in: 0..<(.max))).sock"
    let engine = FakeEngine(path: path)
    let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.configureHTTPServerPipeline()
          try channel.pipeline.syncOperations.addHandler(FakeEngineHandler(engine: engine))
        }
      }
      .bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true).get()
    let client = try DockerEngineClient(
      url: "unix://" + path,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    )
    let result: Result<Void, any Error>
    do {
      result = .success(try await body(engine, client))
    } catch {
      result = .failure(error)
    }
    await client.shutdown()
    try await server.close()
    unlink(path)
    try result.get()
  }

  /// What `/_ping` says; nil for an engine that says nothing.
  func speak(_ version: String?) { contents.withLock { $0.apiVersion = version } }

  /// The oldest version it takes; nil for any.
  var minimum: String? {
    get { contents.withLock { $0.minimum } }
    set { contents.withLock { $0.minimum = newValue } }
  }

  /// The answers to a call, one after the other; the last stays.
  func on(_ call: String, _ answers: FakeAnswer...) { contents.withLock { $0.script[call] = answers } }

  var requests: [FakeRequest] { contents.withLock { $0.requests } }
  var calls: [String] { requests.map(\.call).filter { $0 != "GET /_ping" } }

  func answer(_ request: FakeRequest) -> FakeAnswer {
    contents.withLock { contents in
      contents.requests.append(request)
      if request.path == "/_ping" {
        var answer = FakeAnswer.stream(["OK"])
        if let version = contents.apiVersion { answer.headers = [("Api-Version", version)] }
        return answer
      }
      if let minimum = contents.minimum.flatMap({ APIVersion($0) }), request.version.map({ $0 < minimum }) ?? true {
        return .json(
          400,
          #"{"message":"client version is too old. Minimum supported API version is \#(minimum)"}"#
        )
      }
      guard var answers = contents.script[request.call], let first = answers.first else {
        return .json(404, #"{"message":"No such thing: \#(request.call)"}"#)
      }
      if answers.count > 1 { answers.removeFirst() }
      contents.script[request.call] = answers
      return first
    }
  }
}

/// Speaks HTTP for the fake engine.
private final class FakeEngineHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private let engine: FakeEngine
  private var request = FakeRequest(method: "", uri: "", body: "")

  init(engine: FakeEngine) { self.engine = engine }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head):
      request = FakeRequest(
        method: head.method.rawValue,
        uri: head.uri,
        host: head.headers.first(name: "Host"),
        authorization: head.headers.first(name: "X-Registry-Auth"),
        body: ""
      )
    case .body(let buffer): request.body += String(buffer: buffer)
    case .end: send(engine.answer(request), context: context)
    }
  }

  private func send(_ answer: FakeAnswer, context: ChannelHandlerContext) {
    if answer.ending == .silent { return }
    var head = HTTPResponseHead(version: .http1_1, status: HTTPResponseStatus(statusCode: answer.status))
    for (name, value) in answer.headers { head.headers.add(name: name, value: value) }
    if answer.status != 204, answer.status != 304 { head.headers.add(name: "Transfer-Encoding", value: "chunked") }
    context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
    for chunk in answer.chunks {
      context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: chunk)))), promise: nil)
    }
    switch answer.ending {
    case .complete: context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    case .broken: context.close(promise: nil)
    case .open, .silent: break
    }
  }
}
