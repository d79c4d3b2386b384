// SPDX-License-Identifier: Apache-2.0
import Glibc
public import Logging
public import NIOCore
import NIOPosix
import Synchronization
public import TransportSecurity

/// The HTTP server of a node: several listeners, one set of routes.
///
/// It listens before its ports are there (see ``APIPorts``), so that a node that is still finding its cluster can be
/// asked.
public final class HTTPAPIServer: Sendable {
  private struct State {
    var listeners: [any Channel] = []
    var socketFiles: [UnixSocketFile] = []
    var isStopped = false
  }

  private let ports: APIPorts
  private let limits: HTTPLimits
  private let security: ServerSecurity?
  private let group: any EventLoopGroup
  private let logger: Logger
  private let connections: OpenConnections
  private let state = Mutex(State())

  /// Makes a server that does not listen yet.
  ///
  /// - Parameters:
  ///   - ports: What the routes stand on.
  ///   - limits: How much a client may make it hold.
  ///   - security: The TLS of its secure listeners.
  ///   - group: The event loops, which outlive the server.
  ///   - logger: Told of connections that fail.
  public init(
    ports: APIPorts,
    limits: HTTPLimits = HTTPLimits(),
    security: ServerSecurity? = nil,
    group: any EventLoopGroup,
    logger: Logger
  ) {
    self.ports = ports
    self.limits = limits
    self.security = security
    self.group = group
    self.logger = logger
    connections = OpenConnections(maximum: limits.maximumConnections)
  }

  /// Opens listeners, all or none; more may be opened later.
  ///
  /// - Parameter listeners: Where to listen and what to serve there.
  /// - Returns: The addresses they have, in the order of `listeners`.
  /// - Throws: ``APIServerError`` naming the first address that cannot be had.
  public func start(listening listeners: [APIListener]) async throws(APIServerError) -> [BoundAddress] {
    var opened: [any Channel] = []
    var files: [UnixSocketFile] = []
    do throws(APIServerError) {
      var addresses: [BoundAddress] = []
      for listener in listeners {
        let channel = try await open(listener, files: &files)
        opened.append(channel)
        addresses.append(BoundAddress(listener: listener, address: Self.address(of: channel, for: listener)))
      }
      guard keep(opened, files) else { throw APIServerError(.stopped, "open listeners: the server was shut down") }
      return addresses
    } catch {
      for channel in opened { try? await channel.close() }
      for file in files { file.remove() }
      throw error
    }
  }

  /// Stops: closes the listeners, lets answers that are under way finish for a while, then closes everything.
  ///
  /// Watches and other streams are broken off at once.
  public func shutdown(within grace: TimeAmount = .seconds(5)) async {
    let stopped = state.withLock { state in
      state.isStopped = true
      defer {
        state.listeners = []
        state.socketFiles = []
      }
      return (listeners: state.listeners, files: state.socketFiles)
    }
    for listener in stopped.listeners { try? await listener.close() }
    for file in stopped.files { file.remove() }
    let channels = connections.drain()
    let loop = group.any()
    let deadline = loop.scheduleTask(in: grace) {
      for channel in channels { channel.close(promise: nil) }
    }
    _ = try? await EventLoopFuture.whenAllComplete(channels.map(\.closeFuture), on: loop).get()
    deadline.cancel()
  }

  private func keep(_ listeners: [any Channel], _ files: [UnixSocketFile]) -> Bool {
    state.withLock { state in
      guard !state.isStopped else { return false }
      state.listeners += listeners
      state.socketFiles += files
      return true
    }
  }

  private func open(
    _ listener: APIListener,
    files: inout [UnixSocketFile]
  ) async throws(APIServerError) -> any Channel {
    let security = listener.isSecure ? security : nil
    guard !listener.isSecure || security != nil else {
      throw APIServerError(.badListenAddress, "listen on \(listener.address) with TLS: there is no certificate")
    }
    switch listener.address {
    case .tcp(let host, let port):
      do {
        let address = try await NIOThreadPool.singleton.runIfActive {
          // Numeric, so that an IPv6 answer for "localhost" surprises no client that was told 127.0.0.1.
          try SocketAddress.makeAddressResolvingHost(host == "localhost" ? "127.0.0.1" : host, port: port)
        }
        return try await bootstrap(listener.surface, security, isTCP: true).bind(to: address).get()
      } catch {
        let isInUse = (error as? IOError)?.errnoCode == EADDRINUSE
        let reason = isInUse ? "the address is in use" : "\(error)"
        let message = "listen on \(listener.address): \(reason)"
        throw APIServerError(isInUse ? .addressInUse : .system, message, cause: error)
      }
    case .unixSocket(let path, let mode):
      let file = try UnixSocketFile(binding: path, mode: mode)
      files.append(file)
      do {
        return try await bootstrap(listener.surface, nil, isTCP: false).withBoundSocket(file.descriptor).get()
      } catch {
        throw APIServerError(.system, "listen on \(listener.address)", cause: error)
      }
    }
  }

  private func bootstrap(_ surface: APISurface, _ security: ServerSecurity?, isTCP: Bool) -> ServerBootstrap {
    let router = APIRouter(ports: ports, surface: surface, isSecure: security != nil)
    let bootstrap = ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 1024)
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .childChannelInitializer { [connections, limits, logger] channel in
        switch connections.add(channel) {
        case .taken: break
        case .refused:
          // What is answered is plain text, which a client that expects TLS could not read.
          guard security == nil else {
            let error = APIServerError(.stopped, "take a connection: there are too many")
            return channel.eventLoop.makeFailedFuture(error)
          }
          return channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(ConnectionRefusal())
          }
        case .closed:
          let error = APIServerError(.stopped, "take a connection: there are too many, or the server stops")
          return channel.eventLoop.makeFailedFuture(error)
        }
        let secured = security?.secure(channel) ?? channel.eventLoop.makeSucceededVoidFuture()
        return secured.flatMapThrowing {
          try Self.configure(channel, route: router, limits: limits, logger: logger)
        }
      }
    guard isTCP else { return bootstrap }
    return
      bootstrap
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .childChannelOption(.socketOption(.so_keepalive), value: 1)
      .childChannelOption(
        ChannelOptions.Types.SocketOption(level: .tcp, name: .init(rawValue: TCP_KEEPIDLE)),
        value: 30
      )
  }

  /// Builds the pipeline of one connection, which tests also build on channels without sockets.
  static func configure(
    _ channel: any Channel,
    route: any HTTPRoute,
    limits: HTTPLimits,
    logger: Logger
  ) throws {
    try channel.pipeline.syncOperations.addHandler(HTTPConnection(route: route, limits: limits, logger: logger))
  }

  private static func address(of channel: any Channel, for listener: APIListener) -> ListenAddress {
    switch listener.address {
    case .tcp(let host, _):
      .tcp(host: host == "localhost" ? "127.0.0.1" : host, port: channel.localAddress?.port ?? 0)
    case .unixSocket: listener.address
    }
  }
}
