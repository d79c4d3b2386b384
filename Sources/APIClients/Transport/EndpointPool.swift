// SPDX-License-Identifier: Apache-2.0
import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import Synchronization

/// Hears of each request before it is sent: its method, its whole address, its body as text.
public typealias RequestTrace = @Sendable (_ method: String, _ url: String, _ body: String?) -> Void

/// Servers that can stand in for each other, the one that answered last first.
///
/// A request goes to the next endpoint when it cannot have been carried out, or when carrying it out twice does no
/// harm.
final class EndpointPool: Sendable {
  let endpoints: [Endpoint]
  let transport: HTTPTransport
  private let credentials: String?
  private let trace: RequestTrace?
  private let preferred = Mutex(0)

  init(
    _ endpoints: [Endpoint],
    transport: HTTPTransport,
    credentials: Credentials? = nil,
    trace: RequestTrace? = nil
  ) {
    precondition(!endpoints.isEmpty, "a client needs an endpoint")
    self.endpoints = endpoints
    self.transport = transport
    self.credentials = credentials?.headerValue
    self.trace = trace
  }

  /// Asks until an endpoint answers, and waits for the whole answer.
  ///
  /// - Returns: The first answer that is no server's failure; the last one when all are.
  func send(_ request: OutgoingRequest) async throws(APIClientError) -> IncomingAnswer {
    let transport = transport
    return try await attempt(request, status: \.status) { (request, endpoint) async throws(AttemptFailure) in
      try await transport.send(request, to: endpoint)
    }
  }

  /// Asks until an endpoint answers, and waits for the head of its answer.
  func open(_ request: OutgoingRequest) async throws(APIClientError) -> HTTPClientResponse {
    let transport = transport
    return try await attempt(request, status: \.status) { (request, endpoint) async throws(AttemptFailure) in
      try await transport.open(request, at: endpoint)
    }
  }

  private func attempt<Answer: Sendable>(
    _ request: OutgoingRequest,
    status: (Answer) -> HTTPResponseStatus,
    _ ask: (OutgoingRequest, Endpoint) async throws(AttemptFailure) -> Answer
  ) async throws(APIClientError) -> Answer {
    var request = request
    if let credentials { request.headers.replaceOrAdd(name: "Authorization", value: credentials) }
    let first = preferred.withLock { $0 }
    var failures: [String] = []
    var lastAnswer: Answer?
    for offset in endpoints.indices {
      let place = (first + offset) % endpoints.count
      trace?(request.method.rawValue, endpoints[place].url + request.target, request.body.map { String(buffer: $0) })
      do throws(AttemptFailure) {
        let answer = try await ask(request, endpoints[place])
        let code = status(answer).code
        guard code >= 500, request.isRepeatable || code == 503, offset + 1 < endpoints.count else {
          preferred.withLock { $0 = place }
          return answer
        }
        lastAnswer = answer
        failures.append("client: etcd member \(endpoints[place]) returns server error [\(status(answer).reasonPhrase)]")
      } catch {
        guard !error.mayHaveBeenSent || request.isRepeatable else {
          throw APIClientError(.outcomeUnknown, error.message, cause: error.cause)
        }
        failures.append(error.message)
      }
    }
    if let lastAnswer { return lastAnswer }
    let list = failures.enumerated().map { "error #\($0.offset): \($0.element)" }
    let message = (["client: etcd cluster is unavailable or misconfigured"] + list).joined(separator: "\n")
    throw APIClientError(.unavailable, message, failures: failures)
  }
}

/// Who asks, for servers with users.
public struct Credentials: Sendable, Equatable {
  /// The user's name.
  public var username: String
  /// The user's password.
  public var password: String

  /// Makes credentials.
  public init(username: String, password: String) {
    self.username = username
    self.password = password
  }

  var headerValue: String {
    HTTPClient.Authorization.basic(username: username, password: password).headerValue
  }
}
