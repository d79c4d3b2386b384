// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import Logging
import NIOCore
import NIOHTTP1

/// One client's connection: reads requests, has them answered one at a time in order, writes the answers as bytes.
///
/// Concurrency: confined to the connection's event loop.
final class HTTPConnection: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundIn = Never
  typealias OutboundOut = ByteBuffer

  let limits: HTTPLimits
  let logger: Logger
  private let route: any HTTPRoute
  private(set) var context: ChannelHandlerContext?
  var date = HTTPDate()

  private var decoder: RequestDecoder
  /// The request that is being read.
  private var incoming: HTTPRequest?
  private var owesContinue = false
  private(set) var waiting = WaitingRequests()
  /// The request that is being answered.
  var current: CurrentExchange?
  private var nextExchangeID: UInt64 = 1
  /// The client's address, as text made once.
  private var remoteAddress: String?
  private var carrier: LoopCarrier?
  /// Where bodies are written before their length is known.
  var scratch: [UInt8] = []

  /// Whether bytes are being taken in, after which everything that was written is flushed at once.
  private(set) var isReading = false
  private var isDispatching = false
  private var readIsHeld = false
  /// The client sends no more, or what it sends is ignored.
  private(set) var inputIsOver = false
  private(set) var isDraining = false
  /// Set once the last answer has been written: closes the connection when the client does not.
  private var lingering: Scheduled<Void>?

  init(route: any HTTPRoute, limits: HTTPLimits, logger: Logger) {
    self.route = route
    self.limits = limits
    self.logger = logger
    decoder = RequestDecoder(limits: limits)
  }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    if context.channel.isActive { remoteAddress = context.remoteAddress?.ipAddress }
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    finishCurrent()
    self.context = nil
  }

  // MARK: Reading

  func channelActive(context: ChannelHandlerContext) {
    remoteAddress = context.remoteAddress?.ipAddress
    context.fireChannelActive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    isReading = true
    guard !inputIsOver else { return }
    decoder.append(unwrapInboundIn(data))
    decode()
    dispatch()
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    isReading = false
    context.flush()
    context.fireChannelReadComplete()
  }

  func read(context: ChannelHandlerContext) {
    if waiting.isFull(limits) {
      readIsHeld = true
    } else {
      context.read()
    }
  }

  /// Takes requests off what has come, as many as may wait.
  ///
  /// - Returns: Whether there is something to answer that was not there before.
  @discardableResult
  private func decode(upToLimits: Bool = true) -> Bool {
    let before = waiting.count
    do throws(RequestDecoder.Failure) {
      while !inputIsOver, !(upToLimits && waiting.isFull(limits)), let part = try decoder.next() {
        switch part {
        case .head(let head): readHead(head)
        case .body(let part): readBody(part)
        case .end:
          guard let request = incoming else { continue }
          incoming = nil
          waiting.append(.request(request))
        }
      }
    } catch {
      refuse(error)
    }
    return waiting.count > before
  }

  private func readHead(_ head: RequestHead) {
    if head.version.minor >= 1, head.hostCount == 0 {
      return refuse(.badRequest, reason: "400 Bad Request: missing required Host header")
    }
    if head.hostCount > 1 { return refuse(.badRequest, reason: "400 Bad Request: too many Host headers") }
    guard let target = head.target else { return refuse(.badRequest, reason: "400 Bad Request") }
    incoming = HTTPRequest(head: head, target: target, remoteAddress: remoteAddress)
    owesContinue = head.expectsContinue
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
      decoder.clear()
      waiting.append(.request(request))
    }
  }

  private func refuse(_ failure: RequestDecoder.Failure) {
    switch failure {
    case .malformed: refuse(.badRequest, reason: "400 Bad Request")
    case .tooLargeHead: refuse(.requestHeaderFieldsTooLarge, reason: "431 Request Header Fields Too Large")
    case .unsupportedVersion: refuse(.httpVersionNotSupported, reason: "505 HTTP Version Not Supported")
    case .unsupportedEncoding: refuse(.notImplemented, reason: "501 Not Implemented: unsupported transfer encoding")
    }
  }

  /// Answers bytes that are no request; nothing after them can be understood.
  private func refuse(_ status: HTTPResponseStatus, reason: String) {
    incoming = nil
    inputIsOver = true
    decoder.clear()
    let headers: HTTPHeaders = ["Content-Type": "text/plain; charset=utf-8"]
    waiting.append(.refusal(HTTPResponse(status, headers: headers, body: ByteBuffer(string: reason))))
  }

  private func sendContinueWhenIdle() {
    guard owesContinue, current == nil, waiting.isEmpty, let context else { return }
    owesContinue = false
    var buffer = context.channel.allocator.buffer(capacity: 32)
    buffer.writeStaticString("HTTP/1.1 100 Continue\r\n\r\n")
    write(buffer)
  }

  // MARK: Taking turns

  /// Starts the next request while none is being answered and the client takes its answers.
  func dispatch() {
    guard !isDispatching, let context else { return }
    isDispatching = true
    repeat { serveWaiting(context) } while !waiting.isFull(limits) && decode()
    isDispatching = false
    if !isReading { context.flush() }
    if readIsHeld && !waiting.isFull(limits) {
      readIsHeld = false
      context.read()
    }
    guard current == nil, waiting.isEmpty else { return }
    sendContinueWhenIdle()
    if (inputIsOver || isDraining) && lingering == nil { context.close(promise: nil) }
  }

  private func serveWaiting(_ context: ChannelHandlerContext) {
    while current == nil, context.channel.isWritable, let next = waiting.popFirst() {
      let id = nextExchangeID
      nextExchangeID += 1
      switch next {
      case .request(let request):
        current = CurrentExchange(id: id, request: request)
        let carrier = carrier ?? LoopCarrier(context.eventLoop)
        self.carrier = carrier
        route.serve(request, HTTPExchange(self, id: id, carrier: carrier, eventLoop: context.eventLoop))
      case .refusal(let response):
        current = CurrentExchange(id: id)
        respond(response, to: id)
      }
    }
  }

  // MARK: Ending

  /// Closes so that the client can still read the answer: a plain close with input unread would reset the connection.
  func closeAfterAnswer() {
    guard let context, lingering == nil else { return }
    inputIsOver = true
    waiting.removeAll()
    decoder.clear()
    let channel = context.channel
    lingering = context.eventLoop.scheduleTask(in: .seconds(1)) { channel.close(promise: nil) }
    context.flush()
    context.close(mode: .output, promise: nil)
    guard readIsHeld else { return }
    readIsHeld = false
    context.read()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    switch event {
    case ChannelEvent.inputClosed:
      endInput()
      if lingering != nil || (current == nil && waiting.isEmpty) {
        context.close(promise: nil)
      } else if let current, current.isOpenEnded {
        abort(current.id)
      }
    case is ServerDraining:
      isDraining = true
      if let current, current.phase != .waiting {
        abort(current.id)
      } else if current == nil && waiting.isEmpty && lingering == nil {
        context.close(promise: nil)
      }
    default: context.fireUserInboundEventTriggered(event)
    }
  }

  /// The client sends no more; what it has sent is still answered.
  private func endInput() {
    decode(upToLimits: false)
    if incoming != nil || decoder.isInsideRequest && !inputIsOver {
      refuse(.malformed)
      return dispatch()
    }
    inputIsOver = true
    dispatch()
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable { dispatch() }
    context.fireChannelWritabilityChanged()
  }

  func channelInactive(context: ChannelHandlerContext) {
    waiting.removeAll()
    lingering?.cancel()
    finishCurrent()
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    logger.debug("Connection failed", metadata: ["http.error": "\(error)"])
    context.close(promise: nil)
  }
}

/// Tells a connection that the server stops: idle ones close, others after the answer they are at.
struct ServerDraining {}
