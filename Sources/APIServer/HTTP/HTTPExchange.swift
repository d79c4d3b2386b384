// SPDX-License-Identifier: Apache-2.0
public import NIOCore
public import NIOHTTP1

/// The answering side of one request.
///
/// Shape: one ``respond(_:)``, or one ``begin(_:headers:length:isOpenEnded:)``, any number of ``send(_:)`` and one
/// ``end(with:)``. What comes after the exchange is over (answered, ended, or its client gone) is dropped.
///
/// Concurrency: any thread may call; calls from one thread take effect in their order, on the connection's event loop.
public struct HTTPExchange: Sendable {
  /// The event loop of the connection.
  public let eventLoop: any EventLoop
  private let connection: NIOLoopBound<HTTPConnection>
  private let id: UInt64
  /// The way of many answers at once to the event loop.
  let carrier: LoopCarrier

  init(_ connection: HTTPConnection, id: UInt64, carrier: LoopCarrier, eventLoop: any EventLoop) {
    self.eventLoop = eventLoop
    self.carrier = carrier
    self.connection = NIOLoopBound(connection, eventLoop: eventLoop)
    self.id = id
  }

  /// Answers with a whole response.
  public func respond(_ response: HTTPResponse) {
    onLoop { $0.respond(response, to: $1) }
  }

  /// Answers with a whole response that writes itself.
  func respond(writing response: some WrittenResponse) {
    onLoop { $0.respond(writing: response, to: $1) }
  }

  /// Sends status and headers at once, before any body.
  ///
  /// With a length, the pieces that follow must add up to it; without, the body is chunked. An open-ended stream may
  /// stay silent for ever, so it ends when the client closes its sending side: a client that left could not be noticed
  /// otherwise.
  public func begin(
    _ status: HTTPResponseStatus,
    headers: HTTPHeaders,
    length: Int? = nil,
    isOpenEnded: Bool = false
  ) {
    onLoop { $0.begin(status, headers: headers, length: length, isOpenEnded: isOpenEnded, of: $1) }
  }

  /// Sends a piece of the body without waiting for the client.
  ///
  /// A client that lets more than ``HTTPLimits/streamBacklogBytes`` pile up has its connection closed.
  public func send(_ data: ByteBuffer) {
    onLoop { $0.send(data, of: $1) }
  }

  /// Sends a piece of the body that other streams send too.
  func send(_ piece: StreamPiece) {
    onLoop { $0.send(piece, of: $1) }
  }

  /// Sends a piece of the body and succeeds when it has left this process, which a slow client delays.
  public func sendWaiting(_ data: ByteBuffer) -> EventLoopFuture<Void> {
    let promise = eventLoop.makePromise(of: Void.self)
    onLoop { $0.send(data, of: $1, promise: promise) }
    return promise.futureResult
  }

  /// Ends a body, with a last piece if there is one.
  public func end(with last: ByteBuffer? = nil) {
    onLoop { $0.end($1, with: last) }
  }

  /// Breaks the connection off, so that the client sees that the answer is not whole.
  public func abort() {
    onLoop { $0.abort($1) }
  }

  /// Runs an action once when the exchange is over, in whatever way; at once when it is over already.
  public func whenOver(_ action: @escaping @Sendable () -> Void) {
    onLoop { $0.whenOver($1, action) }
  }

  /// Answers with what a task makes; the task is cancelled when the client leaves.
  public func respond(with work: @escaping @Sendable () async -> HTTPResponse) {
    let promise = eventLoop.makePromise(of: HTTPResponse.self)
    let task = promise.completeWithTask(work)
    whenOver { task.cancel() }
    promise.futureResult.whenSuccess { respond($0) }
  }

  /// Lets a task answer piece by piece; the task is cancelled when the client leaves.
  ///
  /// The work calls the exchange itself; when it throws or ends without having ended the exchange, the connection is
  /// broken off.
  public func stream(_ work: @escaping @Sendable () async throws -> Void) {
    let promise = eventLoop.makePromise(of: Void.self)
    let task = promise.completeWithTask(work)
    whenOver { task.cancel() }
    promise.futureResult.whenComplete { _ in abort() }
  }

  private func onLoop(_ action: @escaping @Sendable (HTTPConnection, UInt64) -> Void) {
    if eventLoop.inEventLoop {
      action(connection.value, id)
    } else {
      eventLoop.execute { action(connection.value, id) }
    }
  }
}
