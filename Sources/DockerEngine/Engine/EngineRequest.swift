// SPDX-License-Identifier: Apache-2.0
import NIOCore
import NIOHTTP1

/// One request of the Engine API.
struct EngineRequest: Sendable {
  /// The methods that the API uses.
  enum Method: String {
    case get = "GET"
    case post = "POST"
    case delete = "DELETE"
    case put = "PUT"
    case head = "HEAD"
  }

  var method: Method
  /// The path below the version, already percent-encoded: `/containers/ID/start`.
  var path: String
  var query: [(name: String, value: String)] = []
  var body: JSONValue?
  /// An archive as body instead.
  var upload: UploadPieces?
  var headers: [(name: String, value: String)] = []
  /// How long the whole answer may take; nil for streams.
  var timeout: Duration? = .seconds(60)
  /// What is being done, for error messages: "start container web".
  var purpose: String

  /// Statuses that count as done beside 2xx, such as 304 for "is so already".
  var acceptedStatuses: Set<UInt> = []

  /// Path and query as they stand in the request line.
  var target: String {
    guard !query.isEmpty else { return path }
    return path + "?" + query.map { "\($0.name)=\(Self.percentEncoded($0.value))" }.joined(separator: "&")
  }

  /// Escapes everything but RFC 3986's unreserved characters.
  static func percentEncoded(_ text: String) -> String {
    var encoded = ""
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
        UInt8(ascii: "~"):
        encoded.unicodeScalars.append(Unicode.Scalar(byte))
      default:
        let digits = String(byte, radix: 16, uppercase: true)
        encoded += digits.utf8.count == 1 ? "%0" + digits : "%" + digits
      }
    }
    return encoded
  }
}

/// A request's body that is made while it is sent.
struct UploadPieces: AsyncSequence, Sendable {
  typealias Element = ByteBuffer

  /// The next piece; nil at the end.
  var next: @Sendable () async throws -> [UInt8]?

  struct AsyncIterator: AsyncIteratorProtocol {
    var source: @Sendable () async throws -> [UInt8]?

    mutating func next() async throws -> ByteBuffer? {
      try await source().map { ByteBuffer(bytes: $0) }
    }
  }

  func makeAsyncIterator() -> AsyncIterator { AsyncIterator(source: next) }
}

/// A whole answer.
struct EngineAnswer: Sendable {
  var status: UInt
  var headers: HTTPHeaders
  var body: [UInt8]
}
