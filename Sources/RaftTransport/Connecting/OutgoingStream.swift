// SPDX-License-Identifier: Apache-2.0
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Raft
import Synchronization
import TransportSecurity

/// The stream of messages to one peer: connects, connects again with back-off, and writes what the queue holds.
///
/// Concurrency: ``send(_:)`` may be called from any thread; everything else happens on the stream's event loop.
final class OutgoingStream: Sendable {
  private static let connectTimeout = TimeAmount.seconds(2)
  private static let handshakeTimeout = TimeAmount.seconds(2)
  /// Bytes handed to the socket but not sent at which the queue waits.
  private static let writeWatermark = ChannelOptions.Types.WriteBufferWaterMark(low: 256 << 10, high: 1 << 20)

  private let handshake: PeerHandshake
  private let eventLoop: any EventLoop
  private let security: ClientSecurity?
  private let logger: Logger
  /// Told whether the peer says that this member was removed.
  private let heard: @Sendable (_ isRemoved: Bool) -> Void
  private let queue = Mutex(OutgoingQueue())
  private let connection: NIOLoopBoundBox<Connection>

  private struct Connection {
    var urls: [String]
    /// Which of `urls` is tried next.
    var turn = 0
    var backOff = BackOff()
    var channel: (any Channel)?
    var isConnecting = false
    var isStopped = false
    var nextAttempt: Scheduled<Void>?
    /// The last failure logged, so that a peer that is down is one line in the log.
    var lastFailure: String?
  }

  init(
    handshake: PeerHandshake,
    urls: [String],
    eventLoop: any EventLoop,
    security: ClientSecurity?,
    logger: Logger,
    heard: @escaping @Sendable (_ isRemoved: Bool) -> Void = { _ in }
  ) {
    self.handshake = handshake
    self.eventLoop = eventLoop
    self.security = security
    self.logger = logger
    self.heard = heard
    connection = NIOLoopBoundBox.makeBoxSendingValue(Connection(urls: urls), eventLoop: eventLoop)
    eventLoop.execute { self.connect() }
  }

  /// Queues a message, or drops it while there is no stream or no room.
  func send(_ message: Message) {
    let appended = queue.withLock { $0.append(message) }
    if appended == .drainNeeded { eventLoop.execute { self.drain() } }
  }

  /// Goes over to other peer URLs; the present stream stays while it works.
  func update(urls: [String]) {
    eventLoop.execute {
      self.connection.value.urls = urls
      self.reconnectSoon()
    }
  }

  /// Tries now instead of at the end of the back-off: the peer has just shown that it is there.
  func reconnectSoon() {
    eventLoop.execute {
      self.connection.value.backOff.reset()
      self.connection.value.nextAttempt?.cancel()
      self.connect()
    }
  }

  /// Closes the stream for good.
  func stop() -> EventLoopFuture<Void> {
    eventLoop.flatSubmit {
      self.connection.value.isStopped = true
      self.connection.value.nextAttempt?.cancel()
      self.queue.withLock { $0.close() }
      guard let channel = self.connection.value.channel else { return self.eventLoop.makeSucceededVoidFuture() }
      return channel.close().flatMapError { _ in self.eventLoop.makeSucceededVoidFuture() }
    }
  }

  private func connect() {
    let state = connection.value
    guard !state.isStopped, !state.isConnecting, state.channel == nil, !state.urls.isEmpty else { return }
    let url = state.urls[state.turn % state.urls.count]
    connection.value.turn += 1
    connection.value.isConnecting = true
    dial(url).whenComplete { result in
      self.connection.value.isConnecting = false
      switch result {
      case .success(let channel): self.opened(channel, url: url)
      case .failure(let error): self.failed(error, url: url)
      }
    }
  }

  /// Connects and upgrades; the channel of the result carries frames.
  private func dial(_ url: String) -> EventLoopFuture<any Channel> {
    let address: PeerAddress
    do {
      address = try PeerAddress(url: url)
    } catch {
      return eventLoop.makeFailedFuture(error)
    }
    let security = address.isSecure ? security : nil
    guard !address.isSecure || security != nil else {
      return eventLoop.makeFailedFuture(
        PeerTransportError(.badURL, "peer URL \(url) asks for TLS, which is not set up")
      )
    }
    let established = eventLoop.makePromise(of: Void.self)
    let upgrader = StreamUpgrader(handshake: handshake, established: established) { self.drain() }
    let connected = ClientBootstrap(group: eventLoop)
      .connectTimeout(Self.connectTimeout)
      .channelOption(.writeBufferWaterMark, value: Self.writeWatermark)
      .channelInitializer { channel in
        let secured =
          security?.secure(channel, host: address.host) ?? channel.eventLoop.makeSucceededVoidFuture()
        return secured.flatMapThrowing {
          let pipeline = channel.pipeline.syncOperations
          let removeHandshake: @Sendable (ChannelHandlerContext) -> Void = { context in
            let pipeline = context.pipeline.syncOperations
            if let handler = try? pipeline.handler(type: HandshakeHandler.self) {
              pipeline.removeHandler(handler, promise: nil)
            }
          }
          try pipeline.addHTTPClientHandlers(
            position: ChannelPipeline.SynchronousOperations.Position.last,
            leftOverBytesStrategy: .forwardBytes,
            withClientUpgrade: (upgraders: [upgrader], completionHandler: removeHandshake)
          )
          try pipeline.addHandler(HandshakeHandler(host: "\(address.host):\(address.port)", established: established))
        }.flatMap { SocketOptions.apply(to: channel) }
      }
      .connect(host: address.host, port: address.port)
    connected.whenFailure { established.fail($0) }
    return connected.flatMap { channel in
      let timeout = channel.eventLoop.scheduleTask(in: Self.handshakeTimeout) {
        established.fail(PeerTransportError(.cannotConnect, "the peer did not answer the upgrade"))
        channel.close(promise: nil)
      }
      return established.futureResult.map {
        timeout.cancel()
        return channel
      }
    }
  }

  private func opened(_ channel: any Channel, url: String) {
    guard !connection.value.isStopped else {
      channel.close(promise: nil)
      return
    }
    connection.value.channel = channel
    connection.value.backOff.reset()
    connection.value.lastFailure = nil
    queue.withLock { $0.open() }
    heard(false)
    logger.notice("peer stream opened", metadata: metadata(url))
    channel.closeFuture.whenComplete { _ in self.closed(url: url) }
  }

  private func closed(url: String) {
    connection.value.channel = nil
    queue.withLock { $0.close() }
    if connection.value.isStopped { return }
    logger.notice("peer stream closed", metadata: metadata(url))
    scheduleAttempt()
  }

  private func failed(_ error: any Error, url: String) {
    if connection.value.isStopped { return }
    if let error = error as? PeerTransportError, error.code == .removed { heard(true) }
    let failure = reason(of: error)
    if connection.value.lastFailure != failure {
      connection.value.lastFailure = failure
      logger.warning("peer cannot be reached", metadata: metadata(url, ["error": "\(failure)"]))
    }
    scheduleAttempt()
  }

  private func scheduleAttempt() {
    let delay = connection.value.backOff.delay()
    connection.value.nextAttempt?.cancel()
    connection.value.nextAttempt = eventLoop.scheduleTask(in: delay) { self.connect() }
  }

  /// Writes everything that waits in one go, unless the socket is behind; then it is written when there is room again.
  private func drain() {
    guard let channel = connection.value.channel, channel.isActive, channel.isWritable else { return }
    let messages = queue.withLock { $0.drain() }
    if messages.isEmpty { return }
    var buffer = channel.allocator.buffer(capacity: 4_096)
    for message in messages {
      let payload = message.encoded()
      guard payload.count <= Frame.maximumPayloadBytes else { continue }
      Frame.write(to: &buffer) { $0.writeBytes(payload) }
    }
    channel.writeAndFlush(buffer, promise: nil)
  }

  private func reason(of error: any Error) -> String {
    guard let error = error as? PeerTransportError, let cause = error.cause else { return "\(error)" }
    guard let security else { return "\(error): \(cause)" }
    let server = TLSFailure.OtherEnd.server(hasCertificate: security.hasCertificate, names: security.files.names)
    return TLSFailure(cause, of: server)?.reason ?? "\(error): \(cause)"
  }

  private func metadata(_ url: String, _ more: Logger.Metadata = [:]) -> Logger.Metadata {
    more.merging(["peer.id": "\(handshake.to)", "peer.url": "\(url)"]) { first, _ in first }
  }
}
