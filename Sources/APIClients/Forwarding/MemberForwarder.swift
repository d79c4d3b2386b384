// SPDX-License-Identifier: Apache-2.0
import AsyncHTTPClient
import EtcdWire
public import Logging
public import NIOCore
public import NIOHTTP1
import Synchronization

/// Sends a worker's store requests to the members.
///
/// It has the shape of the server's port `RequestForwarder`. Source: etcd v2.3.8 `proxy/`; specs/etcd-v2.md §18.
///
/// Differs: a request that may have been carried out is only sent to a second member when it is a read.
public final class MemberForwarder: Sendable {
  /// The times of a worker.
  public struct Times: Sendable {
    /// How long a member that could not be reached is left out.
    public var failureWait = TimeAmount.seconds(5)
    /// How often the list of members is read anew.
    public var refreshInterval = Duration.seconds(30)
    /// The same while no member could tell it.
    public var emptyRefreshInterval = Duration.seconds(1)
    /// How long the head of an answer may take; watches wait for ever.
    public var headTimeout = TimeAmount.seconds(10)

    /// Makes the original's times.
    public init() {}
  }

  private struct Member {
    let endpoint: Endpoint
    var failedUntil = NIODeadline.uptimeNanoseconds(0)
  }

  private let transport: HTTPTransport
  private let peerTransport: HTTPTransport
  private let times: Times
  private let logger: Logger
  private let refreshed: @Sendable (MemberList) async -> Void
  private let seeds: [Endpoint]
  private let members: Mutex<[Member]>
  private let peers: Mutex<[Endpoint]>
  private let isComplete = Mutex(false)
  private let wakeUps = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingOldest(1))

  /// Makes a forwarder.
  ///
  /// - Parameters:
  ///   - members: Client URLs known so far; they are also asked for the list of members.
  ///   - peers: Peer URLs, asked for the list when no client URL answers.
  ///   - transport: The connections, which outlive the forwarder.
  ///   - peerTransport: The connections to peer URLs; nil for the same.
  ///   - times: How long to wait for what.
  ///   - logger: Told of members that cannot be reached.
  ///   - refreshed: Told the list each time it has been read.
  public init(
    members: [Endpoint],
    peers: [Endpoint] = [],
    transport: HTTPTransport,
    peerTransport: HTTPTransport? = nil,
    times: Times = Times(),
    logger: Logger,
    refreshed: @escaping @Sendable (MemberList) async -> Void = { _ in }
  ) {
    self.transport = transport
    self.peerTransport = peerTransport ?? transport
    self.times = times
    self.logger = logger
    self.refreshed = refreshed
    seeds = members
    self.members = Mutex(members.shuffled().map { Member(endpoint: $0) })
    self.peers = Mutex(peers)
  }

  /// The members' client URLs, in the order they are tried.
  public var endpoints: [String] {
    members.withLock { $0.map(\.endpoint.url) }
  }

  /// Those of ``endpoints`` that have not failed within the last `failureWait`.
  public var availableEndpoints: [String] { available.map(\.url).sorted() }

  private var available: [Endpoint] {
    let now = NIODeadline.now()
    return members.withLock { $0.filter { $0.failedUntil <= now }.map(\.endpoint) }
  }

  /// Whether every member of the last list has told a client URL.
  public var hasHeardOfAll: Bool { isComplete.withLock { $0 } }

  /// Keeps the list of members up to date until the task is cancelled.
  public func run() async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask {
        while !Task.isCancelled {
          let isKnown = await self.refresh()
          try? await Task.sleep(for: isKnown ? self.times.refreshInterval : self.times.emptyRefreshInterval)
        }
      }
      group.addTask { for await _ in self.wakeUps.stream { await self.refresh() } }
    }
  }

  /// Lets ``run()`` read the list of members now.
  public func refreshSoon() {
    wakeUps.continuation.yield()
  }

  /// Reads the list of members from one of them; leaves it as it is when none answers.
  ///
  /// - Returns: Whether there was an answer that names a client URL.
  @discardableResult
  public func refresh() async -> Bool {
    guard let list = await read() else { return false }
    let peerURLs = list.members.flatMap(\.peerURLs).compactMap { try? Endpoint($0) }
    if !peerURLs.isEmpty { peers.withLock { $0 = peerURLs } }
    let endpoints = list.members.flatMap(\.clientURLs).compactMap { try? Endpoint($0) }
    if !endpoints.isEmpty {
      members.withLock { members in
        let failed = members
        if Set(members.map(\.endpoint)) == Set(endpoints) { return }
        members = endpoints.shuffled().map { endpoint in
          failed.first { $0.endpoint == endpoint } ?? Member(endpoint: endpoint)
        }
      }
    }
    isComplete.withLock { $0 = list.members.allSatisfy { !$0.clientURLs.isEmpty } }
    await refreshed(list)
    return !endpoints.isEmpty
  }

  private func read() async -> MemberList? {
    let known = members.withLock { $0.map(\.endpoint) }
    let clients = known + seeds.filter { !known.contains($0) }
    if !clients.isEmpty {
      let client = EtcdClient(endpoints: clients, transport: transport, requestTimeout: .seconds(2))
      if let list = try? await client.memberList() { return list }
    }
    let peers = peers.withLock { $0 }
    guard !peers.isEmpty else { return nil }
    let client = EtcdClient(endpoints: peers, transport: peerTransport, requestTimeout: .seconds(2))
    return try? await client.memberListFromPeers()
  }

  /// Sends a request on and hands over the answer as it comes; answers 503 or 502 itself when no member can be had.
  ///
  /// - Parameters:
  ///   - head: The request's head, in origin form.
  ///   - body: Its whole body.
  ///   - refused: Told before the answer when no member gives it.
  ///   - answer: Takes one head, body parts and one end.
  /// - Throws: When the answer broke off, or `answer` did.
  public func forward(
    _ head: HTTPRequestHead,
    body: ByteBuffer,
    refused: @escaping @Sendable (HTTPResponseStatus) -> Void = { _ in },
    answer: @escaping @Sendable (HTTPClientResponsePart) async throws -> Void
  ) async throws {
    let available = available
    guard !available.isEmpty else {
      refused(.serviceUnavailable)
      return try await refuse(.serviceUnavailable, "proxy: zero endpoints currently available", answer)
    }
    let request = request(head, body)
    for endpoint in available {
      let response: HTTPClientResponse
      do throws(AttemptFailure) {
        response = try await transport.open(request, at: endpoint)
      } catch {
        try Task.checkCancellation()
        markFailed(endpoint, error)
        if error.mayHaveBeenSent && !request.isRepeatable { break }
        continue
      }
      return try await pass(response, to: answer)
    }
    let message = "proxy: unable to get response from \(available.count) endpoint(s)"
    refused(.badGateway)
    try await refuse(.badGateway, message, answer)
  }

  private func pass(
    _ response: HTTPClientResponse,
    to answer: (HTTPClientResponsePart) async throws -> Void
  ) async throws {
    let headers = response.headers.withoutHopByHopFields
    try await answer(.head(HTTPResponseHead(version: .http1_1, status: response.status, headers: headers)))
    for try await part in response.body { try await answer(.body(part)) }
    try await answer(.end(nil))
  }

  private func refuse(
    _ status: HTTPResponseStatus,
    _ message: String,
    _ answer: (HTTPClientResponsePart) async throws -> Void
  ) async throws {
    let body = ByteBuffer(bytes: JSONValue.fields(["message": .string(message)]).serialized())
    let headers: HTTPHeaders = ["Content-Type": "application/json", "Content-Length": "\(body.readableBytes)"]
    try await answer(.head(HTTPResponseHead(version: .http1_1, status: status, headers: headers)))
    try await answer(.body(body))
    try await answer(.end(nil))
  }

  /// A year: the library wants a deadline.
  private static let endless = TimeAmount.hours(24 * 365)

  private func markFailed(_ endpoint: Endpoint, _ failure: AttemptFailure) {
    logger.debug(
      "Member cannot be reached",
      metadata: ["proxy.endpoint": "\(endpoint)", "error": "\(failure.message)"]
    )
    members.withLock { members in
      guard let place = members.firstIndex(where: { $0.endpoint == endpoint }) else { return }
      members[place].failedUntil = .now() + times.failureWait
    }
  }

  private func request(_ head: HTTPRequestHead, _ body: ByteBuffer) -> OutgoingRequest {
    var request = OutgoingRequest(method: head.method, target: head.uri)
    request.headers = head.headers.withoutHopByHopFields
    for name in ["content-length", "expect"] { request.headers.remove(name: name) }
    if body.readableBytes > 0 { request.body = body }
    request.isRepeatable = head.method == .GET || head.method == .HEAD
    let query = head.uri.drop { $0 != "?" }.dropFirst()
    let isWatch = query.split(separator: "&").contains { $0.hasPrefix("wait=") }
    request.headTimeout = isWatch ? Self.endless : times.headTimeout + Self.patience(of: body)
    return request
  }

  /// How much longer a member may take that was told it may: for no longer form than a refresh has.
  private static func patience(of body: ByteBuffer) -> TimeAmount {
    guard (1...1_024).contains(body.readableBytes) else { return .zero }
    return TimeAmount(KeysPatience.asked(inForm: Substring(String(buffer: body))))
  }
}

extension HTTPHeaders {
  /// The fields that concern more than one connection (RFC 9110, section 7.6.1).
  fileprivate var withoutHopByHopFields: HTTPHeaders {
    var headers = self
    let named = self[canonicalForm: "connection"].map(String.init)
    let always = [
      "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
      "transfer-encoding", "upgrade",
    ]
    for name in named + always { headers.remove(name: name) }
    return headers
  }
}
