// SPDX-License-Identifier: Apache-2.0
import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOPosix

/// HTTP to one engine: bounded answers, streams, and every failure as a ``DockerEngineError``.
struct EngineConnection: Sendable {
  /// The largest answer that is read whole.
  static let answerLimitBytes = 16 * 1024 * 1024
  /// How many requests, streams among them, may be under way at once; more wait for their turn.
  static let concurrentRequestLimit = 4_096

  private let client: HTTPClient
  private let baseURL: String
  let host: String
  let address: EngineAddress
  let eventLoopGroup: any EventLoopGroup

  init(url: String, eventLoopGroup: (any EventLoopGroup)?) throws(DockerEngineError) {
    address = try EngineAddress(url: url)
    switch address {
    case .unix(let path): baseURL = "http+unix://" + EngineRequest.percentEncoded(path)
    case .tcp: baseURL = "http://" + address.host
    }
    host = address.host
    var configuration = HTTPClient.Configuration()
    configuration.httpVersion = .http1Only
    configuration.timeout.connect = .seconds(5)
    configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = Self.concurrentRequestLimit
    configuration.connectionPool.retryConnectionEstablishment = false
    self.eventLoopGroup = eventLoopGroup ?? MultiThreadedEventLoopGroup.singleton
    client = HTTPClient(
      eventLoopGroupProvider: .shared(self.eventLoopGroup),
      configuration: configuration
    )
  }

  func shutdown() async {
    try? await client.shutdown()
  }

  /// Sends a request and reads its whole answer, within the request's timeout.
  func answer(to request: EngineRequest, prefix: String) async throws(DockerEngineError) -> EngineAnswer {
    do {
      return try await withTimeout(request.timeout) {
        let response = try await send(request, prefix: prefix)
        let body = try await response.body.collect(upTo: Self.answerLimitBytes)
        return EngineAnswer(
          status: response.status.code,
          headers: response.headers,
          body: Array(body.readableBytesView)
        )
      }
    } catch {
      throw Self.failure(error, request)
    }
  }

  /// Sends a request and hands over the pieces of its answer as they come, until `piece` returns false; a refusal is
  /// thrown before the first.
  func stream(
    _ request: EngineRequest,
    prefix: String,
    started: () async -> Void,
    piece: ([UInt8]) async throws -> Bool
  ) async throws(DockerEngineError) {
    do {
      let response = try await send(request, prefix: prefix)
      guard (200..<300).contains(response.status.code) else {
        let body = try await response.body.collect(upTo: Self.answerLimitBytes)
        let answer = EngineAnswer(
          status: response.status.code,
          headers: response.headers,
          body: Array(body.readableBytesView)
        )
        throw answer.refusal(of: request)
      }
      await started()
      for try await buffer in response.body {
        guard try await piece(Array(buffer.readableBytesView)) else { return }
      }
    } catch {
      throw Self.failure(error, request)
    }
  }

  private func send(_ request: EngineRequest, prefix: String) async throws -> HTTPClientResponse {
    var message = HTTPClientRequest(url: baseURL + prefix + request.target)
    message.method = HTTPMethod(rawValue: request.method.rawValue)
    message.headers.add(name: "Host", value: host)
    message.headers.add(name: "User-Agent", value: "coracle")
    for header in request.headers { message.headers.add(name: header.name, value: header.value) }
    if let upload = request.upload {
      message.headers.add(name: "Content-Type", value: "application/x-tar")
      message.body = .stream(upload, length: .unknown)
    } else if let body = request.body {
      message.headers.add(name: "Content-Type", value: "application/json")
      message.body = .bytes(ByteBuffer(string: body.compactText))
    } else if request.method == .post {
      message.body = .bytes(ByteBuffer())
    }
    // The client's own timeout ends with the head of the answer: `withTimeout` bounds the rest, and a stream has none.
    return try await client.execute(message, deadline: .distantFuture)
  }

  static func failure(_ error: any Error, _ request: EngineRequest) -> DockerEngineError {
    func failure(_ code: DockerEngineError.Code, _ reason: String) -> DockerEngineError {
      DockerEngineError(code, "\(request.purpose): \(reason)", cause: error)
    }
    if let error = error as? DockerEngineError { return error }
    if error is CancellationError || Task.isCancelled { return failure(.cancelled, "cancelled") }
    if error is TimeoutExpired { return failure(.timedOut, "the engine did not answer in time") }
    if error is NIOTooManyBytesError { return failure(.badAnswer, "the answer exceeds \(answerLimitBytes) bytes") }
    switch error as? HTTPClientError {
    case .some(.cancelled): return failure(.cancelled, "cancelled")
    case .some(.connectTimeout), .some(.deadlineExceeded), .some(.readTimeout):
      return failure(.timedOut, "the engine did not answer in time")
    default: return failure(.unreachable, "the engine cannot be reached (\(error))")
    }
  }
}

extension EngineAnswer {
  /// The error that a status other than success stands for, with the engine's own words.
  func refusal(of request: EngineRequest) -> DockerEngineError {
    let said = (try? JSONValue(parsing: body))?["message"]?.string
    let text = (said ?? String(decoding: body.prefix(1_024), as: UTF8.self)).trimmingTrailingWhitespace()
    let reason = text.isEmpty ? "the engine answered with status \(status)" : text
    let code: DockerEngineError.Code =
      switch status {
      case 404: .notFound
      case 409: .conflict
      case 400..<500: .refused
      case 500...: .engineFailure
      default: .badAnswer
      }
    return DockerEngineError(code, "\(request.purpose): \(reason)")
  }
}

extension String {
  func trimmingTrailingWhitespace() -> String {
    var text = self[...]
    while text.last?.isWhitespace == true { text = text.dropLast() }
    return String(text)
  }
}
