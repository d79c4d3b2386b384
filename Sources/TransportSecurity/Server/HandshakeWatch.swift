// SPDX-License-Identifier: Apache-2.0
import Logging
import NIOCore
import NIOTLS
import Synchronization

/// Ends connections whose handshake takes too long, and tells why others failed; leaves when the handshake is done.
final class HandshakeWatch: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer

  private let timeout: TimeAmount
  private let refusals: RefusalLog
  private var deadline: Scheduled<Void>?
  private var hasFailed = false

  init(timeout: TimeAmount, refusals: RefusalLog) {
    self.timeout = timeout
    self.refusals = refusals
  }

  func handlerAdded(context: ChannelHandlerContext) {
    let channel = context.channel
    deadline = context.eventLoop.scheduleTask(in: timeout) { [refusals] in
      refusals.note(channel.remoteAddress, "the handshake took too long", isOrdinary: true)
      channel.close(promise: nil)
    }
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    deadline?.cancel()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    context.fireUserInboundEventTriggered(event)
    if case .handshakeCompleted? = event as? TLSUserEvent {
      context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if !hasFailed {
      hasFailed = true
      let failure = TLSFailure(error, of: .client)
      refusals.note(
        context.channel.remoteAddress,
        failure?.reason ?? "\(error)",
        isOrdinary: failure?.isEndOfConnection ?? true
      )
    }
    context.fireErrorCaught(error)
  }
}

/// Tells in the log who was refused, one line in five seconds at most.
final class RefusalLog: Sendable {
  private static let interval = TimeAmount.seconds(5)

  private struct State {
    var next = NIODeadline.uptimeNanoseconds(0)
    var untold = 0
  }

  private let logger: Logger
  private let state = Mutex(State())

  init(logger: Logger) {
    self.logger = logger
  }

  /// Takes note of a connection that did not come about.
  ///
  /// - Parameters:
  ///   - remote: Whose it was.
  ///   - reason: Why.
  ///   - isOrdinary: Whether it happens all the time, as when a port is probed.
  func note(_ remote: SocketAddress?, _ reason: String, isOrdinary: Bool) {
    let now = NIODeadline.now()
    let untold = state.withLock { state -> Int? in
      if isOrdinary { return 0 }
      guard state.next <= now else {
        state.untold += 1
        return nil
      }
      defer { state = State(next: now + Self.interval) }
      return state.untold
    }
    guard let untold else { return }
    var metadata: Logger.Metadata = ["tls.reason": "\(reason)"]
    if let remote { metadata["tls.remote"] = "\(remote.ipAddress ?? "\(remote)")" }
    if untold > 0 { metadata["tls.others"] = "\(untold)" }
    logger.log(level: isOrdinary ? .debug : .warning, "TLS connection refused", metadata: metadata)
  }
}
