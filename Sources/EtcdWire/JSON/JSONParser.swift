// SPDX-License-Identifier: Apache-2.0

/// Where and why a text is not JSON.
public struct JSONError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The reason, such as `a value is missing`.
  public var reason: String
  /// Where in the text, in bytes from its start.
  public var byteOffset: Int

  /// Makes an error.
  public init(_ reason: String, atByte byteOffset: Int) {
    self.reason = reason
    self.byteOffset = byteOffset
  }

  /// Reason and place in one line.
  public var description: String { "\(reason) at byte \(byteOffset)" }
}

extension JSONValue {
  /// How deep lists and objects may be nested in a parsed text.
  public static let maximumDepth = 1_100

  /// Reads one value with nothing but white space around it.
  ///
  /// Invalid UTF-8 and lone surrogates become U+FFFD, as in Go.
  ///
  /// - Parameters:
  ///   - bytes: The whole text; its size is the caller's to limit.
  ///   - maximumDepth: How deep lists and objects may be nested.
  /// - Returns: The value.
  /// - Throws: ``JSONError`` with the offset of the first byte that does not fit.
  public static func parse(
    _ bytes: some Sequence<UInt8>,
    maximumDepth: Int = JSONValue.maximumDepth
  ) throws(JSONError) -> JSONValue {
    var parser = JSONParser(bytes: Array(bytes), maximumDepth: maximumDepth)
    return try parser.parseDocument()
  }

  /// Reads the first value of a text and ignores what follows, as Go's `json.Decoder` does.
  ///
  /// - Parameter bytes: The whole text; its size is the caller's to limit.
  /// - Returns: The value.
  /// - Throws: ``JSONError`` with the offset of the first byte that does not fit.
  public static func parseFirst(_ bytes: some Sequence<UInt8>) throws(JSONError) -> JSONValue {
    var parser = JSONParser(bytes: Array(bytes), maximumDepth: maximumDepth)
    return try parser.parseValue(depth: 0)
  }
}

/// A recursive-descent reader; the depth limit bounds its recursion.
private struct JSONParser {
  let bytes: [UInt8]
  let maximumDepth: Int
  var position = 0

  init(bytes: [UInt8], maximumDepth: Int) {
    self.bytes = bytes
    self.maximumDepth = maximumDepth
  }

  mutating func parseDocument() throws(JSONError) -> JSONValue {
    let value = try parseValue(depth: 0)
    skipSpace()
    guard position == bytes.count else { throw fail("unexpected text after the value") }
    return value
  }

  private func fail(_ reason: String) -> JSONError {
    JSONError(reason, atByte: position)
  }

  private var current: UInt8? {
    position < bytes.count ? bytes[position] : nil
  }

  private mutating func skipSpace() {
    while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
      position += 1
    }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard current == byte else { return false }
    position += 1
    return true
  }

  mutating func parseValue(depth: Int) throws(JSONError) -> JSONValue {
    guard depth <= maximumDepth else { throw fail("nested deeper than \(maximumDepth) levels") }
    skipSpace()
    guard let first = current else { throw fail("a value is missing") }
    switch first {
    case UInt8(ascii: "{"): return try parseObject(depth: depth)
    case UInt8(ascii: "["): return try parseArray(depth: depth)
    case UInt8(ascii: "\""): return .string(try parseString())
    case UInt8(ascii: "t"): return try parseWord("true", .bool(true))
    case UInt8(ascii: "f"): return try parseWord("false", .bool(false))
    case UInt8(ascii: "n"): return try parseWord("null", .null)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try parseNumber()
    default: throw fail("a value is missing")
    }
  }

  private mutating func parseWord(_ word: String, _ value: JSONValue) throws(JSONError) -> JSONValue {
    guard bytes[position...].starts(with: word.utf8) else { throw fail("a value is missing") }
    position += word.utf8.count
    return value
  }

  private mutating func parseObject(depth: Int) throws(JSONError) -> JSONValue {
    position += 1
    var fields: [JSONValue.Field] = []
    skipSpace()
    if take(UInt8(ascii: "}")) { return .object(fields) }
    while true {
      skipSpace()
      guard current == UInt8(ascii: "\"") else { throw fail("a field's name is missing") }
      let name = try parseString()
      skipSpace()
      guard take(UInt8(ascii: ":")) else { throw fail("a colon is missing") }
      fields.append(JSONValue.Field(name, try parseValue(depth: depth + 1)))
      skipSpace()
      if take(UInt8(ascii: "}")) { return .object(fields) }
      guard take(UInt8(ascii: ",")) else { throw fail("a comma or closing brace is missing") }
    }
  }

  private mutating func parseArray(depth: Int) throws(JSONError) -> JSONValue {
    position += 1
    var elements: [JSONValue] = []
    skipSpace()
    if take(UInt8(ascii: "]")) { return .array(elements) }
    while true {
      elements.append(try parseValue(depth: depth + 1))
      skipSpace()
      if take(UInt8(ascii: "]")) { return .array(elements) }
      guard take(UInt8(ascii: ",")) else { throw fail("a comma or closing bracket is missing") }
    }
  }

  private mutating func parseNumber() throws(JSONError) -> JSONValue {
    let start = position
    _ = take(UInt8(ascii: "-"))
    let leadingZero = current == UInt8(ascii: "0")
    let digits = skipDigits()
    guard digits > 0, !(leadingZero && digits > 1) else { throw fail("a number is malformed") }
    var isWhole = true
    if take(UInt8(ascii: ".")) {
      isWhole = false
      guard skipDigits() > 0 else { throw fail("a number is malformed") }
    }
    if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
      isWhole = false
      if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
      guard skipDigits() > 0 else { throw fail("a number is malformed") }
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    return isWhole ? Int64(text).map { .integer($0) } ?? .number(text) : .number(text)
  }

  private mutating func skipDigits() -> Int {
    let start = position
    while let byte = current, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { position += 1 }
    return position - start
  }

  private mutating func parseString() throws(JSONError) -> String {
    position += 1
    let start = position
    while let byte = current, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 { position += 1 }
    if current == UInt8(ascii: "\"") {
      defer { position += 1 }
      return String(decoding: bytes[start..<position], as: UTF8.self)
    }
    var text = Array(bytes[start..<position])
    while let byte = current {
      switch byte {
      case UInt8(ascii: "\""):
        position += 1
        return String(decoding: text, as: UTF8.self)
      case UInt8(ascii: "\\"):
        position += 1
        text.append(contentsOf: try parseEscape())
      case 0..<0x20:
        throw fail("a control character stands in a string")
      default:
        text.append(byte)
        position += 1
      }
    }
    throw fail("a string has no end")
  }

  /// What stands for the escape whose backslash has been read.
  private mutating func parseEscape() throws(JSONError) -> String.UTF8View {
    guard let byte = current else { throw fail("a string has no end") }
    position += 1
    switch byte {
    case UInt8(ascii: "\""): return "\"".utf8
    case UInt8(ascii: "\\"): return "\\".utf8
    case UInt8(ascii: "/"): return "/".utf8
    case UInt8(ascii: "b"): return "\u{08}".utf8
    case UInt8(ascii: "f"): return "\u{0C}".utf8
    case UInt8(ascii: "n"): return "\n".utf8
    case UInt8(ascii: "r"): return "\r".utf8
    case UInt8(ascii: "t"): return "\t".utf8
    case UInt8(ascii: "u"): return String(Character(try parseUnicodeEscape())).utf8
    default:
      position -= 1
      throw fail("an escape is not known")
    }
  }

  private mutating func parseUnicodeEscape() throws(JSONError) -> Unicode.Scalar {
    let replacement: Unicode.Scalar = "\u{FFFD}"
    let first = try parseHexDigits()
    if let scalar = Unicode.Scalar(first) { return scalar }
    guard first < 0xDC00, bytes[position...].starts(with: "\\u".utf8) else { return replacement }
    let beforeSecond = position
    position += 2
    let second = try parseHexDigits()
    guard (0xDC00..<0xE000).contains(second) else {
      position = beforeSecond
      return replacement
    }
    return Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00)) ?? replacement
  }

  private mutating func parseHexDigits() throws(JSONError) -> UInt32 {
    var number: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = current, let digit = hexDigitValue(byte) else { throw fail("an escape is malformed") }
      number = number << 4 | UInt32(digit)
      position += 1
    }
    return number
  }
}

/// The number a hexadecimal digit stands for.
func hexDigitValue(_ byte: UInt8) -> UInt8? {
  switch byte {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
  case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
  case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
  default: nil
  }
}
