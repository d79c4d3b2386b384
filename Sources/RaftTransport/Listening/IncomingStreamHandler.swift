// SPDX-License-Identifier: Apache-2.0
import Logging
import NIOCore
import NIOHTTP1
import Raft

/// The upgrade to a stream of Raft messages, from the listening side.
struct StreamAcceptor: HTTPServerProtocolUpgrader, Sendable {
  let gate: PeerGate
  let logger: Logger
  let opened: @Sendable (MemberID) -> Void
  let lost: @Sendable (MemberID) -> Void
  let deliver: @Sendable ([Message]) -> Void

  var supportedProtocol: String { PeerHandshake.protocolName }
  var requiredUpgradeHeaders: [String] { [] }

  func buildUpgradeResponse(
    channel: any Channel,
    upgradeRequest: HTTPRequestHead,
    initialResponseHeaders: HTTPHeaders
  ) -> EventLoopFuture<HTTPHeaders> {
    guard upgradeRequest.uri == PeerHandshake.path else {
      let refusal = HandshakeRefusal(status: .notFound, reason: "streams are at \(PeerHandshake.path)")
      return channel.eventLoop.makeFailedFuture(refusal)
    }
    switch gate.admit(upgradeRequest.headers) {
    case .success: return channel.eventLoop.makeSucceededFuture(initialResponseHeaders)
    case .failure(let refusal):
      logger.warning("peer stream refused", metadata: ["peer.reason": "\(refusal.reason)"])
      return channel.eventLoop.makeFailedFuture(refusal)
    }
  }

  func upgrade(context: ChannelHandlerContext, upgradeRequest: HTTPRequestHead) -> EventLoopFuture<Void> {
    context.eventLoop.makeCompletedFuture {
      let peer = try gate.admit(upgradeRequest.headers).get()
      let pipeline = context.pipeline.syncOperations
      try pipeline.addHandler(ByteToMessageHandler(FrameDecoder()))
      try pipeline.addHandler(
        IncomingStreamHandler(from: peer, to: gate.member, logger: logger, deliver: deliver)
      )
      gate.opened(context.channel, from: peer, lost: lost)
      opened(peer)
    }
  }
}

/// Turns the frames of one peer into messages, and hands over at once what one read brought.
final class IncomingStreamHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private let peer: MemberID
  private let member: MemberID
  private let logger: Logger
  private let deliver: @Sendable ([Message]) -> Void
  private var batch: [Message] = []

  init(
    from peer: MemberID,
    to member: MemberID,
    logger: Logger,
    deliver: @escaping @Sendable ([Message]) -> Void
  ) {
    self.peer = peer
    self.member = member
    self.logger = logger
    self.deliver = deliver
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let payload = unwrapInboundIn(data)
    do {
      let message = try Message(decoding: Array(payload.readableBytesView))
      guard message.from == peer, message.to == member else {
        throw RaftError.malformed("message: from \(message.from) to \(message.to) on the stream of \(peer)")
      }
      batch.append(message)
    } catch {
      end(context, error)
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    handOver()
    context.fireChannelReadComplete()
  }

  func channelInactive(context: ChannelHandlerContext) {
    handOver()
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    end(context, error)
  }

  private func handOver() {
    if batch.isEmpty { return }
    deliver(batch)
    batch.removeAll(keepingCapacity: true)
  }

  private func end(_ context: ChannelHandlerContext, _ error: any Error) {
    let metadata: Logger.Metadata = ["peer.id": "\(peer)", "error": "\(error)"]
    logger.warning("peer stream broken", metadata: metadata)
    context.close(promise: nil)
  }
}
