// SPDX-License-Identifier: Apache-2.0
import NIOCore
import NIOHTTP1
import Raft

/// Answers plain requests on the peer port, one a connection, and says why a stream was refused.
final class PeerRequestHandler: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  /// A connection that has neither asked nor become a stream by then is closed.
  private static let requestTimeout = TimeAmount.seconds(10)

  private let gate: PeerGate
  private let page: @Sendable (String) -> PeerPage?
  private var head: HTTPRequestHead?
  private var timeout: Scheduled<Void>?

  init(gate: PeerGate, page: @escaping @Sendable (String) -> PeerPage?) {
    self.gate = gate
    self.page = page
  }

  func handlerAdded(context: ChannelHandlerContext) {
    let channel = context.channel
    timeout = context.eventLoop.scheduleTask(in: Self.requestTimeout) { channel.close(promise: nil) }
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    timeout?.cancel()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head): self.head = head
    case .body: break
    case .end: if let head { answer(head, context) }
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // A refused upgrade comes by as an error first and then as a plain request, which is where it is answered.
    if error is HandshakeRefusal { return }
    context.close(promise: nil)
  }

  private func answer(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
    let path = head.uri.prefix { $0 != "?" }
    guard head.method == .GET || head.method == .HEAD else {
      return respond(.methodNotAllowed, text("only GET is served here"), head, context)
    }
    if path == PeerHandshake.path {
      switch gate.admit(head.headers) {
      case .failure(let refusal): respond(refusal.status, text(refusal.reason), head, context)
      case .success:
        respond(.upgradeRequired, text("ask for Upgrade: \(PeerHandshake.protocolName)"), head, context)
      }
    } else if let page = page(String(path)) {
      respond(.ok, page, head, context)
    } else {
      respond(.notFound, text("404 page not found"), head, context)
    }
  }

  private func text(_ line: String) -> PeerPage {
    PeerPage(contentType: "text/plain; charset=utf-8", body: Array((line + "\n").utf8))
  }

  private func respond(
    _ status: HTTPResponseStatus,
    _ page: PeerPage,
    _ request: HTTPRequestHead,
    _ context: ChannelHandlerContext
  ) {
    var headers = HTTPHeaders()
    headers.add(name: "Content-Type", value: page.contentType)
    headers.add(name: "Content-Length", value: String(page.body.count))
    headers.add(name: PeerHandshake.clusterHeader, value: gate.cluster.description)
    headers.add(name: "Connection", value: "close")
    let head = HTTPResponseHead(version: .http1_1, status: status, headers: headers)
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    if request.method != .HEAD {
      context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: page.body)))), promise: nil)
    }
    let channel = context.channel
    context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in channel.close(promise: nil) }
  }
}
