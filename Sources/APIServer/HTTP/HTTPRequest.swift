// SPDX-License-Identifier: Apache-2.0
public import EtcdWire
public import NIOCore
public import NIOHTTP1

/// A request with its whole body, as routes see it.
public struct HTTPRequest: Sendable {
  /// The method.
  public var method: HTTPMethod
  /// What it asks for: decoded clean path and raw query.
  public var target: RequestTarget
  /// The header fields, in their order.
  public var headers: RequestHeaders
  /// The body; cut off when ``bodyIsTooLarge``.
  public var body: ByteBuffer
  /// Whether the body went beyond ``HTTPLimits/bodyBytes``; routes that read bodies refuse it.
  public var bodyIsTooLarge: Bool
  /// The client's IP address; nil on unix sockets.
  public var remoteAddress: String?

  var version: HTTPVersion
  var isKeepAlive: Bool

  /// Makes a request.
  public init(
    method: HTTPMethod,
    target: RequestTarget,
    headers: RequestHeaders = [:],
    body: ByteBuffer = ByteBuffer(),
    remoteAddress: String? = nil
  ) {
    self.method = method
    self.target = target
    self.headers = headers
    self.body = body
    self.bodyIsTooLarge = false
    self.remoteAddress = remoteAddress
    self.version = .http1_1
    self.isKeepAlive = true
  }

  init(head: RequestHead, target: RequestTarget, remoteAddress: String?) {
    self.init(method: head.method, target: target, headers: head.headers, remoteAddress: remoteAddress)
    version = head.version
    isKeepAlive = head.isKeepAlive
  }

  /// The media type of the body, in lower case and without parameters; nil when it is not said.
  public var mediaType: String? {
    guard let value = headers.first(name: "content-type") else { return nil }
    let type = value.prefix { $0 != ";" }
    return type.trimming { $0 == " " || $0 == "\t" }.lowercased()
  }
}

extension Substring {
  func trimming(_ isPadding: (Character) -> Bool) -> Substring {
    var text = self.drop(while: isPadding)
    while let last = text.last, isPadding(last) { text.removeLast() }
    return text
  }
}
