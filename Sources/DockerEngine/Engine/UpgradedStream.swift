// SPDX-License-Identifier: Apache-2.0
import NIOCore
import NIOHTTP1
import NIOPosix

/// A connection to the engine that has left HTTP: bytes both ways.
struct UpgradedStream {
  /// The largest head of an answer.
  static let headLimitBytes = 64 * 1024

  // NIO's iterator is not Sendable and goes elsewhere to wait; there is one reader, which waits for it to come back.
  private nonisolated(unsafe) var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
  private var pending: [UInt8] = []
  /// The way to the engine.
  let sender: Sender

  /// The way to the engine; may be used by another task than the one that reads.
  struct Sender: Sendable {
    fileprivate let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    fileprivate let channel: any Channel

    func send(_ bytes: [UInt8]) async throws {
      try await outbound.write(ByteBuffer(bytes: bytes))
    }

    /// Nothing more is sent; what the engine sends still comes.
    func finish() {
      outbound.finish()
    }

    /// Ends both ways; the reader finds the end.
    func hangUp() {
      channel.close(promise: nil)
    }
  }

  fileprivate init(
    _ inbound: NIOAsyncChannelInboundStream<ByteBuffer>,
    _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>,
    _ channel: any Channel
  ) {
    self.inbound = inbound.makeAsyncIterator()
    sender = Sender(outbound: outbound, channel: channel)
  }

  /// The next bytes; nil at the end, and when the task is cancelled.
  mutating func next() async throws -> [UInt8]? {
    if !pending.isEmpty {
      defer { pending = [] }
      return pending
    }
    return try await inbound.next().map { Array($0.readableBytesView) }
  }

  /// Sends the request and reads the answer's head; the rest is the stream.
  fileprivate mutating func upgrade(_ request: EngineRequest, target: String, host: String) async throws {
    let body = Array((request.body?.compactText ?? "").utf8)
    var head = "\(request.method.rawValue) \(target) HTTP/1.1\r\nHost: \(host)\r\nUser-Agent: coracle\r\n"
    head += "Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: \(body.count)\r\n"
    if !body.isEmpty { head += "Content-Type: application/json\r\n" }
    try await sender.send(Array((head + "\r\n").utf8) + body)
    let blank = Array("\r\n\r\n".utf8)
    var bytes: [UInt8] = []
    var end: Int?
    while end == nil {
      guard let piece = try await next() else {
        throw DockerEngineError(.unreachable, "\(request.purpose): the engine ended the connection")
      }
      bytes += piece
      guard bytes.count <= Self.headLimitBytes else {
        throw DockerEngineError(.badAnswer, "\(request.purpose): the answer's head is too long")
      }
      end = bytes.indices.dropLast(3).first { bytes[$0..<$0 + 4].elementsEqual(blank) }
    }
    guard let end else { return }
    let text = String(decoding: bytes[..<end], as: UTF8.self)
    pending = Array(bytes[(end + 4)...])
    let words = text.prefix { $0 != "\r\n" }.split(separator: " ", maxSplits: 2)
    guard words.count >= 2, let status = UInt(words[1]) else {
      throw DockerEngineError(.badAnswer, "\(request.purpose): the answer is no HTTP")
    }
    guard status != 101, status != 200 else { return }
    throw try await refusal(request, status: status)
  }

  /// Reads the rest of a refusal; the engine sends it in one piece.
  private mutating func refusal(_ request: EngineRequest, status: UInt) async throws -> DockerEngineError {
    var bytes: [UInt8] = []
    while bytes.last != UInt8(ascii: "}"), bytes.last != UInt8(ascii: "\n"), bytes.count < Self.headLimitBytes,
      let piece = try await next()
    {
      bytes += piece
    }
    // Its frame, should it come in chunks, stands around the one object.
    let start = bytes.firstIndex(of: UInt8(ascii: "{")) ?? 0
    let end = bytes.lastIndex(of: UInt8(ascii: "}")) ?? bytes.count - 1
    let body = start <= end ? Array(bytes[start...end]) : bytes
    return EngineAnswer(status: status, headers: [:], body: body).refusal(of: request)
  }
}

extension EngineConnection {
  /// Sends a request that turns its connection into a stream, and hands it over.
  ///
  /// - Throws: ``DockerEngineError``; what `body` throws of another kind counts as a broken connection.
  func upgraded<Value: Sendable>(
    _ request: EngineRequest,
    prefix: String,
    _ body: (inout UpgradedStream) async throws -> Value
  ) async throws(DockerEngineError) -> Value {
    do {
      let channel = try await connect()
      return try await channel.executeThenClose { inbound, outbound in
        var stream = UpgradedStream(inbound, outbound, channel.channel)
        try await stream.upgrade(request, target: prefix + request.target, host: host)
        let value = try await body(&stream)
        // What was not sent is not waited for.
        stream.sender.hangUp()
        return value
      }
    } catch {
      throw Self.failure(error, request)
    }
  }

  private func connect() async throws -> NIOAsyncChannel<ByteBuffer, ByteBuffer> {
    let bootstrap = ClientBootstrap(group: eventLoopGroup)
      .channelOption(.allowRemoteHalfClosure, value: true)
      .connectTimeout(.seconds(5))
    let wrap: @Sendable (any Channel) -> EventLoopFuture<NIOAsyncChannel<ByteBuffer, ByteBuffer>> = { channel in
      channel.eventLoop.makeCompletedFuture {
        try NIOAsyncChannel(
          wrappingChannelSynchronously: channel,
          configuration: .init(isOutboundHalfClosureEnabled: true)
        )
      }
    }
    switch address {
    case .unix(let path): return try await bootstrap.connect(unixDomainSocketPath: path, channelInitializer: wrap)
    case .tcp(let host, let port): return try await bootstrap.connect(host: host, port: port, channelInitializer: wrap)
    }
  }
}
