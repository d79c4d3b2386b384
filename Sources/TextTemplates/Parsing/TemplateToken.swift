// SPDX-License-Identifier: Apache-2.0

/// A piece of a template's text.
struct TemplateToken: Equatable {
  enum Kind: Equatable {
    case text, leftDelimiter, rightDelimiter, space, end
    /// Its text is the message.
    case error
    case assign, declare, pipe, leftParenthesis, rightParenthesis
    /// A character by itself, such as a comma.
    case character
    case bool, characterConstant, number, string, rawString
    case identifier, field, variable, dot, null
    case keyword(Keyword)
  }

  enum Keyword: String {
    case block, `break`, `continue`, define, `else`, end, `if`, range, template, with
  }

  var kind: Kind
  var text: String
  /// The offset in bytes.
  var position: Int
  /// From 1.
  var line: Int

  /// The token as errors of the parser show it.
  var description: String {
    switch kind {
    case .end: "EOF"
    case .error: text
    case .keyword: "<\(text)>"
    case .null: "<\(text)>"
    case .dot: "<.>"
    default:
      text.unicodeScalars.count > 10
        ? GoQuoting.quoted(Array(String(String.UnicodeScalarView(text.unicodeScalars.prefix(10))).utf8)) + "..."
        : GoQuoting.quoted(Array(text.utf8))
    }
  }
}
