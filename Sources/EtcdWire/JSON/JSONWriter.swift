// SPDX-License-Identifier: Apache-2.0

extension JSONValue {
  /// The value as compact text in UTF-8, escaped as Go's `encoding/json` does.
  ///
  /// `<`, `>`, `&`, U+2028 and U+2029 are written as `\u…`, so the text may stand in HTML.
  public func serialized() -> [UInt8] {
    var bytes: [UInt8] = []
    append(to: &bytes)
    return bytes
  }

  /// The value as compact text.
  public var text: String { String(decoding: serialized(), as: UTF8.self) }

  /// Appends the value as compact text.
  public func append(to bytes: inout [UInt8]) {
    switch self {
    case .null: bytes.append(contentsOf: "null".utf8)
    case .bool(let value): bytes.append(contentsOf: (value ? "true" : "false").utf8)
    case .integer(let number): bytes.appendDecimal(number)
    case .number(let digits): bytes.append(contentsOf: digits.utf8)
    case .string(let text): bytes.appendJSONString(text)
    case .array(let elements):
      bytes.append(UInt8(ascii: "["))
      for (place, element) in elements.enumerated() {
        if place > 0 { bytes.append(UInt8(ascii: ",")) }
        element.append(to: &bytes)
      }
      bytes.append(UInt8(ascii: "]"))
    case .object(let fields):
      bytes.append(UInt8(ascii: "{"))
      for (place, field) in fields.enumerated() {
        if place > 0 { bytes.append(UInt8(ascii: ",")) }
        bytes.appendJSONString(field.name)
        bytes.append(UInt8(ascii: ":"))
        field.value.append(to: &bytes)
      }
      bytes.append(UInt8(ascii: "}"))
    }
  }
}

extension [UInt8] {
  /// Appends a string literal with its quotes.
  mutating func appendJSONString(_ text: String) {
    append(UInt8(ascii: "\""))
    let appended: Void? = text.utf8.withContiguousStorageIfAvailable { appendJSONEscaped($0) }
    if appended == nil {
      Array(text.utf8).withUnsafeBufferPointer { appendJSONEscaped($0) }
    }
    append(UInt8(ascii: "\""))
  }

  /// Appends the runs between the bytes that need escapes in one go each.
  private mutating func appendJSONEscaped(_ text: UnsafeBufferPointer<UInt8>) {
    var runStart = 0
    var position = 0
    while position < text.count {
      if text.isPlainWord(at: position) {
        position += 8
        continue
      }
      let length = text.lengthOfEscapedScalar(at: position)
      if length == 0 {
        position += 1
        continue
      }
      append(contentsOf: text[runStart..<position])
      appendJSONEscape(text[position], last: text[position + length - 1])
      position += length
      runStart = position
    }
    append(contentsOf: text[runStart..<position])
  }

  private mutating func appendJSONEscape(_ byte: UInt8, last: UInt8) {
    switch byte {
    case UInt8(ascii: "\""): append(contentsOf: "\\\"".utf8)
    case UInt8(ascii: "\\"): append(contentsOf: "\\\\".utf8)
    case UInt8(ascii: "\n"): append(contentsOf: "\\n".utf8)
    case UInt8(ascii: "\r"): append(contentsOf: "\\r".utf8)
    case UInt8(ascii: "\t"): append(contentsOf: "\\t".utf8)
    case 0xE2: append(contentsOf: (last == 0xA8 ? "\\u2028" : "\\u2029").utf8)
    default:
      let digits = Array("0123456789abcdef".utf8)
      append(contentsOf: "\\u00".utf8)
      append(digits[Int(byte >> 4)])
      append(digits[Int(byte & 0x0F)])
    }
  }

  /// Appends a whole number in decimal.
  mutating func appendDecimal(_ number: some BinaryInteger) {
    var digits = UInt64(number.magnitude)
    if number < 0 { append(UInt8(ascii: "-")) }
    let start = count
    repeat {
      append(48 + UInt8(digits % 10))
      digits /= 10
    } while digits > 0
    self[start...].reverse()
  }
}

extension UnsafeBufferPointer<UInt8> {
  /// Whether eight bytes from a position certainly stand for themselves: no byte is below a blank, a quotation mark,
  /// an ampersand, `<`, `>`, a backslash or the beginning of U+2028.
  ///
  /// Source: Warren, "Hacker's Delight", section 6-1, finding a byte in a word.
  fileprivate func isPlainWord(at position: Int) -> Bool {
    guard position + 8 <= count, let base = baseAddress else { return false }
    let word = UnsafeRawPointer(base + position).loadUnaligned(as: UInt64.self)
    let ones: UInt64 = 0x0101_0101_0101_0101
    var found = (word &- ones &* 0x20) & ~word
    for (mask, byte) in [(0x04, 0x26), (0x02, 0x3E), (0, 0x5C), (0, 0xE2)] as [(UInt64, UInt64)] {
      let difference = (word | ones &* mask) ^ (ones &* byte)
      found |= (difference &- ones) & ~difference
    }
    return found & (ones &* 0x80) == 0
  }

  /// How many bytes of the scalar at a position are written as an escape; 0 when it stands for itself.
  fileprivate func lengthOfEscapedScalar(at position: Int) -> Int {
    switch self[position] {
    case 0..<0x20, UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "&"):
      return 1
    case 0xE2:
      let isSeparator = position + 2 < count && self[position + 1] == 0x80 && self[position + 2] & 0xFE == 0xA8
      return isSeparator ? 3 : 0
    default:
      return 0
    }
  }
}
