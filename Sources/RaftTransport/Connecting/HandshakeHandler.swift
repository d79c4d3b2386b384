// SPDX-License-Identifier: Apache-2.0
import NIOCore
import NIOHTTP1

/// Asks for the upgrade when the connection stands, and reads the reason when it is refused.
final class HandshakeHandler: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPClientResponsePart
  typealias OutboundOut = HTTPClientRequestPart

  /// The most of a refusal's body that is kept for the log.
  private static let reasonLimitBytes = 512

  private let host: String
  private let established: EventLoopPromise<Void>
  private var status: HTTPResponseStatus?
  private var reason: [UInt8] = []

  init(host: String, established: EventLoopPromise<Void>) {
    self.host = host
    self.established = established
  }

  func channelActive(context: ChannelHandlerContext) {
    var head = HTTPRequestHead(version: .http1_1, method: .GET, uri: PeerHandshake.path)
    head.headers.add(name: "Host", value: host)
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    context.fireChannelActive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head): status = head.status
    case .body(let body): reason += Array(body.readableBytesView.prefix(Self.reasonLimitBytes - reason.count))
    case .end:
      let text = String(decoding: reason.filter { $0 >= 0x20 }, as: UTF8.self)
      let isRemoved = status == .gone
      fail(context, "the peer answered \(status?.code ?? 0): \(text)", isRemoved ? .removed : .cannotConnect)
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    established.fail(PeerTransportError(.cannotConnect, "the peer closed the connection"))
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    fail(context, "the peer does not speak HTTP", cause: error)
  }

  private func fail(
    _ context: ChannelHandlerContext,
    _ message: String,
    _ code: PeerTransportError.Code = .cannotConnect,
    cause: (any Error)? = nil
  ) {
    established.fail(PeerTransportError(code, message, cause: cause))
    context.close(promise: nil)
  }
}

/// The upgrade to a stream of Raft messages, from the connecting side.
struct StreamUpgrader: NIOHTTPClientProtocolUpgrader, Sendable {
  var handshake: PeerHandshake
  var established: EventLoopPromise<Void>
  var drain: @Sendable () -> Void

  var supportedProtocol: String { PeerHandshake.protocolName }
  var requiredUpgradeHeaders: [String] { [] }

  func addCustom(upgradeRequestHeaders headers: inout HTTPHeaders) {
    handshake.add(to: &headers)
  }

  func shouldAllowUpgrade(upgradeResponse: HTTPResponseHead) -> Bool {
    true
  }

  func upgrade(context: ChannelHandlerContext, upgradeResponse: HTTPResponseHead) -> EventLoopFuture<Void> {
    context.eventLoop.makeCompletedFuture {
      try context.pipeline.syncOperations.addHandler(OutgoingStreamHandler(drain: drain))
      established.succeed()
    }
  }
}

/// The end of an outgoing stream's pipeline: tells when there is room again, and ignores what a one-way stream brings.
final class OutgoingStreamHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private let drain: @Sendable () -> Void

  init(drain: @escaping @Sendable () -> Void) {
    self.drain = drain
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable { drain() }
    context.fireChannelWritabilityChanged()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {}

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }
}
