// SPDX-License-Identifier: Apache-2.0
import NIOCore
import NIOPosix

/// Connects to the engine for one connection that has come, and joins the two.
///
/// An engine that is being restarted is tried again for a while; what was sent meanwhile waits in the kernel.
final class EngineDial: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private static let firstPause = TimeAmount.milliseconds(50)
  private static let longestPause = TimeAmount.seconds(1)

  private let forwarder: EngineForwarder
  private let end: ForwardedEnd
  private var pause = EngineDial.firstPause

  init(forwarder: EngineForwarder, end: ForwardedEnd) {
    self.forwarder = forwarder
    self.end = end
  }

  func channelActive(context: ChannelHandlerContext) {
    dial(context, until: .now() + TimeAmount(forwarder.limits.patience))
    context.fireChannelActive()
  }

  private func dial(_ context: ChannelHandlerContext, until deadline: NIODeadline) {
    guard !end.isClosed else { return }
    let linger = forwarder.limits.linger
    let bootstrap = ClientBootstrap(group: context.eventLoop)
      .channelOption(.allowRemoteHalfClosure, value: true)
      .channelOption(.autoRead, value: false)
      .connectTimeout(.seconds(5))
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(ForwardedEnd(linger: linger))
        }
      }
    let connected =
      switch forwarder.address {
      case .unix(let path): bootstrap.connect(unixDomainSocketPath: path)
      case .tcp(let host, let port): bootstrap.connect(host: host, port: port)
      }
    connected.hop(to: context.eventLoop).assumeIsolated().whenComplete { result in
      switch result {
      case .success(let channel): self.join(channel)
      case .failure(let error): self.retry(context, until: deadline, after: error)
      }
    }
  }

  private func join(_ channel: any Channel) {
    forwarder.noteReached()
    guard !end.isClosed, let other = try? channel.pipeline.syncOperations.handler(type: ForwardedEnd.self) else {
      channel.close(promise: nil)
      return
    }
    end.join(other)
  }

  private func retry(_ context: ChannelHandlerContext, until deadline: NIODeadline, after error: any Error) {
    guard !end.isClosed else { return }
    guard .now() + pause < deadline else {
      forwarder.noteAway(error)
      context.close(promise: nil)
      return
    }
    context.eventLoop.assumeIsolated().scheduleTask(in: pause) { self.dial(context, until: deadline) }
    pause = min(pause * 2, Self.longestPause)
  }
}
