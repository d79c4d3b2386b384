// SPDX-License-Identifier: Apache-2.0

/// Strings and characters as Go's source has them.
enum GoStringLiteral {
  /// The bytes of a literal in its quotes; nil when an escape is wrong.
  static func unquoted(_ literal: String, quote: Character) -> [UInt8]? {
    var bytes: [UInt8] = []
    var rest = Array(literal.utf8.dropFirst().dropLast())[...]
    if quote == "`" { return rest.filter { $0 != UInt8(ascii: "\r") } }
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "\\") else {
        bytes.append(byte)
        continue
      }
      guard let escape = rest.popFirst(), let value = unescaped(escape, &rest, quote) else { return nil }
      bytes += value
    }
    return bytes
  }

  private static let simple: [UInt8: UInt8] = [
    UInt8(ascii: "a"): 7, UInt8(ascii: "b"): 8, UInt8(ascii: "f"): 12, UInt8(ascii: "n"): 10, UInt8(ascii: "r"): 13,
    UInt8(ascii: "t"): 9, UInt8(ascii: "v"): 11, UInt8(ascii: "\\"): 0x5c,
  ]

  private static func unescaped(_ escape: UInt8, _ rest: inout ArraySlice<UInt8>, _ quote: Character) -> [UInt8]? {
    if let value = simple[escape] { return [value] }
    if escape == quote.asciiValue { return [escape] }
    switch escape {
    case UInt8(ascii: "x"): return number(&rest, digits: 2, radix: 16).map { [UInt8($0)] }
    case UInt8(ascii: "u"), UInt8(ascii: "U"):
      let digits = escape == UInt8(ascii: "u") ? 4 : 8
      return number(&rest, digits: digits, radix: 16).flatMap { Unicode.Scalar($0) }.map { Array($0.utf8) }
    case UInt8(ascii: "0")...UInt8(ascii: "7"):
      rest = [escape] + rest
      return number(&rest, digits: 3, radix: 8).flatMap { UInt8(exactly: $0) }.map { [$0] }
    default: return nil
    }
  }

  private static func number(_ rest: inout ArraySlice<UInt8>, digits: Int, radix: Int) -> UInt32? {
    guard rest.count >= digits else { return nil }
    let text = String(decoding: rest.prefix(digits), as: UTF8.self)
    rest = rest.dropFirst(digits)
    return text.first == "+" || text.first == "-" ? nil : UInt32(text, radix: radix)
  }
}
