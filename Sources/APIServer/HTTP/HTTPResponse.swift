// SPDX-License-Identifier: Apache-2.0
public import NIOCore
public import NIOHTTP1

/// A whole answer.
///
/// `Date`, `Content-Length`, `Transfer-Encoding` and `Connection` are the connection's to add.
public struct HTTPResponse: Sendable {
  /// The status.
  public var status: HTTPResponseStatus
  /// The header fields, in the order they are sent.
  public var headers: HTTPHeaders
  /// The body; empty for none.
  public var body: ByteBuffer

  /// Makes an answer.
  public init(_ status: HTTPResponseStatus, headers: HTTPHeaders = [:], body: ByteBuffer = ByteBuffer()) {
    self.status = status
    self.headers = headers
    self.body = body
  }

  /// Makes an answer of plain text, with the headers Go's `http.Error` sends.
  public static func text(_ status: HTTPResponseStatus, _ text: String, allow: String? = nil) -> HTTPResponse {
    var headers: HTTPHeaders = [:]
    if let allow { headers.add(name: "Allow", value: allow) }
    headers.add(name: "Content-Type", value: "text/plain; charset=utf-8")
    if status.code >= 400 { headers.add(name: "X-Content-Type-Options", value: "nosniff") }
    return HTTPResponse(status, headers: headers, body: ByteBuffer(string: text))
  }

  /// Makes an answer of one JSON text.
  public static func json(_ status: HTTPResponseStatus, _ text: String) -> HTTPResponse {
    HTTPResponse(status, headers: ["Content-Type": "application/json"], body: ByteBuffer(string: text))
  }

  /// The answer for a path that nothing serves.
  public static let notFound = HTTPResponse.text(.notFound, "404 page not found\n")

  /// The answer for a method that the path does not serve; `allow` lists those it does.
  public static func methodNotAllowed(allow: String?) -> HTTPResponse {
    .text(.methodNotAllowed, "Method Not Allowed\n", allow: allow)
  }

  /// Whether the status forbids a body and its length (RFC 9110, section 8.6).
  var hasNoBody: Bool {
    status.code == 204 || status.code == 304 || status.code < 200
  }
}
