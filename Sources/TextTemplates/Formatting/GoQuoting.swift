// SPDX-License-Identifier: Apache-2.0

/// Strings in quotes, as Go's `strconv` writes them.
enum GoQuoting {
  /// A string in double quotes; bytes that are no UTF-8 as `\x`.
  static func quoted(_ bytes: [UInt8], asciiOnly: Bool = false) -> String {
    var text = "\""
    var offset = 0
    while offset < bytes.count {
      let (scalar, length) = UTF8Scalars.scalar(in: bytes, at: offset)
      if length == 1, bytes[offset] >= 0x80 {
        text += "\\x\(hex(UInt32(bytes[offset]), digits: 2))"
      } else {
        text += escaped(scalar, quote: "\"", asciiOnly: asciiOnly)
      }
      offset += length
    }
    return text + "\""
  }

  /// A character in single quotes.
  static func quoted(_ scalar: Unicode.Scalar, asciiOnly: Bool) -> String {
    "'\(escaped(scalar, quote: "'", asciiOnly: asciiOnly))'"
  }

  private static let simple: [Unicode.Scalar: String] = [
    "\u{7}": "\\a", "\u{8}": "\\b", "\u{C}": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\u{B}": "\\v",
  ]

  private static func escaped(_ scalar: Unicode.Scalar, quote: Unicode.Scalar, asciiOnly: Bool) -> String {
    if scalar == quote || scalar == "\\" { return "\\\(scalar)" }
    if scalar.isASCII || !asciiOnly, isPrintable(scalar) { return String(Character(scalar)) }
    if let escape = simple[scalar] { return escape }
    if scalar.value < 0x20 || scalar.value == 0x7f { return "\\x\(hex(scalar.value, digits: 2))" }
    return scalar.value < 0x10000
      ? "\\u\(hex(scalar.value, digits: 4))" : "\\U\(hex(scalar.value, digits: 8))"
  }

  /// Whether the string can stand between backquotes on one line.
  static func canBackquote(_ bytes: [UInt8]) -> Bool {
    String(validating: bytes, as: UTF8.self)?.unicodeScalars.allSatisfy {
      $0 == "\t" || $0.value >= 0x20 && $0 != "`" && $0.value != 0x7f && $0.value != 0xfeff
    } ?? false
  }

  /// Letters, marks, numbers, punctuation, symbols, and of the spaces the plain one.
  static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.isASCII { return (0x20..<0x7f).contains(scalar.value) }
    switch scalar.properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .spaceSeparator, .lineSeparator,
      .paragraphSeparator:
      return false
    default: return true
    }
  }

  /// `U+0041`, with ` 'A'` behind it where the character is asked for.
  static func unicodeName(_ scalar: Unicode.Scalar, showsCharacter: Bool) -> String {
    let name = "U+\(hex(scalar.value, digits: 4, upper: true))"
    return showsCharacter && isPrintable(scalar) ? "\(name) '\(scalar)'" : name
  }

  static func hex(_ value: UInt32, digits: Int, upper: Bool = false) -> String {
    let text = String(value, radix: 16, uppercase: upper)
    return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
  }
}
