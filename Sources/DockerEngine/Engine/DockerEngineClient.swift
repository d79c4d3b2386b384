// SPDX-License-Identifier: Apache-2.0
public import Logging
public import NIOCore
import NIOHTTP1
import Synchronization

/// A client of one Docker Engine, at `unix:///PATH` or `http://HOST:PORT` (`tcp://` means `http://`).
///
/// Concurrency: safe to call from any task. Every call but the streams and ``wait(_:)`` is bounded in time and answer
/// size; a cancelled task ends its call with ``DockerEngineError/Code/cancelled``. The version of the API is negotiated
/// at the first call and again when the engine refuses it.
/// Invariant: ``shutdown()`` is called before the last reference goes.
public final class DockerEngineClient: Sendable {
  /// The engine's URL as given.
  public let url: String
  let logger: Logger

  private let connection: EngineConnection
  private let eventLoopGroup: (any EventLoopGroup)?
  private let negotiated = Mutex<APIVersion?>(nil)

  /// Makes a client; nothing is connected before the first call.
  ///
  /// - Throws: ``DockerEngineError/Code/badRequest`` when the URL is of no known kind.
  public init(
    url: String,
    eventLoopGroup: (any EventLoopGroup)? = nil,
    logger: Logger
  ) throws(DockerEngineError) {
    self.url = url
    self.logger = logger
    self.eventLoopGroup = eventLoopGroup
    connection = try EngineConnection(url: url, eventLoopGroup: eventLoopGroup)
  }

  /// Ends every connection; the client is of no use afterwards.
  public func shutdown() async {
    await connection.shutdown()
  }

  /// Asks the engine which version of the API it speaks, and agrees on one.
  ///
  /// - Throws: ``DockerEngineError``; `unreachable` when nothing answers, `refused` when no version fits.
  @discardableResult
  public func ping() async throws(DockerEngineError) -> APIVersion {
    let request = EngineRequest(
      method: .get,
      path: "/_ping",
      timeout: .seconds(10),
      purpose: "ask \(url) for its version"
    )
    let answer = try await connection.answer(to: request, prefix: "")
    guard (200..<300).contains(answer.status) else { throw answer.refusal(of: request) }
    // Engines before API 1.25 do not say.
    let version = answer.headers.first(name: "Api-Version").flatMap { APIVersion($0) } ?? .oldest
    guard let version = APIVersion.negotiated(engine: version) else {
      throw DockerEngineError(
        .refused,
        "the engine at \(url) speaks API \(version); \(APIVersion.oldest) or newer is needed"
      )
    }
    negotiated.withLock { $0 = version }
    return version
  }

  /// Whether the engine takes requests from somebody who has just come; one that is shutting down does not.
  ///
  /// - Throws: ``DockerEngineError``, `unreachable` or `timedOut` when it does not.
  public func checkReachable() async throws(DockerEngineError) {
    let own = try EngineConnection(url: url, eventLoopGroup: eventLoopGroup)
    let purpose = "reach the engine at \(url)"
    let request = EngineRequest(method: .get, path: "/_ping", timeout: .seconds(2), purpose: purpose)
    let result: Result<EngineAnswer, DockerEngineError>
    do {
      result = .success(try await own.answer(to: request, prefix: ""))
    } catch {
      result = .failure(error)
    }
    await own.shutdown()
    let answer = try result.get()
    // 503 and its like while it is coming up.
    guard answer.status < 500 else { throw DockerEngineError(.unreachable, answer.refusal(of: request).message) }
  }

  /// The agreed version.
  func version() async throws(DockerEngineError) -> APIVersion {
    if let version = negotiated.withLock({ $0 }) { return version }
    return try await ping()
  }

  /// Sends a request and reads its answer; statuses other than success are thrown.
  @discardableResult
  func perform(_ request: EngineRequest) async throws(DockerEngineError) -> EngineAnswer {
    let answer = try await answer(to: request)
    guard Self.isVersionRefused(answer) else { return try accepted(answer, request) }
    // The engine was replaced by one that speaks other versions since we agreed.
    negotiated.withLock { $0 = nil }
    return try accepted(try await self.answer(to: request), request)
  }

  /// Sends a request and reads its answer as JSON.
  func performForJSON(_ request: EngineRequest) async throws(DockerEngineError) -> JSONValue {
    let answer = try await perform(request)
    do throws(JSONError) {
      return try JSONValue(parsing: answer.body)
    } catch {
      throw DockerEngineError(.badAnswer, "\(request.purpose): the answer is no JSON: \(error)", cause: error)
    }
  }

  /// Sends a request and hands over its answer piece by piece, until the end or until `piece` returns false.
  func stream(
    _ request: EngineRequest,
    started: () async -> Void = {},
    piece: ([UInt8]) async throws -> Bool
  ) async throws(DockerEngineError) {
    let version = try await version()
    try await connection.stream(request, prefix: "/v\(version)", started: started, piece: piece)
  }

  /// Sends a request that turns its connection into a stream of bytes both ways, and hands it over.
  func upgraded<Value: Sendable>(
    _ request: EngineRequest,
    _ body: (inout UpgradedStream) async throws -> Value
  ) async throws(DockerEngineError) -> Value {
    try await connection.upgraded(request, prefix: "/v\(try await version())", body)
  }

  /// The same over a connection that is made for this request alone.
  func streamOnOwnConnection(
    _ request: EngineRequest,
    piece: ([UInt8]) async throws -> Bool
  ) async throws(DockerEngineError) {
    let version = try await version()
    let own = try EngineConnection(url: url, eventLoopGroup: eventLoopGroup)
    let result: Result<Void, DockerEngineError>
    do {
      result = .success(try await own.stream(request, prefix: "/v\(version)", started: {}, piece: piece))
    } catch {
      result = .failure(error)
    }
    await own.shutdown()
    try result.get()
  }

  private func answer(to request: EngineRequest) async throws(DockerEngineError) -> EngineAnswer {
    try await connection.answer(to: request, prefix: "/v\(try await version())")
  }

  private func accepted(_ answer: EngineAnswer, _ request: EngineRequest) throws(DockerEngineError) -> EngineAnswer {
    guard (200..<300).contains(answer.status) || request.acceptedStatuses.contains(answer.status) else {
      throw answer.refusal(of: request)
    }
    return answer
  }

  private static func isVersionRefused(_ answer: EngineAnswer) -> Bool {
    answer.status == 400 && String(decoding: answer.body.prefix(1_024), as: UTF8.self).contains("client version")
  }
}
