// SPDX-License-Identifier: Apache-2.0
import NIOCore

/// Answers those who speak plain HTTP to a TLS port, in words that they can read; lets all others by.
///
/// Source: Go's `net/http` server; specs/etcd-v2.md §14.
final class PlainRequestHandler: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  static let answer = """
    HTTP/1.1 400 Bad Request\r
    Content-Type: text/plain; charset=utf-8\r
    Content-Length: 48\r
    Connection: close\r
    \r
    Client sent an HTTP request to an HTTPS server.

    """

  /// How long the client has to read the answer.
  private static let lingering = TimeAmount.seconds(1)

  private var hasAnswered = false
  private var end: Scheduled<Void>?

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let buffer = unwrapInboundIn(data)
    if hasAnswered { return }
    guard let first = buffer.getInteger(at: buffer.readerIndex, as: UInt8.self) else { return }
    // A TLS record of a handshake begins with 22, a method of HTTP with a letter.
    guard (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(first) else {
      context.fireChannelRead(data)
      context.pipeline.syncOperations.removeHandler(self, promise: nil)
      return
    }
    hasAnswered = true
    context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: Self.answer)), promise: nil)
    context.close(mode: .output, promise: nil)
    let channel = context.channel
    end = context.eventLoop.scheduleTask(in: Self.lingering) {
      // Past the TLS handler, which would say farewell in a language that was never spoken.
      channel.pipeline.syncOperations.closeAtOnce()
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    end?.cancel()
    context.fireChannelInactive()
  }
}

extension ChannelPipeline.SynchronousOperations {
  /// Closes the channel from the place of the first handler, so that none delays it.
  fileprivate func closeAtOnce() {
    (try? context(handlerType: PlainRequestHandler.self))?.close(promise: nil)
  }
}
