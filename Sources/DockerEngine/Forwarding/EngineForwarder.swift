// SPDX-License-Identifier: Apache-2.0
import Glibc
public import Logging
public import NIOCore
import NIOPosix
import Synchronization

/// Takes connections on sockets that listen, and joins each to the engine by a connection of its own, byte by byte.
///
/// So everything the engine speaks passes, upgraded connections (`attach`, `exec -it`) among it. Who has sent all it has
/// still gets its answer. Neither end is read faster than the other takes what was read.
///
/// Concurrency: safe to call from any task.
/// Invariant: ``shutdown()`` is called before the last reference goes.
public final class EngineForwarder: Sendable {
  /// What is allowed.
  public struct Limits: Sendable {
    /// Connections at a time; further ones are closed at once.
    public var connections = 512
    /// How long an engine that cannot be reached is tried for one connection, which is then closed.
    public var patience = Duration.seconds(3)
    /// How long what was read of one end may take to the other once the first is gone.
    public var linger = Duration.seconds(5)

    /// Makes the usual limits.
    public init() {}
  }

  /// A socket that listens already.
  public struct Listening: Sendable {
    /// Its descriptor, which belongs to the forwarder once it is handed over.
    public var descriptor: Int32
    /// Whether it is of TCP, not of a file or name.
    public var isTCP: Bool

    /// Describes a socket.
    public init(descriptor: Int32, isTCP: Bool) {
      self.descriptor = descriptor
      self.isTCP = isTCP
    }
  }

  private struct State {
    var listeners: [any Channel] = []
    var connections: [ObjectIdentifier: any Channel] = [:]
    var isStopped = false
    /// Whether it has been said that there are too many connections, and that the engine is away.
    var hasToldLimit = false
    var hasToldAway = false
  }

  let limits: Limits
  let address: EngineAddress
  private let url: String
  private let group: any EventLoopGroup
  private let logger: Logger
  private let state = Mutex(State())

  /// Makes a forwarder to the engine at `unix:///PATH` or `http://HOST:PORT` (`tcp://` means `http://`).
  ///
  /// - Throws: ``DockerEngineError/Code/badRequest`` when the URL is of no known kind.
  public init(
    to url: String,
    limits: Limits = Limits(),
    eventLoopGroup: any EventLoopGroup,
    logger: Logger
  ) throws(DockerEngineError) {
    address = try EngineAddress(url: url)
    self.url = url
    self.limits = limits
    group = eventLoopGroup
    self.logger = logger
  }

  /// How many connections there are.
  public var connectionCount: Int { state.withLock { $0.connections.count } }

  /// Begins to take connections.
  ///
  /// - Throws: ``DockerEngineError/Code/cancelled`` after ``shutdown()``, or when the socket is none; it is closed then.
  public func serve(_ listening: Listening) async throws(DockerEngineError) {
    let channel: any Channel
    do {
      channel = try await bootstrap(listening.isTCP).withBoundSocket(listening.descriptor).get()
    } catch {
      close(listening.descriptor)
      throw DockerEngineError(.badRequest, "take connections for the engine", cause: error)
    }
    let isKept = state.withLock { state in
      if !state.isStopped { state.listeners.append(channel) }
      return !state.isStopped
    }
    guard isKept else {
      try? await channel.close()
      throw DockerEngineError(.cancelled, "take connections for the engine: it has ended")
    }
  }

  /// Takes no more connections and ends those that there are.
  public func shutdown() async {
    let channels = state.withLock { state in
      state.isStopped = true
      return state.listeners + state.connections.values
    }
    for channel in channels { try? await channel.close() }
  }

  private func bootstrap(_ isTCP: Bool) -> ServerBootstrap {
    let bootstrap = ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 1_024)
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .childChannelOption(.autoRead, value: false)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try self.admit(channel)
          let end = ForwardedEnd(linger: self.limits.linger)
          try channel.pipeline.syncOperations.addHandlers(end, EngineDial(forwarder: self, end: end))
        }
      }
    guard isTCP else { return bootstrap }
    return
      bootstrap
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .childChannelOption(.socketOption(.so_keepalive), value: 1)
      .childChannelOption(
        ChannelOptions.Types.SocketOption(level: .tcp, name: .init(rawValue: TCP_KEEPIDLE)),
        value: 30
      )
  }

  // MARK: What connections say

  /// Counts a connection until it is closed.
  ///
  /// - Throws: ``DockerEngineError/Code/refused`` when there are too many, or it is over.
  private func admit(_ channel: any Channel) throws(DockerEngineError) {
    let id = ObjectIdentifier(channel)
    let (isTaken, isNews) = state.withLock { state in
      guard !state.isStopped, state.connections.count < limits.connections else {
        defer { state.hasToldLimit = true }
        return (false, !state.isStopped && !state.hasToldLimit)
      }
      state.connections[id] = channel
      return (true, false)
    }
    if isNews {
      logger.warning(
        "connections to the engine's socket are closed: there are too many",
        metadata: ["engine.connections": "\(limits.connections)"]
      )
    }
    guard isTaken else { throw DockerEngineError(.refused, "take a connection for the engine: there are too many") }
    channel.closeFuture.whenComplete { _ in
      self.state.withLock { state in
        state.connections[id] = nil
        if state.connections.count <= self.limits.connections / 2 { state.hasToldLimit = false }
      }
    }
  }

  /// Notes that a connection is closed, since the engine could not be reached; said once until it can be.
  func noteAway(_ error: any Error) {
    let isNews = state.withLock { state in
      defer { state.hasToldAway = true }
      return !state.hasToldAway && !state.isStopped
    }
    guard isNews else { return }
    logger.warning(
      "connections to the engine's socket are closed: the engine cannot be reached",
      metadata: ["engine.url": "\(url)", "error": "\(error)"]
    )
  }

  /// Notes that the engine was reached.
  func noteReached() {
    let isNews = state.withLock { state in
      defer { state.hasToldAway = false }
      return state.hasToldAway
    }
    if isNews { logger.notice("the engine can be reached again", metadata: ["engine.url": "\(url)"]) }
  }
}
