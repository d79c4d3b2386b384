// SPDX-License-Identifier: Apache-2.0
import NIOCore
import NIOPosix
import NIOSSL

@testable import TransportSecurity

/// A server on loopback that answers whatever comes with the same bytes and then closes.
struct EchoServer {
  let channel: any Channel
  var port: Int { channel.localAddress?.port ?? 0 }

  private final class Echo: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      context.writeAndFlush(data, promise: nil)
      context.close(promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
      context.close(promise: nil)
    }
  }

  /// Starts a server, runs a test with it, and stops it.
  static func with<Value>(_ security: ServerSecurity, _ body: (EchoServer) async throws -> Value) async throws -> Value
  {
    let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .childChannelInitializer { channel in
        security.secure(channel).flatMapThrowing { try channel.pipeline.syncOperations.addHandler(Echo()) }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    do {
      let value = try await body(EchoServer(channel: channel))
      try await channel.close()
      return value
    } catch {
      try? await channel.close()
      throw error
    }
  }
}

/// What a client saw of a server.
struct Conversation: Sendable {
  /// What the server sent.
  var answer = ""
  /// The serial number of the server's certificate.
  var serialNumber: [UInt8]?
  /// The first error.
  var error: (any Error)?

  private final class Collector: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let promise: EventLoopPromise<Conversation>
    private var conversation = Conversation()

    init(_ promise: EventLoopPromise<Conversation>) {
      self.promise = promise
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      conversation.answer += String(buffer: unwrapInboundIn(data))
      let handler = try? context.pipeline.syncOperations.handler(type: NIOSSLClientHandler.self)
      conversation.serialNumber = handler?.peerCertificate?.serialNumber
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
      if conversation.error == nil { conversation.error = error }
      context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
      promise.succeed(conversation)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
      promise.succeed(conversation)
    }
  }

  /// Connects, says something, and listens until the server closes.
  ///
  /// - Parameters:
  ///   - port: The server's port on 127.0.0.1.
  ///   - security: The TLS to use; nil speaks plainly.
  ///   - host: The name that is dialled, as the certificate's names are compared with it.
  ///   - text: What is said; nil says nothing.
  /// - Returns: What was heard.
  /// - Throws: When the server cannot be connected to.
  static func hold(
    _ port: Int,
    _ security: ClientSecurity?,
    host: String = "127.0.0.1",
    saying text: String? = "hello"
  ) async throws -> Conversation {
    let group = MultiThreadedEventLoopGroup.singleton
    let promise = group.next().makePromise(of: Conversation.self)
    let channel = try await ClientBootstrap(group: group)
      .channelInitializer { channel in
        let secured = security?.secure(channel, host: host) ?? channel.eventLoop.makeSucceededVoidFuture()
        return secured.flatMapThrowing { try channel.pipeline.syncOperations.addHandler(Collector(promise)) }
      }
      .connect(host: "127.0.0.1", port: port).get()
    if let text { channel.writeAndFlush(ByteBuffer(string: text), promise: nil) }
    return try await promise.futureResult.get()
  }

  /// The words for the error, as a client tells them.
  func reason(hasCertificate: Bool = false) -> String? {
    error.flatMap { TLSFailure($0, of: .server(hasCertificate: hasCertificate, names: .commandLine))?.reason }
  }
}
