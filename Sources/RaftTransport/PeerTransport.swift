// SPDX-License-Identifier: Apache-2.0
public import Logging
public import NIOCore
import NIOHTTP1
import NIOPosix
public import Raft
import Synchronization
import TransportSecurity

/// The connections between this member and the others: one long-lived stream to each, one from each.
///
/// A stream begins as an HTTP upgrade on the peer port that names cluster and members, so that a stranger gets a
/// readable refusal; then it carries frames one way. What cannot be sent at once is dropped: Raft sends it again.
///
/// Concurrency: all calls may be made from any thread.
public final class PeerTransport: PeerOutbox, Sendable {
  private static let listenBacklog: Int32 = 256

  private let gate: PeerGate
  private let group: any EventLoopGroup
  private let security: PeerSecurity
  private let logger: Logger
  private let wasRemoved: @Sendable () -> Void
  private let state = Mutex(State())

  private struct State {
    var streams: [MemberID: OutgoingStream] = [:]
    var urls: [MemberID: [String]] = [:]
    var listeners: [any Channel] = []
    var isStopped = false
    /// Peers that say that this member was removed.
    var refusing: Set<MemberID> = []
  }

  /// Makes a transport without peers that does not listen yet.
  ///
  /// - Parameters:
  ///   - cluster: The cluster that this member and its peers are of.
  ///   - member: This member.
  ///   - group: The event loops, which outlive the transport.
  ///   - security: The TLS of https peer URLs.
  ///   - logger: Told of streams that come and go, and of peers that cannot be reached.
  ///   - wasRemoved: Called when most of the others say that this member was removed from the cluster for good: of one
  ///     alone it is not believed, since it may be a copy that was made a cluster of its own.
  public init(
    cluster: ClusterID,
    member: MemberID,
    group: any EventLoopGroup,
    security: PeerSecurity = PeerSecurity(),
    logger: Logger,
    wasRemoved: @escaping @Sendable () -> Void = {}
  ) {
    self.wasRemoved = wasRemoved
    gate = PeerGate(cluster: cluster, member: member)
    self.group = group
    self.security = security
    self.logger = logger
  }

  /// Listens on peer URLs of the form `http://HOST:PORT` or `https://HOST:PORT`; port 0 picks a free one.
  ///
  /// - Parameters:
  ///   - urls: Where to listen.
  ///   - page: What plain requests for a path get (`/members`, `/version`); nil is 404. It must not block.
  ///   - deliver: Takes what peers send, in order for each peer, on an event loop. It must not block.
  ///   - lost: Told when a peer's stream to this member ends, on an event loop. It must not block.
  /// - Returns: The ports listened on, in the order of `urls`.
  /// - Throws: ``PeerTransportError`` when an address cannot be used; nothing is listened on then.
  @discardableResult
  public func listen(
    on urls: [String],
    page: @escaping @Sendable (String) -> PeerPage?,
    deliver: @escaping @Sendable ([Message]) -> Void,
    lost: @escaping @Sendable (MemberID) -> Void = { _ in }
  ) async throws(PeerTransportError) -> [Int] {
    var addresses: [PeerAddress] = []
    for url in urls { addresses.append(try PeerAddress(url: url)) }
    if security.server == nil, let address = addresses.first(where: \.isSecure) {
      let place = "\(address.host):\(address.port)"
      throw PeerTransportError(.badURL, "cannot listen for peers on \(place) with TLS: there is no certificate")
    }
    let acceptor = StreamAcceptor(
      gate: gate,
      logger: logger,
      opened: { [self] peer in stream(to: peer)?.reconnectSoon() },
      lost: lost,
      deliver: deliver
    )
    var channels: [any Channel] = []
    for address in addresses {
      do {
        let bootstrap = bootstrap(acceptor, page, address.isSecure ? security.server : nil)
        channels.append(try await bootstrap.bind(host: address.host, port: address.port).get())
      } catch {
        for channel in channels { try? await channel.close() }
        let message = "cannot listen for peers on \(address.host):\(address.port); is the port in use?"
        throw PeerTransportError(.cannotListen, message, cause: error)
      }
    }
    let listening = channels
    state.withLock { $0.listeners += listening }
    return listening.map { $0.localAddress?.port ?? 0 }
  }

  /// Replaces the set of peers.
  ///
  /// Streams to new peers are opened, those to missing ones are closed; this member's own id is ignored.
  ///
  /// - Parameters:
  ///   - urls: The peer URLs of each peer.
  ///   - removed: Members removed for good, which are refused from now on.
  public func updatePeers(_ urls: [MemberID: [String]], removed: Set<MemberID> = []) {
    var wanted = urls
    wanted.removeValue(forKey: gate.member)
    var closing: [OutgoingStream] = []
    var changed: [(OutgoingStream, [String])] = []
    state.withLock { state in
      if state.isStopped { return }
      for (peer, stream) in state.streams where wanted[peer] == nil {
        closing.append(stream)
        state.streams.removeValue(forKey: peer)
      }
      for (peer, urls) in wanted {
        if let stream = state.streams[peer] {
          if state.urls[peer] != urls { changed.append((stream, urls)) }
        } else {
          state.streams[peer] = OutgoingStream(
            handshake: PeerHandshake(clusterID: gate.cluster, from: gate.member, to: peer),
            urls: urls,
            eventLoop: group.next(),
            security: security.client,
            logger: logger,
            heard: { [weak self] in self?.heard(from: peer, isRemoved: $0) }
          )
        }
      }
      state.urls = wanted
      state.refusing = state.refusing.filter { wanted[$0] != nil }
    }
    for stream in closing { _ = stream.stop() }
    for (stream, urls) in changed { stream.update(urls: urls) }
    gate.refuse(removed)
  }

  /// Queues messages for their receivers; drops those for whom there is no stream or no room.
  public func send(_ messages: [Message]) {
    for message in messages { stream(to: message.to)?.send(message) }
  }

  /// Stops listening and closes all streams.
  public func stop() async {
    let (streams, listeners) = state.withLock { state in
      defer { state = State(isStopped: true) }
      return (Array(state.streams.values), state.listeners)
    }
    for listener in listeners { try? await listener.close() }
    for stream in streams { try? await stream.stop().get() }
    gate.closeAll()
  }

  private func heard(from peer: MemberID, isRemoved: Bool) {
    let isCertain = state.withLock { state in
      guard isRemoved else {
        state.refusing.remove(peer)
        return false
      }
      state.refusing.insert(peer)
      return state.refusing.count > state.streams.count / 2
    }
    if isCertain { wasRemoved() }
  }

  private func stream(to peer: MemberID) -> OutgoingStream? {
    state.withLock { $0.streams[peer] }
  }

  private func bootstrap(
    _ acceptor: StreamAcceptor,
    _ page: @escaping @Sendable (String) -> PeerPage?,
    _ security: ServerSecurity?
  ) -> ServerBootstrap {
    let gate = self.gate
    return ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: Self.listenBacklog)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        let secured = security?.secure(channel) ?? channel.eventLoop.makeSucceededVoidFuture()
        return secured.flatMapThrowing {
          let pipeline = channel.pipeline.syncOperations
          let removeRequests: @Sendable (ChannelHandlerContext) -> Void = { context in
            let pipeline = context.pipeline.syncOperations
            if let handler = try? pipeline.handler(type: PeerRequestHandler.self) {
              pipeline.removeHandler(handler, promise: nil)
            }
          }
          try pipeline.configureHTTPServerPipeline(
            position: ChannelPipeline.SynchronousOperations.Position.last,
            withServerUpgrade: (upgraders: [acceptor], completionHandler: removeRequests)
          )
          try pipeline.addHandler(PeerRequestHandler(gate: gate, page: page))
        }.flatMap { SocketOptions.apply(to: channel) }
      }
  }
}
