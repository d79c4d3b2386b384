// SPDX-License-Identifier: Apache-2.0

/// Reads JSON into values as Go's `encoding/json` does for `interface {}`: numbers become `float64`.
///
/// Source: Go 1.19, `encoding/json`; the messages are its.
public struct GoJSONReader {
  /// How deep lists and objects may stand in each other.
  private static let deepest = 500

  private let bytes: [UInt8]
  private var offset = 0

  private init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// Reads a document.
  ///
  /// - Parameter bytes: The whole document.
  /// - Returns: Its value; `null` is nil of type `interface {}`.
  /// - Throws: ``TemplateFunctionError`` when the bytes are no JSON.
  public static func read(_ bytes: [UInt8]) throws(TemplateFunctionError) -> TemplateValue {
    var reader = GoJSONReader(bytes)
    reader.passSpace()
    let value = try reader.value(context: "looking for beginning of value", depth: 0)
    reader.passSpace()
    if reader.offset < bytes.count { throw reader.unexpected("after top-level value") }
    return value
  }

  private mutating func passSpace() {
    while offset < bytes.count, [0x20, 0x09, 0x0a, 0x0d].contains(bytes[offset]) { offset += 1 }
  }

  private func unexpected(_ context: String) -> TemplateFunctionError {
    guard offset < bytes.count else { return TemplateFunctionError("unexpected end of JSON input") }
    let byte = bytes[offset]
    let shown =
      switch byte {
      case UInt8(ascii: "'"): "'\\''"
      case UInt8(ascii: "\""): "'\"'"
      default: GoQuoting.quoted(Unicode.Scalar(byte), asciiOnly: false)
      }
    return TemplateFunctionError("invalid character \(shown) \(context)")
  }

  private mutating func value(context: String, depth: Int) throws(TemplateFunctionError) -> TemplateValue {
    guard depth <= Self.deepest else { throw TemplateFunctionError("exceeded max depth") }
    guard offset < bytes.count else { throw unexpected(context) }
    switch bytes[offset] {
    case UInt8(ascii: "{"): return .map(try members(depth: depth), .map(.any))
    case UInt8(ascii: "["): return .list(try elements(depth: depth), .slice(.any))
    case UInt8(ascii: "\""): return .bytes(try string())
    case UInt8(ascii: "t"): return try literal("true", .bool(true))
    case UInt8(ascii: "f"): return try literal("false", .bool(false))
    case UInt8(ascii: "n"): return try literal("null", .null(.any))
    case UInt8(ascii: "-"), 0x30...0x39: return .float(try number())
    default: throw unexpected(context)
    }
  }

  private mutating func literal(_ word: String, _ value: TemplateValue) throws(TemplateFunctionError) -> TemplateValue {
    for (index, byte) in word.utf8.enumerated() {
      guard offset < bytes.count, bytes[offset] == byte else {
        let wanted = Character(Unicode.Scalar(byte))
        throw unexpected(index == 0 ? "looking for beginning of value" : "in literal \(word) (expecting '\(wanted)')")
      }
      offset += 1
    }
    return value
  }

  private mutating func members(depth: Int) throws(TemplateFunctionError) -> [String: TemplateValue] {
    var members: [String: TemplateValue] = [:]
    offset += 1
    passSpace()
    if offset < bytes.count, bytes[offset] == UInt8(ascii: "}") {
      offset += 1
      return members
    }
    while true {
      guard offset < bytes.count, bytes[offset] == UInt8(ascii: "\"") else {
        throw unexpected("looking for beginning of object key string")
      }
      let name = String(decoding: try string(), as: UTF8.self)
      passSpace()
      guard offset < bytes.count, bytes[offset] == UInt8(ascii: ":") else { throw unexpected("after object key") }
      offset += 1
      passSpace()
      members[name] = try value(context: "looking for beginning of value", depth: depth + 1)
      if try ends(with: UInt8(ascii: "}"), "after object key:value pair") { return members }
    }
  }

  private mutating func elements(depth: Int) throws(TemplateFunctionError) -> [TemplateValue] {
    var elements: [TemplateValue] = []
    offset += 1
    passSpace()
    if offset < bytes.count, bytes[offset] == UInt8(ascii: "]") {
      offset += 1
      return elements
    }
    while true {
      elements.append(try value(context: "looking for beginning of value", depth: depth + 1))
      if try ends(with: UInt8(ascii: "]"), "after array element") { return elements }
    }
  }

  /// Passes a comma, or the bracket that closes.
  private mutating func ends(with bracket: UInt8, _ context: String) throws(TemplateFunctionError) -> Bool {
    passSpace()
    guard offset < bytes.count, bytes[offset] == bracket || bytes[offset] == UInt8(ascii: ",") else {
      throw unexpected(context)
    }
    offset += 1
    if bytes[offset - 1] == bracket { return true }
    passSpace()
    return false
  }

  private mutating func number() throws(TemplateFunctionError) -> Double {
    let start = offset
    if bytes[offset] == UInt8(ascii: "-") { offset += 1 }
    if offset < bytes.count, bytes[offset] == UInt8(ascii: "0") {
      offset += 1
    } else {
      try passDigits("in numeric literal")
    }
    if offset < bytes.count, bytes[offset] == UInt8(ascii: ".") {
      offset += 1
      try passDigits("after decimal point in numeric literal")
    }
    if offset < bytes.count, bytes[offset] | 0x20 == UInt8(ascii: "e") {
      offset += 1
      if offset < bytes.count, [UInt8(ascii: "+"), UInt8(ascii: "-")].contains(bytes[offset]) { offset += 1 }
      try passDigits("in exponent of numeric literal")
    }
    let text = String(decoding: bytes[start..<offset], as: UTF8.self)
    guard let value = Double(text), value.isFinite else {
      throw TemplateFunctionError("json: cannot unmarshal number \(text) into Go value of type float64")
    }
    return value
  }

  private mutating func passDigits(_ context: String) throws(TemplateFunctionError) {
    guard offset < bytes.count, (0x30...0x39).contains(bytes[offset]) else { throw unexpected(context) }
    while offset < bytes.count, (0x30...0x39).contains(bytes[offset]) { offset += 1 }
  }

  // MARK: Strings

  private mutating func string() throws(TemplateFunctionError) -> [UInt8] {
    var text: [UInt8] = []
    offset += 1
    while offset < bytes.count {
      let byte = bytes[offset]
      switch byte {
      case UInt8(ascii: "\""):
        offset += 1
        return Array(String(decoding: text, as: UTF8.self).utf8)
      case UInt8(ascii: "\\"):
        offset += 1
        text += try escape()
      case ..<0x20: throw unexpected("in string literal")
      default:
        text.append(byte)
        offset += 1
      }
    }
    throw unexpected("in string literal")
  }

  private mutating func escape() throws(TemplateFunctionError) -> [UInt8] {
    guard offset < bytes.count else { throw unexpected("in string escape code") }
    let byte = bytes[offset]
    let simple: [UInt8: UInt8] = [
      UInt8(ascii: "b"): 8, UInt8(ascii: "f"): 12, UInt8(ascii: "n"): 10, UInt8(ascii: "r"): 13,
      UInt8(ascii: "t"): 9, UInt8(ascii: "\\"): 0x5c, UInt8(ascii: "/"): 0x2f, UInt8(ascii: "\""): 0x22,
    ]
    if let value = simple[byte] {
      offset += 1
      return [value]
    }
    guard byte == UInt8(ascii: "u") else { throw unexpected("in string escape code") }
    offset += 1
    let first = try hex()
    if (0xd800..<0xdc00).contains(first), offset + 1 < bytes.count, bytes[offset] == UInt8(ascii: "\\"),
      bytes[offset + 1] == UInt8(ascii: "u")
    {
      let before = offset
      offset += 2
      let second = try hex()
      if (0xdc00..<0xe000).contains(second),
        let scalar = Unicode.Scalar(0x10000 + (first - 0xd800) << 10 + (second - 0xdc00))
      {
        return Array(scalar.utf8)
      }
      offset = before
    }
    return Array((Unicode.Scalar(first) ?? "\u{FFFD}").utf8)
  }

  private mutating func hex() throws(TemplateFunctionError) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard offset < bytes.count, let digit = Character(Unicode.Scalar(bytes[offset])).hexDigitValue else {
        throw unexpected("in \\u hexadecimal character escape")
      }
      value = value << 4 + UInt32(digit)
      offset += 1
    }
    return value
  }
}
