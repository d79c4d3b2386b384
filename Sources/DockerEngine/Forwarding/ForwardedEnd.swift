// SPDX-License-Identifier: Apache-2.0
import NIOCore

/// One of two connections that get each other's bytes.
///
/// Shape: the channel does not read by itself (`autoRead` off) and stays when the other side has sent all it has.
/// Concurrency: both are on one event loop, and used there alone.
final class ForwardedEnd: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let linger: Duration
  private var context: ChannelHandlerContext?
  private var partner: ForwardedEnd?
  /// What came before there was a partner: with the end of what is sent comes all that the kernel held.
  private var early: [NIOAny] = []
  /// Whether this side has sent all it has, and whether everything was sent to it.
  private var isReceived = false
  private var isSent = false

  init(linger: Duration) {
    self.linger = linger
  }

  /// Whether the connection is over.
  var isClosed: Bool { context == nil }

  /// Begins to pass bytes between the two.
  func join(_ other: ForwardedEnd) {
    partner = other
    other.partner = self
    for end in [self, other] {
      end.early.forEach { end.partner?.context?.write($0, promise: nil) }
      if !end.early.isEmpty { end.partner?.context?.flush() }
      end.early = []
      if end.isReceived { end.partner?.finish() }
      end.readOn()
    }
  }

  // MARK: What comes from this side

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }

  func handlerRemoved(context: ChannelHandlerContext) { leave() }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if let partner { partner.context?.write(data, promise: nil) } else { early.append(data) }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    partner?.context?.flush()
    readOn()
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable { partner?.readOn() }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case ChannelEvent.inputClosed = event {
      isReceived = true
      partner?.finish()
      closeWhenOver()
    }
    context.fireUserInboundEventTriggered(event)
  }

  func channelInactive(context: ChannelHandlerContext) {
    leave()
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }

  // MARK: What is done with it

  /// Reads, if the other side takes what comes.
  private func readOn() {
    guard let context, !isReceived, let other = partner?.context, other.channel.isWritable else { return }
    context.read()
  }

  /// Everything that was to be sent has been written: says so when it is out.
  ///
  /// To close the way out drops what is not, when the way in is closed already.
  private func finish() {
    guard let context else { return }
    let written = context.eventLoop.makePromise(of: Void.self)
    context.writeAndFlush(wrapOutboundOut(context.channel.allocator.buffer(capacity: 0)), promise: written)
    written.futureResult.assumeIsolated().whenComplete { _ in
      self.isSent = true
      self.context?.close(mode: .output, promise: nil)
      self.closeWhenOver()
    }
  }

  private func closeWhenOver() {
    if isReceived, isSent { context?.close(promise: nil) }
  }

  /// This side is gone: what it has sent still goes to the other, which then ends too.
  private func leave() {
    context = nil
    guard let other = partner else { return }
    partner = nil
    other.partner = nil
    other.isReceived = true
    other.finish()
    guard let rest = other.context else { return }
    let deadline = rest.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(linger)) {
      other.context?.close(promise: nil)
    }
    rest.channel.closeFuture.whenComplete { _ in deadline.cancel() }
  }
}
