// SPDX-License-Identifier: Apache-2.0

extension YAMLParser {
  // MARK: Plain

  /// Parses a text without quotes.
  ///
  /// Lines that go on with the text stand deeper than `parent`, which is `Int.max` for a text on one line. With `inFlow`
  /// brackets and commas end the text.
  mutating func parsePlain(parent: Int, inFlow: Bool) throws(YAMLError) -> YAMLNode {
    let mark = cursor.mark
    try refuseIndicator(inFlow: inFlow)
    var text = String.UnicodeScalarView()
    while true {
      scanPlainLine(into: &text, inFlow: inFlow)
      let contentEnd = cursor
      guard try skipPlainBreak(into: &text, parent: parent, inFlow: inFlow) else {
        cursor = contentEnd
        break
      }
    }
    let scalar = YAMLScalar(text: String(text), style: .plain, endLine: cursor.mark.line)
    return try makeNode(.scalar(scalar), at: mark)
  }

  /// Takes the rest of a plain text's line, without the blanks at its end; the cursor stands behind the last letter.
  private mutating func scanPlainLine(into text: inout String.UnicodeScalarView, inFlow: Bool) {
    var blanks = String.UnicodeScalarView()
    var end = cursor
    while !cursor.isAtLineEnd {
      let scalar = cursor.current
      if scalar == " " || scalar == "\t" {
        blanks.append(scalar)
        cursor.advance()
        continue
      }
      if scalar == "#", !blanks.isEmpty { break }
      if scalar == ":", cursor.isSpace(1) || (inFlow && isFlowIndicator(cursor.peek(1))) { break }
      if inFlow, isFlowIndicator(scalar) { break }
      text.add(blanks)
      blanks.removeAll()
      text.append(scalar)
      cursor.advance()
      end = cursor
    }
    cursor = end
  }

  /// Goes to the next line of a plain text, if there is one, and folds the line ends between.
  private mutating func skipPlainBreak(
    into text: inout String.UnicodeScalarView,
    parent: Int,
    inFlow: Bool
  ) throws(YAMLError) -> Bool {
    cursor.skipBlanks()
    guard cursor.current == "\n", parent != Int.max else { return false }
    var breaks = 0
    while cursor.current == "\n" {
      breaks += 1
      cursor.advance()
      while cursor.current == " " { cursor.advance() }
      let indentation = cursor.column
      cursor.skipBlanks()
      if cursor.current != "\n", cursor.column > indentation, indentation <= parent, !cursor.isAtEnd {
        throw YAMLError(cursor.mark, "a tab indents this line; use blanks")
      }
    }
    guard !cursor.isAtEnd, cursor.current != "#", cursor.column > parent, !isAtDocumentEnd else { return false }
    if inFlow, isFlowIndicator(cursor.current) { return false }
    if cursor.current == ":", cursor.isSpace(1) { return false }
    appendFold(of: breaks, to: &text)
    return true
  }

  /// One line end becomes a blank, more become one line end less.
  private func appendFold(of breaks: Int, to text: inout String.UnicodeScalarView) {
    if breaks == 1 {
      text.append(" ")
    } else {
      text.add(repeatElement("\n", count: breaks - 1))
    }
  }

  // MARK: Quoted

  /// Parses a text in single or double quotes.
  mutating func parseQuoted(parent: Int) throws(YAMLError) -> YAMLNode {
    let mark = cursor.mark
    let quote = cursor.current
    let isDouble = quote == "\""
    cursor.advance()
    var text = String.UnicodeScalarView()
    while true {
      guard !cursor.isAtEnd, !isAtDocumentEnd else {
        throw YAMLError(mark, "this quote is never closed")
      }
      let scalar = cursor.current
      if scalar == quote {
        cursor.advance()
        guard !isDouble, cursor.current == quote else { break }
        text.append(quote)
        cursor.advance()
      } else if isDouble, scalar == "\\" {
        try parseEscape(into: &text)
      } else if scalar == " " || scalar == "\t" || scalar == "\n" {
        foldQuotedSpace(into: &text)
      } else {
        text.append(scalar)
        cursor.advance()
      }
    }
    let style: YAMLScalar.Style = isDouble ? .doubleQuoted : .singleQuoted
    return try makeNode(.scalar(YAMLScalar(text: String(text), style: style, endLine: cursor.mark.line)), at: mark)
  }

  /// Takes blanks inside quotes; line ends among them are folded and swallow the blanks around them.
  private mutating func foldQuotedSpace(into text: inout String.UnicodeScalarView) {
    var blanks = String.UnicodeScalarView()
    var breaks = 0
    while cursor.current == " " || cursor.current == "\t" || cursor.current == "\n" {
      if cursor.current == "\n" {
        breaks += 1
      } else if breaks == 0 {
        blanks.append(cursor.current)
      }
      cursor.advance()
      if cursor.column == 0, isAtDocumentEnd { return }
    }
    if breaks == 0 {
      text.add(blanks)
    } else {
      appendFold(of: breaks, to: &text)
    }
  }

  private mutating func parseEscape(into text: inout String.UnicodeScalarView) throws(YAMLError) {
    let mark = cursor.mark
    cursor.advance()
    let letter = cursor.current
    cursor.advance()
    switch letter {
    case "\n":
      // A line that ends with a backslash goes on without a blank.
      var breaks = 0
      while cursor.current == " " || cursor.current == "\t" || cursor.current == "\n" {
        if cursor.current == "\n" { breaks += 1 }
        cursor.advance()
      }
      text.add(repeatElement("\n", count: breaks))
    case "x": text.append(try parseHexadecimal(digits: 2, at: mark))
    case "u": text.append(try parseHexadecimal(digits: 4, at: mark))
    case "U": text.append(try parseHexadecimal(digits: 8, at: mark))
    case "$":
      // An address token kept from substitution; the backslash goes when tokens are replaced.
      text.add("\\$".unicodeScalars)
    default:
      guard let value = Self.escapes[letter] else {
        throw YAMLError(mark, "\"\\\(letter)\" is no escape; write \"\\\\\" for a backslash, or use single quotes")
      }
      text.append(value)
    }
  }

  private static let escapes: [Unicode.Scalar: Unicode.Scalar] = [
    "0": "\0", "a": "\u{07}", "b": "\u{08}", "t": "\t", "\t": "\t", "n": "\n", "v": "\u{0B}", "f": "\u{0C}", "r": "\r",
    "e": "\u{1B}", " ": " ", "\"": "\"", "/": "/", "\\": "\\", "N": "\u{85}", "_": "\u{A0}", "L": "\u{2028}",
    "P": "\u{2029}", "'": "'",
  ]

  private mutating func parseHexadecimal(digits: Int, at mark: SourceMark) throws(YAMLError) -> Unicode.Scalar {
    var value: UInt32 = 0
    for _ in 0..<digits {
      guard let digit = Character(cursor.current).hexDigitValue, cursor.current.isASCII else {
        throw YAMLError(mark, "an escape needs \(digits) hexadecimal digits here")
      }
      value = value << 4 | UInt32(digit)
      cursor.advance()
    }
    guard let scalar = Unicode.Scalar(value) else { throw YAMLError(mark, "this escape is no character") }
    return scalar
  }

  // MARK: Literal and folded

  /// Parses `|` or `>` and the lines below it.
  mutating func parseBlockScalar(parent: Int) throws(YAMLError) -> YAMLNode {
    let mark = cursor.mark
    let isLiteral = cursor.current == "|"
    cursor.advance()
    let header = try parseBlockHeader()
    try expectLineEnd()
    if !cursor.isAtEnd { cursor.advance() }
    let indent = header.indent.map { max(parent, 0) + $0 } ?? detectIndent(parent: parent)
    var text = String.UnicodeScalarView()
    var breaks = 0
    var wasBlankStart = true
    var isFirst = true
    var endLine = mark.line
    let firstLine = cursor.mark.line
    var folded: [Int] = []
    while !cursor.isAtEnd {
      let lineStart = cursor
      while cursor.current == " ", cursor.column < indent { cursor.advance() }
      if cursor.current == "\n" {
        breaks += 1
        cursor.advance()
        continue
      }
      guard cursor.column == indent, !cursor.isAtEnd else {
        if cursor.current == "\t" { throw YAMLError(cursor.mark, "a tab indents this line; use blanks") }
        cursor = lineStart
        break
      }
      let startsBlank = cursor.current == " " || cursor.current == "\t"
      let keepsBreaks = isFirst || isLiteral || startsBlank || wasBlankStart
      if keepsBreaks {
        text.add(repeatElement("\n", count: breaks))
      } else {
        appendFold(of: breaks, to: &text)
      }
      if !isLiteral {
        let started = keepsBreaks ? breaks : breaks - 1
        folded += repeatElement(cursor.mark.line, count: isFirst ? started + 1 : started)
      }
      while !cursor.isAtLineEnd {
        text.append(cursor.current)
        cursor.advance()
      }
      endLine = cursor.mark.line
      breaks = cursor.isAtEnd ? 0 : 1
      cursor.advance()
      wasBlankStart = startsBlank
      isFirst = false
    }
    let kept = keptBreaks(breaks, header.chomping, isEmpty: isFirst)
    text.add(repeatElement("\n", count: kept))
    let style: YAMLScalar.Style = isLiteral ? .literal : .folded
    var scalar = YAMLScalar(text: String(text), style: style, endLine: endLine)
    scalar.block = YAMLScalar.Block(firstLine: firstLine, indent: indent, folded: isLiteral ? nil : folded)
    return try makeNode(.scalar(scalar), at: mark)
  }

  private enum Chomping {
    case clip
    case strip
    case keep
  }

  private func keptBreaks(_ breaks: Int, _ chomping: Chomping, isEmpty: Bool) -> Int {
    switch chomping {
    case .strip: 0
    case .clip: isEmpty ? 0 : min(breaks, 1)
    case .keep: breaks
    }
  }

  private mutating func parseBlockHeader() throws(YAMLError) -> (indent: Int?, chomping: Chomping) {
    var indent: Int?
    var chomping: Chomping?
    while !cursor.isSpace(0) {
      switch cursor.current {
      case "+" where chomping == nil: chomping = .keep
      case "-" where chomping == nil: chomping = .strip
      case "1"..."9" where indent == nil: indent = Int(cursor.current.value - 48)
      default:
        throw YAMLError(cursor.mark, "only +, - and a digit may follow | or >; the text starts on the next line")
      }
      cursor.advance()
    }
    return (indent, chomping ?? .clip)
  }

  /// The column of the first line that is not blank, at least one deeper than the parent.
  private func detectIndent(parent: Int) -> Int {
    var ahead = cursor
    while !ahead.isAtEnd {
      while ahead.current == " " { ahead.advance() }
      if ahead.current != "\n" { break }
      ahead.advance()
    }
    return max(ahead.isAtEnd ? 0 : ahead.column, max(parent, 0) + (parent < 0 ? 0 : 1), 1)
  }
}
