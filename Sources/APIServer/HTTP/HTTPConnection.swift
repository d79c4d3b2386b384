// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import Logging
import NIOCore
import NIOHTTP1

/// One client's connection: reads requests, has them answered one at a time in order, writes the answers as bytes.
///
/// Concurrency: confined to the connection's event loop.
final class HTTPConnection: ChannelDuplexHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundIn = Never
  typealias OutboundOut = ByteBuffer

  /// A request whose turn has not come, or the answer to something that is no request.
  private enum Waiting {
    case request(HTTPRequest)
    case refusal(HTTPResponse)

    var bodyBytes: Int {
      switch self {
      case .request(let request): request.body.readableBytes
      case .refusal: 0
      }
    }
  }

  let limits: HTTPLimits
  private let route: any HTTPRoute
  private let logger: Logger
  private var date = HTTPDate()

  /// The request that is being read.
  private var incoming: HTTPRequest?
  private var owesContinue = false
  private var waiting = CircularBuffer<Waiting>()
  private var waitingBytes = 0
  /// The request that is being answered.
  private var current: CurrentExchange?
  private var nextExchangeID: UInt64 = 1

  private var isReading = false
  private var isDispatching = false
  private var readIsHeld = false
  /// The client sends no more, or what it sends is ignored.
  private var inputIsOver = false
  private var isDraining = false
  private var isLingering = false

  init(route: any HTTPRoute, limits: HTTPLimits, logger: Logger) {
    self.route = route
    self.limits = limits
    self.logger = logger
  }

  private var context: ChannelHandlerContext?

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    finishCurrent()
    self.context = nil
  }

  // MARK: Reading

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    isReading = true
    guard !inputIsOver else { return }
    switch unwrapInboundIn(data) {
    case .head(let head): readHead(head, context: context)
    case .body(let part): readBody(part)
    case .end:
      if let request = incoming {
        incoming = nil
        enqueue(.request(request))
      }
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    isReading = false
    context.flush()
    context.fireChannelReadComplete()
  }

  func read(context: ChannelHandlerContext) {
    if isBacklogFull {
      readIsHeld = true
    } else {
      context.read()
    }
  }

  private var isBacklogFull: Bool {
    waiting.count >= limits.waitingRequests || waitingBytes >= limits.waitingBytes
  }

  private func readHead(_ head: HTTPRequestHead, context: ChannelHandlerContext) {
    if head.version.minor >= 1, !head.headers.contains(name: "host") {
      return refuse(.badRequest, reason: "400 Bad Request: missing required Host header")
    }
    guard let target = RequestTarget(head.uri) else { return refuse(.badRequest, reason: "400 Bad Request") }
    incoming = HTTPRequest(head: head, target: target, remoteAddress: context.remoteAddress?.ipAddress)
    owesContinue = head.version.minor >= 1 && head.headers["expect"].contains { $0.lowercased() == "100-continue" }
    sendContinueWhenIdle()
  }

  private func readBody(_ part: ByteBuffer) {
    guard incoming != nil else { return }
    owesContinue = false
    if (incoming?.body.readableBytes ?? 0) + part.readableBytes <= limits.bodyBytes {
      var part = part
      if incoming?.body.readableBytes == 0 { incoming?.body = part } else { incoming?.body.writeBuffer(&part) }
    } else if var request = incoming {
      request.bodyIsTooLarge = true
      request.isKeepAlive = false
      incoming = nil
      inputIsOver = true
      enqueue(.request(request))
    }
  }

  /// Answers bytes that are no request; nothing after them can be understood.
  private func refuse(_ status: HTTPResponseStatus, reason: String) {
    incoming = nil
    inputIsOver = true
    let headers: HTTPHeaders = ["Content-Type": "text/plain; charset=utf-8"]
    enqueue(.refusal(HTTPResponse(status, headers: headers, body: ByteBuffer(string: reason))))
  }

  private func sendContinueWhenIdle() {
    guard owesContinue, current == nil, waiting.isEmpty, let context else { return }
    owesContinue = false
    var buffer = context.channel.allocator.buffer(capacity: 32)
    buffer.writeStaticString("HTTP/1.1 100 Continue\r\n\r\n")
    write(buffer)
  }

  // MARK: Taking turns

  private func enqueue(_ next: Waiting) {
    waiting.append(next)
    waitingBytes += next.bodyBytes
    dispatch()
  }

  /// Starts the next request while none is being answered and the client takes its answers.
  private func dispatch() {
    guard !isDispatching, let context else { return }
    isDispatching = true
    defer { isDispatching = false }
    while current == nil, context.channel.isWritable, let next = waiting.popFirst() {
      waitingBytes -= next.bodyBytes
      let id = nextExchangeID
      nextExchangeID += 1
      switch next {
      case .request(let request):
        current = CurrentExchange(id: id, request: request)
        route.serve(request, HTTPExchange(self, id: id, eventLoop: context.eventLoop))
      case .refusal(let response):
        current = CurrentExchange(id: id)
        respond(response, to: id)
      }
    }
    if !isReading { context.flush() }
    resumeReading(context)
    guard current == nil, waiting.isEmpty else { return }
    sendContinueWhenIdle()
    if (inputIsOver || isDraining) && !isLingering { context.close(promise: nil) }
  }

  private func resumeReading(_ context: ChannelHandlerContext) {
    guard readIsHeld, !isBacklogFull else { return }
    readIsHeld = false
    context.read()
  }

  // MARK: Answering

  func respond(_ response: HTTPResponse, to id: UInt64) {
    guard let exchange = current, exchange.id == id, exchange.phase == .waiting, let context else { return }
    let keepsAlive = keepsAlive(after: exchange)
    let framing = BodyFraming.length(response.hasNoBody ? nil : response.body.readableBytes)
    let sendsBody = !exchange.isHead && !response.hasNoBody && response.body.readableBytes > 0
    let joinsBody = sendsBody && response.body.readableBytes <= 16 * 1024
    var buffer = context.channel.allocator.buffer(capacity: 320 + (joinsBody ? response.body.readableBytes : 0))
    ResponseEncoding.writeHead(
      version: exchange.version,
      status: response.status,
      headers: response.headers,
      framing: framing,
      connection: connectionField(exchange, keepsAlive: keepsAlive),
      date: date.current(),
      into: &buffer
    )
    if joinsBody { buffer.writeImmutableBuffer(response.body) }
    context.write(wrapOutboundOut(buffer), promise: nil)
    if sendsBody && !joinsBody { context.write(wrapOutboundOut(response.body), promise: nil) }
    flushUnlessReading()
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
    ResponseEncoding.writeHead(
      version: exchange.version,
      status: status,
      headers: headers,
      framing: framing,
      connection: connectionField(exchange, keepsAlive: keepsAlive),
      date: date.current(),
      into: &buffer
    )
    write(buffer)
    guard !exchange.isHead else { return finish(keepsAlive: keepsAlive) }
    current?.phase = .streaming(framing)
    current?.isKeepAlive = keepsAlive
    current?.isOpenEnded = isOpenEnded
    if inputIsOver && isOpenEnded { abort(id) }
  }

  func send(_ data: ByteBuffer, of id: UInt64, promise: EventLoopPromise<Void>? = nil) {
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
      buffer = context.channel.allocator.buffer(capacity: data.readableBytes + 16)
      ResponseEncoding.writeChunk(data, into: &buffer)
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

  private func connectionField(_ exchange: CurrentExchange, keepsAlive: Bool) -> StaticString? {
    if !keepsAlive { return exchange.version.minor == 0 ? nil : "close" }
    return exchange.version.minor == 0 ? "keep-alive" : nil
  }

  private func finish(keepsAlive: Bool) {
    finishCurrent()
    if keepsAlive { dispatch() } else { closeAfterAnswer() }
  }

  private func finishCurrent() {
    guard let exchange = current else { return }
    current = nil
    for action in exchange.whenOver { action() }
  }

  private func write(_ buffer: ByteBuffer) {
    context?.write(wrapOutboundOut(buffer), promise: nil)
    flushUnlessReading()
  }

  private func flushUnlessReading() {
    if !isReading { context?.flush() }
  }

  // MARK: Ending

  /// Closes so that the client can still read the answer: a plain close with input unread would reset the connection.
  private func closeAfterAnswer() {
    guard let context, !isLingering else { return }
    isLingering = true
    inputIsOver = true
    waiting.removeAll()
    waitingBytes = 0
    context.flush()
    context.close(mode: .output, promise: nil)
    resumeReading(context)
    let channel = context.channel
    context.eventLoop.scheduleTask(in: .seconds(1)) { channel.close(promise: nil) }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    switch event {
    case ChannelEvent.inputClosed:
      incoming = nil
      inputIsOver = true
      if isLingering || (current == nil && waiting.isEmpty) {
        context.close(promise: nil)
      } else if let current, current.isOpenEnded {
        abort(current.id)
      }
    case is ServerDraining:
      isDraining = true
      if let current, current.phase != .waiting {
        abort(current.id)
      } else if current == nil && waiting.isEmpty && !isLingering {
        context.close(promise: nil)
      }
    default: context.fireUserInboundEventTriggered(event)
    }
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable { dispatch() }
    context.fireChannelWritabilityChanged()
  }

  func channelInactive(context: ChannelHandlerContext) {
    waiting.removeAll()
    finishCurrent()
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard let parserError = error as? HTTPParserError else {
      logger.debug("Connection failed", metadata: ["http.error": "\(error)"])
      context.close(promise: nil)
      return
    }
    guard !inputIsOver else { return }
    if parserError == .headerOverflow {
      refuse(.requestHeaderFieldsTooLarge, reason: "431 Request Header Fields Too Large")
    } else {
      refuse(.badRequest, reason: "400 Bad Request")
    }
  }
}

/// Tells a connection that the server stops: idle ones close, others after the answer they are at.
struct ServerDraining {}

/// The request that is being answered and how far its answer is.
private struct CurrentExchange {
  enum Phase: Equatable {
    /// Nothing was sent yet.
    case waiting
    /// The head was sent; the body follows.
    case streaming(BodyFraming)
  }

  let id: UInt64
  let isHead: Bool
  let version: HTTPVersion
  var isKeepAlive: Bool
  var phase = Phase.waiting
  /// Whether the stream may be silent for ever, so that a client that closed its side counts as gone.
  var isOpenEnded = false
  /// Bytes of the stream that the client has not taken yet.
  var backlogBytes = 0
  var whenOver: [@Sendable () -> Void] = []

  init(id: UInt64, request: HTTPRequest) {
    self.id = id
    isHead = request.method == .HEAD
    version = request.version
    isKeepAlive = request.isKeepAlive
  }

  /// The exchange of something that is no request.
  init(id: UInt64) {
    self.id = id
    isHead = false
    version = .http1_1
    isKeepAlive = false
  }
}
