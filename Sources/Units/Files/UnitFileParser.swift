// SPDX-License-Identifier: Apache-2.0

/// The line and character machine behind ``UnitFile/init(parsing:)``.
///
/// It keeps fleet's peculiarities, because the hash depends on them: specs/fleet.md §3.1.
/// Differs: a carriage return before a newline never counts, so a continued line may end in CRLF.
struct UnitFileParser {
  private let text: [Unicode.Scalar]
  private var position = 0
  private var line = 1
  private(set) var options: [UnitOption] = []

  init(_ text: String) {
    var scalars: [Unicode.Scalar] = []
    scalars.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
      if scalar == "\n", scalars.last == "\r" { scalars.removeLast() }
      scalars.append(scalar)
    }
    self.text = scalars
  }

  mutating func parse() throws(UnitFileError) {
    try checkLineLengths()
    var section: String?
    while let character = peek() {
      switch character {
      case "[": section = try parseSectionName()
      case "#", ";": skipComment()
      default:
        if let section, !character.properties.isWhitespace {
          try parseOption(in: section)
        } else {
          advance()
        }
      }
    }
  }

  private func checkLineLengths() throws(UnitFileError) {
    var number = 1
    var bytes = 0
    for scalar in text {
      if scalar == "\n" {
        number += 1
        bytes = 0
      } else {
        bytes += UTF8.width(scalar)
        if bytes > UnitFile.maximumLineBytes { throw .lineTooLong(line: number) }
      }
    }
  }

  private mutating func parseSectionName() throws(UnitFileError) -> String {
    let start = line
    advance()
    var name = String.UnicodeScalarView()
    while let character = peek(), character != "]" {
      name.append(character)
      advance()
    }
    guard peek() != nil else { throw .unterminatedSection(line: start) }
    advance()
    let garbage = trimmed(restOfLine())
    guard garbage.isEmpty else {
      throw .garbageAfterSection(name: String(name), garbage: garbage, line: start)
    }
    return String(name)
  }

  private mutating func parseOption(in section: String) throws(UnitFileError) {
    var name: [Unicode.Scalar] = []
    while peek() != "=" {
      guard let character = peek() else { throw .unexpectedEnd(line: line) }
      guard character != "\n" else { throw .newlineInOptionName(line: line) }
      name.append(character)
      advance()
    }
    advance()
    options.append(UnitOption(section: section, name: trimmed(name), value: parseValue()))
  }

  /// The rest of the line; while it ends in a backslash the next line belongs to it, backslash and newline included.
  private mutating func parseValue() -> String {
    var value: [Unicode.Scalar] = []
    while true {
      let physicalLine = restOfLine()
      if physicalLine.allSatisfy(\.properties.isWhitespace) { break }
      value += physicalLine
      guard physicalLine.last == "\\" else { break }
      if peek() == nil, !lastLineEnded { break }
      value.append("\n")
    }
    return trimmed(value) + (value.last == "\n" ? "\n" : "")
  }

  /// A comment ends with its line unless the line ends in a backslash, which swallows the next one too.
  private mutating func skipComment() {
    while true {
      var physicalLine = restOfLine()
      if physicalLine.last == " " { physicalLine.removeLast() }
      guard physicalLine.last == "\\", peek() != nil else { return }
    }
  }

  private var lastLineEnded: Bool { position > 0 && text[position - 1] == "\n" }

  private func peek() -> Unicode.Scalar? {
    position < text.count ? text[position] : nil
  }

  private mutating func advance() {
    if text[position] == "\n" { line += 1 }
    position += 1
  }

  /// Everything up to the next newline, which is consumed but not returned.
  private mutating func restOfLine() -> [Unicode.Scalar] {
    var rest: [Unicode.Scalar] = []
    while let character = peek() {
      advance()
      if character == "\n" { break }
      rest.append(character)
    }
    return rest
  }

  private func trimmed(_ scalars: [Unicode.Scalar]) -> String {
    var slice = scalars[...]
    while let first = slice.first, first.properties.isWhitespace { slice.removeFirst() }
    while let last = slice.last, last.properties.isWhitespace { slice.removeLast() }
    var view = String.UnicodeScalarView()
    view.append(contentsOf: slice)
    return String(view)
  }
}
