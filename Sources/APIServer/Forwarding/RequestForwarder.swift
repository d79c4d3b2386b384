// SPDX-License-Identifier: Apache-2.0
public import NIOCore
public import NIOHTTP1

/// The port through which a worker's store requests reach a member.
///
/// Shape: it speaks in NIO's own types alone, so that a client library can conform without knowing this server.
public protocol RequestForwarder: Sendable {
  /// The members' client URLs that requests go to, in the order they are tried.
  var endpoints: [String] { get }
  /// Those of them that have not failed just now.
  var availableEndpoints: [String] { get }
  /// Whether only GET is sent on (`proxy: readonly`).
  var isReadOnly: Bool { get }
  /// The peer URLs that this machine would have as a member.
  var ownPeerURLs: [String] { get }

  /// Reads the list of members now instead of at its time.
  func refreshSoon()

  /// Sends a request on and hands over the answer as it comes: one head, body parts, one end.
  ///
  /// Also answers when no member can be had (503, 502). Cancelling the task gives the request up.
  ///
  /// - Parameters:
  ///   - head: The request as the client sent it, with `X-Forwarded-For` added.
  ///   - body: Its whole body.
  ///   - refused: Told before the answer when no member gives it.
  ///   - answer: Takes the parts; it suspends while the client is slow.
  /// - Throws: When the answer broke off, or `answer` did.
  func forward(
    _ head: HTTPRequestHead,
    body: ByteBuffer,
    refused: @escaping @Sendable (HTTPResponseStatus) -> Void,
    answer: @escaping @Sendable (HTTPClientResponsePart) async throws -> Void
  ) async throws
}

extension RequestForwarder {
  /// None is known to have failed.
  public var availableEndpoints: [String] { endpoints }
  /// Everything is sent on.
  public var isReadOnly: Bool { false }
  /// The machine does not become a member.
  public var ownPeerURLs: [String] { [] }

  /// Does nothing.
  public func refreshSoon() {}
}
