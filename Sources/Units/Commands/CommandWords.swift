// SPDX-License-Identifier: Apache-2.0

/// Splits text into words by systemd's quoting rules.
///
/// Quotes may begin and end anywhere in a word; C escapes count inside both kinds of quotes and outside of them; an
/// escape that does not exist stays as it is written. There is no shell here: `$`, `*`, `|` mean nothing.
/// Source: systemd.syntax(7) "Quoting"; systemd `src/basic/extract-word.c`, `src/basic/escape.c`.
struct CommandWords {
  private let bytes: [UInt8]
  private var position = 0

  init(_ text: String) {
    bytes = Array(text.utf8)
  }

  /// Whether only blanks are left.
  mutating func isAtEnd() -> Bool {
    skipBlanks()
    return position == bytes.count
  }

  /// Takes an unquoted `;` that stands alone.
  mutating func takeSeparator() -> Bool {
    skipBlanks()
    guard byte(0) == UInt8(ascii: ";"), isBlankOrEnd(1) else { return false }
    position += 1
    return true
  }

  /// Takes `\;` that stands alone: a `;` that is an argument.
  mutating func takeEscapedSeparator() -> Bool {
    skipBlanks()
    guard byte(0) == UInt8(ascii: "\\"), byte(1) == UInt8(ascii: ";"), isBlankOrEnd(2) else { return false }
    position += 2
    return true
  }

  /// The next word, unquoted and unescaped; nil at the end.
  ///
  /// - Throws: ``WordError`` when a quote is not closed or a NUL is asked for.
  mutating func next() throws(WordError) -> String? {
    skipBlanks()
    guard position < bytes.count else { return nil }
    var word: [UInt8] = []
    var quote: UInt8?
    while let character = byte(0) {
      position += 1
      switch character {
      case UInt8(ascii: "\\"):
        try takeEscape(into: &word)
      case quote:
        quote = nil
      case UInt8(ascii: "'"), UInt8(ascii: "\""):
        if quote == nil { quote = character } else { word.append(character) }
      default:
        if quote == nil, Self.isBlank(character) { return String(decoding: word, as: UTF8.self) }
        word.append(character)
      }
    }
    guard quote == nil else { throw .unbalancedQuotes }
    return String(decoding: word, as: UTF8.self)
  }

  /// All words.
  ///
  /// - Throws: ``WordError``.
  static func split(_ text: String) throws(WordError) -> [String] {
    var words = CommandWords(text)
    var result: [String] = []
    while let word = try words.next() { result.append(word) }
    return result
  }

  /// A text with its escapes replaced, and neither split nor unquoted.
  ///
  /// - Throws: ``WordError``.
  static func unescaped(_ text: String) throws(WordError) -> String {
    var words = CommandWords(text)
    var result: [UInt8] = []
    while let character = words.byte(0) {
      words.position += 1
      if character == UInt8(ascii: "\\") { try words.takeEscape(into: &result) } else { result.append(character) }
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// Splits a variable's value: quotes group, backslashes take the next character, whatever is unbalanced is taken.
  static func splitRelaxed(_ text: String) -> [String] {
    var result: [[UInt8]] = []
    var word: [UInt8]?
    var quote: UInt8?
    var isEscaped = false
    for character in text.utf8 {
      if isEscaped {
        word = (word ?? []) + [character]
        isEscaped = false
      } else if character == UInt8(ascii: "\\") {
        isEscaped = true
      } else if let open = quote {
        if character == open { quote = nil } else { word = (word ?? []) + [character] }
      } else if character == UInt8(ascii: "'") || character == UInt8(ascii: "\"") {
        quote = character
        word = word ?? []
      } else if isBlank(character) {
        if let done = word { result.append(done) }
        word = nil
      } else {
        word = (word ?? []) + [character]
      }
    }
    if let done = word { result.append(done) }
    return result.map { String(decoding: $0, as: UTF8.self) }
  }

  private func byte(_ offset: Int) -> UInt8? {
    position + offset < bytes.count ? bytes[position + offset] : nil
  }

  private func isBlankOrEnd(_ offset: Int) -> Bool {
    byte(offset).map(Self.isBlank) ?? true
  }

  private mutating func skipBlanks() {
    while let character = byte(0), Self.isBlank(character) { position += 1 }
  }

  private static func isBlank(_ character: UInt8) -> Bool {
    character == UInt8(ascii: " ") || (character >= 9 && character <= 13)
  }

  /// What follows a backslash; `position` stands after the backslash.
  private mutating func takeEscape(into word: inout [UInt8]) throws(WordError) {
    guard let character = byte(0) else {
      word.append(UInt8(ascii: "\\"))
      return
    }
    if let plain = Self.plainEscapes[character] {
      position += 1
      word.append(plain)
      return
    }
    if let value = digits(from: 0, count: 3, radix: 8), value <= 0xFF {
      guard value != 0 else { throw .nulCharacter }
      position += 3
      word.append(UInt8(value))
      return
    }
    let (count, isScalar): (Int, Bool) =
      switch character {
      case UInt8(ascii: "x"): (2, false)
      case UInt8(ascii: "u"): (4, true)
      case UInt8(ascii: "U"): (8, true)
      default: (0, false)
      }
    guard count > 0, let value = digits(from: 1, count: count, radix: 16) else {
      word.append(UInt8(ascii: "\\"))
      word.append(character)
      position += 1
      return
    }
    guard value != 0 else { throw .nulCharacter }
    position += 1 + count
    if isScalar, let scalar = Unicode.Scalar(UInt32(value)) {
      word.append(contentsOf: Array(String(Character(scalar)).utf8))
    } else {
      word.append(UInt8(truncatingIfNeeded: value))
    }
  }

  private func digits(from offset: Int, count: Int, radix: Int) -> Int? {
    var value = 0
    for index in offset..<(offset + count) {
      guard let character = byte(index), let digit = Character(Unicode.Scalar(character)).hexDigitValue, digit < radix
      else { return nil }
      value = value * radix + digit
    }
    return value
  }

  private static let plainEscapes: [UInt8: UInt8] = [
    UInt8(ascii: "a"): 7, UInt8(ascii: "b"): 8, UInt8(ascii: "f"): 12, UInt8(ascii: "n"): 10, UInt8(ascii: "r"): 13,
    UInt8(ascii: "t"): 9, UInt8(ascii: "v"): 11, UInt8(ascii: "\\"): UInt8(ascii: "\\"),
    UInt8(ascii: "\""): UInt8(ascii: "\""), UInt8(ascii: "'"): UInt8(ascii: "'"), UInt8(ascii: "s"): UInt8(ascii: " "),
  ]
}

/// Why a line cannot be split into words.
public enum WordError: Error, Sendable, Equatable, CustomStringConvertible {
  /// A quote is not closed.
  case unbalancedQuotes
  /// An escape stands for the character 0, which no argument can hold.
  case nulCharacter

  /// What is wrong.
  public var description: String {
    switch self {
    case .unbalancedQuotes: "a quote is not closed"
    case .nulCharacter: "an escape stands for the NUL character"
    }
  }
}
