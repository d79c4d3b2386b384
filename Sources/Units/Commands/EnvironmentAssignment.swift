// SPDX-License-Identifier: Apache-2.0

/// A variable with its value, from `Environment=` or an environment file.
public struct EnvironmentAssignment: Sendable, Equatable {
  /// The variable's name.
  public var name: String
  /// Its value.
  public var value: String

  /// Makes an assignment.
  public init(name: String, value: String) {
    self.name = name
    self.value = value
  }

  /// Takes `NAME=VALUE` apart; nil when the name is not one.
  public init?(_ text: String) {
    guard let equals = text.firstIndex(of: "="), Self.isName(text[..<equals]) else { return nil }
    self.init(name: String(text[..<equals]), value: String(text[text.index(after: equals)...]))
  }

  /// Whether a text can be a variable's name: letters, digits and underscores, no digit first.
  public static func isName(_ text: some StringProtocol) -> Bool {
    guard let first = text.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else { return false }
    return text.utf8.allSatisfy { byte in
      byte == UInt8(ascii: "_") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
        || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
    }
  }
}

/// Reads the contents of an `EnvironmentFile=`.
///
/// Lines are `NAME=VALUE`; `#` and `;` begin comments; values may be quoted; a backslash at the end of a line continues
/// it. A line whose name is not one is passed over. There is no expansion of variables.
/// Source: systemd.exec(5) `EnvironmentFile=`; systemd `src/basic/env-file.c`.
public struct EnvironmentFileText: Sendable {
  private enum Place {
    case beforeName, name, beforeValue, value, valueEscape, singleQuotes, doubleQuotes, doubleQuotesEscape
    case comment, commentEscape
  }

  private var place = Place.beforeName
  private var name: [UInt8] = []
  private var value: [UInt8] = []
  /// Blanks at the end of an unquoted value do not belong to it; this is where they begin.
  private var valueEnd = 0
  private var assignments: [EnvironmentAssignment] = []

  /// The assignments of a file's text, in order; later ones win.
  public static func parse(_ text: String) -> [EnvironmentAssignment] {
    var reader = EnvironmentFileText()
    for byte in text.utf8 { reader.take(byte) }
    switch reader.place {
    case .beforeName, .name, .comment, .commentEscape: break
    case .beforeValue, .value, .valueEscape, .singleQuotes, .doubleQuotes, .doubleQuotesEscape: reader.finish()
    }
    return reader.assignments
  }

  private mutating func take(_ byte: UInt8) {
    let isNewline = byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r")
    switch place {
    case .beforeName:
      if byte == UInt8(ascii: "#") || byte == UInt8(ascii: ";") {
        place = .comment
      } else if !Self.isBlank(byte) {
        place = .name
        name = [byte]
      }
    case .name:
      if isNewline {
        place = .beforeName
      } else if byte == UInt8(ascii: "=") {
        place = .beforeValue
        value = []
        valueEnd = 0
      } else {
        name.append(byte)
      }
    case .beforeValue:
      takeBeforeValue(byte, isNewline)
    case .value:
      if isNewline {
        finish()
      } else if byte == UInt8(ascii: "\\") {
        place = .valueEscape
        valueEnd = value.count
      } else {
        append(byte, countsAlways: !Self.isBlank(byte))
      }
    case .valueEscape:
      place = .value
      if !isNewline { append(byte, countsAlways: true) }
    case .singleQuotes:
      if byte == UInt8(ascii: "'") { place = .beforeValue } else { append(byte, countsAlways: true) }
    case .doubleQuotes:
      if byte == UInt8(ascii: "\"") {
        place = .beforeValue
      } else if byte == UInt8(ascii: "\\") {
        place = .doubleQuotesEscape
      } else {
        append(byte, countsAlways: true)
      }
    case .doubleQuotesEscape:
      place = .doubleQuotes
      if !isNewline {
        if !"\"\\`$".utf8.contains(byte) { append(UInt8(ascii: "\\"), countsAlways: true) }
        append(byte, countsAlways: true)
      }
    case .comment:
      if byte == UInt8(ascii: "\\") { place = .commentEscape } else if isNewline { place = .beforeName }
    case .commentEscape:
      place = isNewline ? .beforeName : .comment
    }
  }

  private mutating func takeBeforeValue(_ byte: UInt8, _ isNewline: Bool) {
    if isNewline {
      finish()
    } else if byte == UInt8(ascii: "'") {
      place = .singleQuotes
    } else if byte == UInt8(ascii: "\"") {
      place = .doubleQuotes
    } else if byte == UInt8(ascii: "\\") {
      place = .valueEscape
    } else if !Self.isBlank(byte) {
      place = .value
      append(byte, countsAlways: true)
    }
  }

  private mutating func append(_ byte: UInt8, countsAlways: Bool) {
    value.append(byte)
    if countsAlways { valueEnd = value.count }
  }

  private mutating func finish() {
    while let last = name.last, Self.isBlank(last) { name.removeLast() }
    let text = String(decoding: name, as: UTF8.self)
    if EnvironmentAssignment.isName(text) {
      assignments.append(
        EnvironmentAssignment(name: text, value: String(decoding: value.prefix(valueEnd), as: UTF8.self))
      )
    }
    place = .beforeName
  }

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || (byte >= 9 && byte <= 13)
  }
}
