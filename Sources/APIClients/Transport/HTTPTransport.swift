// SPDX-License-Identifier: Apache-2.0
import AsyncHTTPClient
import Glibc
public import NIOCore
import NIOHTTP1
import NIOPosix
public import TransportSecurity

/// The connections of all clients of a process.
public final class HTTPTransport: Sendable {
  let client: HTTPClient
  let group: any EventLoopGroup
  private let security: ClientSecurity?
  private let proxy: TransportProxy?

  /// Makes a transport that keeps idle connections for a minute.
  ///
  /// - Parameters:
  ///   - group: The event loops, which outlive the transport.
  ///   - security: Whom https connections trust, and the certificate they show; nil trusts the system's
  ///     authorities and shows none.
  ///   - connectTimeout: How long connecting may take before the next endpoint is tried.
  ///   - readTimeout: How long a server may send nothing; nil for ever, as watches need it.
  ///   - writeTimeout: How long a server may take nothing of a request; nil for ever.
  ///   - proxy: An HTTP proxy that is asked to connect to every server.
  public init(
    group: any EventLoopGroup,
    security: ClientSecurity? = nil,
    connectTimeout: TimeAmount = .seconds(1),
    readTimeout: TimeAmount? = nil,
    writeTimeout: TimeAmount? = nil,
    proxy: TransportProxy? = nil
  ) {
    self.group = group
    self.security = security
    self.proxy = proxy
    var configuration = HTTPClient.Configuration()
    configuration.redirectConfiguration = .follow(max: 5, allowCycles: false)
    configuration.timeout = .init(connect: connectTimeout, read: readTimeout)
    configuration.timeout.write = writeTimeout
    if let proxy {
      configuration.proxy = .server(
        host: proxy.host,
        port: proxy.port,
        authorization: proxy.token.map { .bearer(tokens: $0) }
      )
    }
    configuration.httpVersion = .http1Only
    configuration.decompression = .disabled
    configuration.tlsConfiguration = ClientSecurity.ofTheSystem
    // Every watch holds a connection of its own; eight, the default, would be used up by one agent.
    configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 1024
    // The endpoints are tried in turn here, so a dead one must be told at once.
    configuration.connectionPool.retryConnectionEstablishment = false
    configuration.http1_1ConnectionDebugInitializer = { Self.noticeDeadPeers(on: $0) }
    client = HTTPClient(eventLoopGroup: group, configuration: configuration)
  }

  /// Closes all connections; requests that are under way fail.
  public func shutdown() async {
    try? await client.shutdown()
  }

  /// A watch may be silent for hours, so only the kernel can tell that its server has lost power.
  ///
  /// Four seconds: a worker that watches a lost member misses what is placed on it meanwhile.
  private static func noticeDeadPeers(on channel: any Channel) -> EventLoopFuture<Void> {
    guard channel.remoteAddress?.ipAddress != nil else { return channel.eventLoop.makeSucceededVoidFuture() }
    func set(_ name: CInt, _ value: ChannelOptions.Types.SocketOption.Value) -> EventLoopFuture<Void> {
      channel.setOption(ChannelOptions.Types.SocketOption(level: .tcp, name: .init(rawValue: name)), value: value)
    }
    return EventLoopFuture.andAllSucceed(
      [
        channel.setOption(.socketOption(.so_keepalive), value: 1),
        set(TCP_KEEPIDLE, 2), set(TCP_KEEPINTVL, 1), set(TCP_KEEPCNT, 2), set(TCP_USER_TIMEOUT, 4_000),
      ],
      on: channel.eventLoop
    )
  }

  /// Asks one endpoint and waits for the head of its answer.
  func open(_ request: OutgoingRequest, at endpoint: Endpoint) async throws(AttemptFailure) -> HTTPClientResponse {
    var outgoing = HTTPClientRequest(url: endpoint.base + request.target)
    outgoing.method = request.method
    outgoing.headers = request.headers
    if let host = endpoint.hostHeader, !outgoing.headers.contains(name: "host") {
      outgoing.headers.add(name: "Host", value: host)
    }
    if let body = request.body { outgoing.body = .bytes(body) }
    if endpoint.isSecure { outgoing.tlsConfiguration = await security?.configuration() }
    do {
      return try await client.execute(outgoing, deadline: .now() + request.headTimeout)
    } catch {
      throw AttemptFailure(error, endpoint: endpoint, security: security, proxy: proxy)
    }
  }

  /// Asks one endpoint and waits for its whole answer.
  func send(_ request: OutgoingRequest, to endpoint: Endpoint) async throws(AttemptFailure) -> IncomingAnswer {
    do {
      return try await withThrowingTaskGroup(of: IncomingAnswer.self) { group in
        group.addTask {
          let response = try await self.open(request, at: endpoint)
          let body = try await response.body.collect(upTo: OutgoingRequest.maximumAnswerBytes)
          return IncomingAnswer(endpoint: endpoint, status: response.status, headers: response.headers, body: body)
        }
        group.addTask {
          // The library's deadline covers the head alone; a body could come for ever.
          try await Task.sleep(for: .nanoseconds(request.headTimeout.nanoseconds * 2))
          throw HTTPClientError.deadlineExceeded
        }
        defer { group.cancelAll() }
        guard let answer = try await group.next() else { throw HTTPClientError.cancelled }
        return answer
      }
    } catch let failure as AttemptFailure {
      throw failure
    } catch {
      throw AttemptFailure(error, endpoint: endpoint, security: security, proxy: proxy)
    }
  }
}

/// A request as clients describe it, for any endpoint.
struct OutgoingRequest: Sendable {
  /// Whether the server may keep it back for a while, by its own words.
  var isPatient = false
  /// Largest answer that is kept in memory: a listing of the whole store may be long.
  static let maximumAnswerBytes = 256 * 1024 * 1024

  var method: HTTPMethod = .GET
  /// Path and query, encoded.
  var target: String
  var headers: HTTPHeaders = [:]
  var body: ByteBuffer?
  /// How long the head of the answer may take; the whole may take twice as long, if it is waited for.
  var headTimeout: TimeAmount = .seconds(10)
  /// Whether carrying it out twice does no harm.
  var isRepeatable = false
}

/// A whole answer.
struct IncomingAnswer: Sendable {
  var endpoint: Endpoint
  var status: HTTPResponseStatus
  var headers: HTTPHeaders
  var body: ByteBuffer

  /// The body as text, cut for error messages.
  var excerpt: String {
    let text = String(decoding: body.readableBytesView.prefix(200), as: UTF8.self)
    return text.split(whereSeparator: \.isNewline).joined(separator: " ")
  }
}
