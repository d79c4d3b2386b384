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
/// harm. A server that keeps requests waiting is asked last by those that follow: one whose packets are lost on the way
/// looks alive for seconds, and a machine that asked nobody else meanwhile would count as lost. Requests that a server may
/// keep back say nothing about it while they wait.
final class EndpointPool: Sendable {
  let endpoints: [Endpoint]
  let transport: HTTPTransport
  private let credentials: String?
  private let trace: RequestTrace?
  private let choice: Mutex<Choice>

  /// How long a server may answer nothing, though it is asked, before others are asked first.
  static let patience = TimeAmount.milliseconds(400)

  private struct Choice {
    var preferred = 0
    var servers: [Server]
    /// Tasks that go elsewhere as soon as another server is preferred.
    var followers: [UInt64: (place: Int, continuation: CheckedContinuation<Void, Never>)] = [:]
    var lastFollower: UInt64 = 0
    /// Whether other servers have taken the place of these.
    var isOutdated = false

    struct Server {
      var waiting = 0
      /// Its last answer, or the request before which none waited.
      var silentSince = NIODeadline.uptimeNanoseconds(0)
    }

    /// The places of the servers in the order they are to be asked.
    func order(at now: NIODeadline) -> [Int] {
      let places = servers.indices.map { (preferred + $0) % servers.count }
      let isSilent = { (place: Int) -> Bool in
        let server = servers[place]
        return server.waiting > 0 && now - server.silentSince > EndpointPool.patience
      }
      return places.filter { !isSilent($0) } + places.filter(isSilent)
    }

    /// Prefers a server; returns who has to hear of it.
    mutating func prefer(_ place: Int) -> [CheckedContinuation<Void, Never>] {
      guard preferred != place else { return [] }
      preferred = place
      let leaving = followers.filter { $0.value.place != place }
      for id in leaving.keys { followers[id] = nil }
      return leaving.values.map(\.continuation)
    }

    mutating func begin(_ place: Int, at now: NIODeadline) {
      if servers[place].waiting == 0 { servers[place].silentSince = now }
      servers[place].waiting += 1
    }

    mutating func end(_ place: Int, at now: NIODeadline, isAnswered: Bool) {
      servers[place].waiting -= 1
      if isAnswered { servers[place].silentSince = now }
    }
  }

  init(
    _ endpoints: [Endpoint],
    transport: HTTPTransport,
    credentials: Credentials? = nil,
    trace: RequestTrace? = nil
  ) {
    precondition(!endpoints.isEmpty, "a client needs an endpoint")
    self.endpoints = endpoints
    choice = Mutex(Choice(servers: Array(repeating: Choice.Server(), count: endpoints.count)))
    self.transport = transport
    self.credentials = credentials?.headerValue
    self.trace = trace
  }

  /// Asks until an endpoint answers, and waits for the whole answer.
  ///
  /// - Returns: The first answer that is no server's failure; the last one when all are.
  func send(_ request: OutgoingRequest) async throws(APIClientError) -> IncomingAnswer {
    let (transport, endpoints) = (transport, endpoints)
    return try await attempt(request, status: \.status) { (request, place) async throws(AttemptFailure) in
      try await transport.send(request, to: endpoints[place])
    }
  }

  /// An answer whose body has not been read, and the place of the endpoint that gives it.
  struct OpenAnswer: Sendable {
    var response: HTTPClientResponse
    var place: Int
  }

  /// Asks until an endpoint answers, and waits for the head of its answer.
  func open(_ request: OutgoingRequest) async throws(APIClientError) -> OpenAnswer {
    let (transport, endpoints) = (transport, endpoints)
    return try await attempt(request, status: \.response.status) { (request, place) async throws(AttemptFailure) in
      OpenAnswer(response: try await transport.open(request, at: endpoints[place]), place: place)
    }
  }

  /// Whether other servers have taken the place of these.
  var isOutdated: Bool { choice.withLock(\.isOutdated) }

  /// Lets everybody leave who follows one of these servers.
  func becomeOutdated() {
    let followers = choice.withLock { choice in
      choice.isOutdated = true
      defer { choice.followers = [:] }
      return choice.followers.values.map(\.continuation)
    }
    for follower in followers { follower.resume() }
  }

  /// Waits until other requests prefer another endpoint than one, or the pool is outdated, or the task is cancelled.
  func waitUntilLeft(_ place: Int) async {
    let id = choice.withLock { choice in
      choice.lastFollower += 1
      return choice.lastFollower
    }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isOver = choice.withLock { choice in
          if choice.preferred != place || choice.isOutdated || Task.isCancelled { return true }
          choice.followers[id] = (place, continuation)
          return false
        }
        if isOver { continuation.resume() }
      }
    } onCancel: {
      choice.withLock { $0.followers.removeValue(forKey: id) }?.continuation.resume()
    }
  }

  private func attempt<Answer: Sendable>(
    _ request: OutgoingRequest,
    status: (Answer) -> HTTPResponseStatus,
    _ ask: (OutgoingRequest, _ place: Int) async throws(AttemptFailure) -> Answer
  ) async throws(APIClientError) -> Answer {
    var request = request
    if let credentials { request.headers.replaceOrAdd(name: "Authorization", value: credentials) }
    let order = choice.withLock { $0.order(at: .now()) }
    var failures: [String] = []
    var lastAnswer: Answer?
    for (offset, place) in order.enumerated() {
      trace?(request.method.rawValue, endpoints[place].url + request.target, request.body.map { String(buffer: $0) })
      do throws(AttemptFailure) {
        if !request.isPatient { choice.withLock { $0.begin(place, at: .now()) } }
        let answer = try await ask(request, place)
        if !request.isPatient { choice.withLock { $0.end(place, at: .now(), isAnswered: true) } }
        let code = status(answer).code
        guard code >= 500, request.isRepeatable || code == 503, offset + 1 < endpoints.count else {
          // Who fails is not who others should follow.
          if code < 500, !request.isPatient {
            for follower in choice.withLock({ $0.prefer(place) }) { follower.resume() }
          }
          return answer
        }
        lastAnswer = answer
        failures.append("client: etcd member \(endpoints[place]) returns server error [\(status(answer).reasonPhrase)]")
      } catch {
        guard !Task.isCancelled else {
          // Nobody waits for it any more, which says nothing about the server.
          if !request.isPatient { choice.withLock { $0.end(place, at: .now(), isAnswered: false) } }
          throw APIClientError(.unavailable, error.message, cause: error.cause)
        }
        // Whoever asks next must not wait for it too.
        let leaving = choice.withLock { choice in
          if !request.isPatient { choice.end(place, at: .now(), isAnswered: false) }
          return choice.preferred == place ? choice.prefer((place + 1) % endpoints.count) : []
        }
        for follower in leaving { follower.resume() }
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
