// SPDX-License-Identifier: Apache-2.0

/// A number as written, which takes the type that is wanted of it.
struct NumberConstant: Sendable {
  /// What is wrong with a number.
  struct Malformed: Error {
    var message: String
  }

  var text: String
  /// The whole number; nil when it is none, or too large.
  var integer: Int?
  /// The number as one with a fraction.
  var float: Double?
  /// Whether it is above the largest `int`, and within 64 bits.
  private var isOnlyUnsigned = false

  /// Understands a number, or a character in single quotes.
  init(_ text: String, isCharacter: Bool) throws(Malformed) {
    self.text = text
    if isCharacter {
      guard let bytes = GoStringLiteral.unquoted(text, quote: "'"), !bytes.isEmpty,
        case let (scalar, length) = UTF8Scalars.scalar(in: bytes, at: 0), length == bytes.count
      else { throw Malformed(message: "malformed character constant: \(text)") }
      integer = Int(scalar.value)
      float = Double(scalar.value)
      return
    }
    guard !text.hasSuffix("i") else { throw Malformed(message: "complex numbers are not supported: \(text)") }
    guard Self.hasGoodUnderscores(text) else { throw Malformed(message: Self.illegal(text)) }
    if let (magnitude, isNegative) = Self.magnitude(text) {
      integer = isNegative ? Self.negated(magnitude) : Int(exactly: magnitude)
      isOnlyUnsigned = integer == nil && !isNegative
      float = isNegative ? -Double(magnitude) : Double(magnitude)
      if integer == nil, !isOnlyUnsigned { throw Malformed(message: "integer overflow: \(Self.quoted(text))") }
      return
    }
    guard let value = Double(text.filter { $0 != "_" }), value.isFinite, text.contains(where: \.isNumber) else {
      throw Malformed(message: Self.illegal(text))
    }
    guard text.contains(where: { ".eEpP".contains($0) }) else {
      throw Malformed(message: "integer overflow: \(Self.quoted(text))")
    }
    float = value
    integer = Int(exactly: value)
  }

  /// The value where no type is wanted; nil when it is too large for `int`.
  var value: TemplateValue? {
    let lower = text.lowercased()
    let isHexInteger = lower.hasPrefix("0x") && !lower.contains("p")
    if let float, !isHexInteger, !text.hasPrefix("'"), text.contains(where: { ".eEpP".contains($0) }) {
      return .float(float)
    }
    return integer.map { .int($0) }
  }

  private static func quoted(_ text: String) -> String { GoQuoting.quoted(Array(text.utf8)) }
  private static func illegal(_ text: String) -> String { "illegal number syntax: \(quoted(text))" }

  private static func negated(_ magnitude: UInt64) -> Int? {
    magnitude == 1 << 63 ? Int.min : Int(exactly: magnitude).map { -$0 }
  }

  /// A whole number with its base: `0x`, `0o` or `0`, `0b`; nil when it is none, or has more than 64 bits.
  private static func magnitude(_ text: String) -> (UInt64, isNegative: Bool)? {
    var digits = text[...]
    let isNegative = digits.hasPrefix("-")
    if isNegative || digits.hasPrefix("+") { digits = digits.dropFirst() }
    var radix = 10
    let lower = digits.lowercased()
    for (prefix, base) in [("0x", 16), ("0o", 8), ("0b", 2)] where lower.hasPrefix(prefix) {
      radix = base
      digits = digits.dropFirst(2)
    }
    if radix == 10, digits.hasPrefix("0"), digits.count > 1 {
      radix = 8
      digits = digits.dropFirst()
    }
    let plain = digits.filter { $0 != "_" }
    guard !plain.isEmpty, plain.first?.isHexDigit == true else { return nil }
    return UInt64(plain, radix: radix).map { ($0, isNegative) }
  }

  /// An underscore stands between digits, or between a base and a digit.
  private static func hasGoodUnderscores(_ text: String) -> Bool {
    let characters = Array(text)
    return characters.indices.allSatisfy { index in
      guard characters[index] == "_" else { return true }
      guard index > 0, index + 1 < characters.count else { return false }
      let before = characters[index - 1]
      return (before.isHexDigit || "xXoObB".contains(before)) && characters[index + 1].isHexDigit
    }
  }
}
