// SPDX-License-Identifier: Apache-2.0
import NIOCore

/// What a connection gets that the server has no room for: one readable answer, whatever was asked.
final class ConnectionRefusal: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private static let body = "{\"message\":\"too many connections\"}\n"
  /// A client that does not take the answer is left after this.
  private static let patience = TimeAmount.milliseconds(500)

  func channelActive(context: ChannelHandlerContext) {
    let text =
      "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: \(Self.body.utf8.count)\r\n"
      + "Retry-After: 1\r\nConnection: close\r\n\r\n" + Self.body
    context.writeAndFlush(wrapOutboundOut(context.channel.allocator.buffer(string: text)), promise: nil)
    context.close(mode: .output, promise: nil)
    let channel = context.channel
    // Closing at once, with the request unread, would reset the connection before the answer is read.
    context.eventLoop.scheduleTask(in: Self.patience) { channel.close(promise: nil) }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {}
}
