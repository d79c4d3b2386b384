// SPDX-License-Identifier: Apache-2.0

/// A place in a text that moves forward only.
///
/// Shape: line breaks are all `\n`; beyond the end stand endless NULs, which no document contains.
struct SourceCursor: Sendable {
  private let scalars: [Unicode.Scalar]
  private var offset = 0
  /// Line, from 0.
  private(set) var line: Int
  /// Column, from 0.
  private(set) var column = 0

  init(_ scalars: [Unicode.Scalar], firstLine: Int) {
    self.scalars = scalars
    line = firstLine - 1
  }

  /// What stands behind the last scalar.
  static let end: Unicode.Scalar = "\0"

  var mark: SourceMark { SourceMark(line: line + 1, column: column + 1) }
  var current: Unicode.Scalar { peek(0) }
  var isAtEnd: Bool { offset >= scalars.count }
  var isAtLineEnd: Bool { isAtEnd || scalars[offset] == "\n" }

  func peek(_ ahead: Int) -> Unicode.Scalar {
    let index = offset + ahead
    return index >= 0 && index < scalars.count ? scalars[index] : Self.end
  }

  /// Whether a blank, a line end or the end of the text stands `ahead`.
  func isSpace(_ ahead: Int) -> Bool {
    let scalar = peek(ahead)
    return scalar == " " || scalar == "\t" || scalar == "\n" || scalar == Self.end
  }

  mutating func advance() {
    guard offset < scalars.count else { return }
    if scalars[offset] == "\n" {
      line += 1
      column = 0
    } else {
      column += 1
    }
    offset += 1
  }

  mutating func advance(_ count: Int) {
    for _ in 0..<count { advance() }
  }

  mutating func skipBlanks() {
    while current == " " || current == "\t" { advance() }
  }

  mutating func skipToLineEnd() {
    while !isAtLineEnd { advance() }
  }

  /// The text from here to the end of the line.
  var restOfLine: String {
    var text = String.UnicodeScalarView()
    var index = offset
    while index < scalars.count, scalars[index] != "\n" {
      text.append(scalars[index])
      index += 1
    }
    return String(text)
  }
}
