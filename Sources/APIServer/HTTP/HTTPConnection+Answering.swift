// SPDX-License-Identifier: Apache-2.0
import Logging
import NIOCore
import NIOHTTP1

/// The answering side, called through ``HTTPExchange``; calls for an exchange that is over are dropped.
extension HTTPConnection {
  /// Bodies up to this size are copied behind the head, so that one write sends both.
  private static let joinedBodyBytes = 16 * 1024
  /// Room for bodies that a connection keeps between two answers.
  private static let keptScratchBytes = 4 * 1024

  func respond(_ response: HTTPResponse, to id: UInt64) {
    guard let exchange = current, exchange.id == id, exchange.phase == .waiting, let context else { return }
    let keepsAlive = keepsAlive(after: exchange)
    let framing = BodyFraming.length(response.hasNoBody ? nil : response.body.readableBytes)
    let sendsBody = !exchange.isHead && !response.hasNoBody && response.body.readableBytes > 0
    let joinsBody = sendsBody && response.body.readableBytes <= Self.joinedBodyBytes
    var buffer = context.channel.allocator.buffer(capacity: 320 + (joinsBody ? response.body.readableBytes : 0))
    writeHead(of: exchange, response.status, response.headers, framing, keepsAlive: keepsAlive, into: &buffer)
    if joinsBody { buffer.writeImmutableBuffer(response.body) }
    context.write(wrapOutboundOut(buffer), promise: nil)
    if sendsBody && !joinsBody { context.write(wrapOutboundOut(response.body), promise: nil) }
    flushUnlessReading()
    finish(keepsAlive: keepsAlive)
  }

  func respond(writing response: some WrittenResponse, to id: UInt64) {
    guard let exchange = current, exchange.id == id, exchange.phase == .waiting, let context else { return }
    let keepsAlive = keepsAlive(after: exchange)
    scratch.removeAll(keepingCapacity: true)
    response.writeBody(into: &scratch)
    var buffer = context.channel.allocator.buffer(capacity: 320 + (exchange.isHead ? 0 : scratch.count))
    ResponseEncoding.writeStatusLine(response.status, version: exchange.version, into: &buffer)
    response.writeFields(into: &buffer)
    let connection = connectionOption(of: exchange, keepsAlive: keepsAlive)
    ResponseEncoding.writeEnd(.length(scratch.count), connection: connection, date: date.current(), into: &buffer)
    if !exchange.isHead { buffer.writeBytes(scratch) }
    if scratch.capacity > Self.keptScratchBytes { scratch = [] }
    write(buffer)
    finish(keepsAlive: keepsAlive)
  }

  func begin(
    _ status: HTTPResponseStatus,
    headers: HTTPHeaders,
    length: Int?,
    isOpenEnded: Bool,
    of id: UInt64
  ) {
    guard let exchange = current, exchange.id == id, exchange.phase == .waiting, let context else { return }
    let framing: BodyFraming =
      if HTTPResponse(status).hasNoBody {
        .length(nil)
      } else if let length {
        .length(length)
      } else {
        exchange.version.minor >= 1 ? .chunked : .untilClose
      }
    let keepsAlive = framing != .untilClose && keepsAlive(after: exchange)
    var buffer = context.channel.allocator.buffer(capacity: 320)
    writeHead(of: exchange, status, headers, framing, keepsAlive: keepsAlive, into: &buffer)
    write(buffer)
    guard !exchange.isHead else { return finish(keepsAlive: keepsAlive) }
    current?.phase = .streaming(framing)
    current?.isKeepAlive = keepsAlive
    current?.isOpenEnded = isOpenEnded
    if inputIsOver && isOpenEnded { abort(id) }
  }

  func send(_ data: ByteBuffer, of id: UInt64, promise: EventLoopPromise<Void>? = nil) {
    send(data, chunk: nil, of: id, promise: promise)
  }

  func send(_ piece: StreamPiece, of id: UInt64) {
    send(piece.data, chunk: piece.chunk, of: id, promise: nil)
  }

  private func send(_ data: ByteBuffer, chunk: ByteBuffer?, of id: UInt64, promise: EventLoopPromise<Void>?) {
    guard let exchange = current, exchange.id == id, exchange.phase != .waiting, let context else {
      promise?.fail(ChannelError.ioOnClosedChannel)
      return
    }
    guard exchange.backlogBytes <= limits.streamBacklogBytes || promise != nil else {
      logger.debug("Slow reader of a stream disconnected")
      return abort(id)
    }
    var buffer = data
    if exchange.phase == .streaming(.chunked) {
      if let chunk {
        buffer = chunk
      } else {
        buffer = context.channel.allocator.buffer(capacity: data.readableBytes + 16)
        ResponseEncoding.writeChunk(data, into: &buffer)
      }
    }
    if promise == nil, exchange.backlogBytes == 0, context.channel.isWritable {
      // The client keeps up; what the channel holds by itself is little.
      context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
      return
    }
    let size = buffer.readableBytes
    current?.backlogBytes += size
    let written = promise ?? context.eventLoop.makePromise(of: Void.self)
    written.futureResult.assumeIsolated().whenSuccess { self.leftProcess(size, of: id) }
    context.writeAndFlush(wrapOutboundOut(buffer), promise: written)
  }

  func end(_ id: UInt64, with last: ByteBuffer?) {
    guard let exchange = current, exchange.id == id, exchange.phase != .waiting, let context else { return }
    if exchange.phase == .streaming(.chunked) {
      var buffer = context.channel.allocator.buffer(capacity: (last?.readableBytes ?? 0) + 24)
      if let last { ResponseEncoding.writeChunk(last, into: &buffer) }
      ResponseEncoding.writeLastChunk(into: &buffer)
      write(buffer)
    } else if let last {
      write(last)
    }
    finish(keepsAlive: exchange.isKeepAlive && !isDraining)
  }

  func abort(_ id: UInt64) {
    guard current?.id == id else { return }
    finishCurrent()
    context?.close(promise: nil)
  }

  func whenOver(_ id: UInt64, _ action: @escaping @Sendable () -> Void) {
    if current?.id == id { current?.whenOver.append(action) } else { action() }
  }

  private func leftProcess(_ bytes: Int, of id: UInt64) {
    if current?.id == id { current?.backlogBytes -= bytes }
  }

  private func keepsAlive(after exchange: CurrentExchange) -> Bool {
    exchange.isKeepAlive && !isDraining && !(inputIsOver && waiting.isEmpty)
  }

  private func writeHead(
    of exchange: CurrentExchange,
    _ status: HTTPResponseStatus,
    _ headers: HTTPHeaders,
    _ framing: BodyFraming,
    keepsAlive: Bool,
    into buffer: inout ByteBuffer
  ) {
    ResponseEncoding.writeStatusLine(status, version: exchange.version, into: &buffer)
    for (name, value) in headers { ResponseEncoding.writeField(name, value, into: &buffer) }
    let connection = connectionOption(of: exchange, keepsAlive: keepsAlive)
    ResponseEncoding.writeEnd(framing, connection: connection, date: date.current(), into: &buffer)
  }

  /// What is not said is what the version has as its default.
  private func connectionOption(of exchange: CurrentExchange, keepsAlive: Bool) -> StaticString? {
    switch (keepsAlive, exchange.version.minor == 0) {
    case (true, true): "keep-alive"
    case (false, false): "close"
    case (true, false), (false, true): nil
    }
  }

  private func finish(keepsAlive: Bool) {
    finishCurrent()
    if keepsAlive { dispatch() } else { closeAfterAnswer() }
  }

  func finishCurrent() {
    guard let exchange = current else { return }
    current = nil
    for action in exchange.whenOver { action() }
  }

  func write(_ buffer: ByteBuffer) {
    context?.write(wrapOutboundOut(buffer), promise: nil)
    flushUnlessReading()
  }

  private func flushUnlessReading() {
    if !isReading { context?.flush() }
  }
}
