// SPDX-License-Identifier: Apache-2.0
import NIOCore
public import NIOHTTP1

/// The header fields of a request as the bytes they came in; names are looked up when somebody asks.
///
/// Shape: lines `name: value`, checked by ``RequestDecoder``: names are tokens, values hold no control bytes.
public struct RequestHeaders: Sendable, Equatable {
  private let lines: ByteBuffer

  /// Takes over lines that have been checked.
  init(checked lines: ByteBuffer) {
    self.lines = lines
  }

  /// Makes the fields of a request that did not come over a connection.
  public init(_ headers: HTTPHeaders = [:]) {
    var lines = ByteBuffer()
    for (name, value) in headers {
      lines.writeString(name)
      lines.writeStaticString(": ")
      lines.writeBytes(value.utf8.map { $0 == 13 || $0 == 10 ? 32 : $0 })
      lines.writeStaticString("\r\n")
    }
    self.lines = lines
  }

  /// The first value of a name, in whatever case; nil when it does not occur.
  public func first(name: String) -> String? {
    var value: String?
    forEachValue(of: name) { bytes in
      value = String(decoding: bytes, as: UTF8.self)
      return false
    }
    return value
  }

  /// All values of a name, in their order.
  public subscript(name: String) -> [String] {
    var values: [String] = []
    forEachValue(of: name) { bytes in
      values.append(String(decoding: bytes, as: UTF8.self))
      return true
    }
    return values
  }

  /// Whether a name occurs.
  public func contains(name: String) -> Bool {
    var isFound = false
    forEachValue(of: name) { _ in
      isFound = true
      return false
    }
    return isFound
  }

  /// Whether the first value of a name consists of exactly these bytes.
  func first(name: String, is expected: StaticString) -> Bool {
    var isEqual = false
    forEachValue(of: name) { bytes in
      isEqual = expected.withUTF8Buffer { bytes.elementsEqual($0) }
      return false
    }
    return isEqual
  }

  /// All fields, in their order.
  public var fields: HTTPHeaders {
    var headers = HTTPHeaders()
    lines.withUnsafeReadableBytes { bytes in
      var rest = bytes[...]
      while let field = HeaderField(&rest) {
        headers.add(
          name: String(decoding: field.name, as: UTF8.self),
          value: String(decoding: field.value, as: UTF8.self)
        )
      }
    }
    return headers
  }

  /// Calls `body` with each value of a name until it returns false.
  private func forEachValue(of name: String, _ body: (Slice<UnsafeRawBufferPointer>) -> Bool) {
    var name = name
    name.withUTF8 { wanted in
      lines.withUnsafeReadableBytes { bytes in
        var rest = bytes[...]
        while let field = HeaderField(&rest) {
          if field.isNamed(wanted), !body(field.value) { return }
        }
      }
    }
  }
}

extension RequestHeaders: ExpressibleByDictionaryLiteral {
  /// Makes fields from a literal.
  public init(dictionaryLiteral elements: (String, String)...) {
    self.init(HTTPHeaders(elements))
  }
}

/// One line of a block of header fields, cut in two; it has been checked before.
private struct HeaderField {
  let name: Slice<UnsafeRawBufferPointer>
  let value: Slice<UnsafeRawBufferPointer>

  /// Takes the next line off; nil after the last.
  init?(_ rest: inout Slice<UnsafeRawBufferPointer>) {
    guard let end = rest.firstIndex(of: 10), let colon = rest[..<end].firstIndex(of: UInt8(ascii: ":")) else {
      return nil
    }
    name = rest[..<colon]
    value = rest[(colon + 1)..<end].trimmedOfBlanks
    rest = rest[(end + 1)...]
  }

  func isNamed(_ wanted: UnsafeBufferPointer<UInt8>) -> Bool {
    name.count == wanted.count && zip(name, wanted).allSatisfy { $0.asciiLowercased == $1.asciiLowercased }
  }
}

extension UInt8 {
  var asciiLowercased: UInt8 { self >= 65 && self <= 90 ? self | 0x20 : self }
}

extension Slice<UnsafeRawBufferPointer> {
  /// Without blanks, tabs and a carriage return at its ends.
  var trimmedOfBlanks: Self {
    var (start, end) = (startIndex, endIndex)
    while start < end, Self.isBlank(base[start]) { start += 1 }
    while start < end, Self.isBlank(base[end - 1]) { end -= 1 }
    return self[start..<end]
  }

  private static func isBlank(_ byte: UInt8) -> Bool { byte == 32 || byte == 9 || byte == 13 }
}
