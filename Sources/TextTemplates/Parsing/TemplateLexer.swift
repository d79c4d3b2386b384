// SPDX-License-Identifier: Apache-2.0

/// Cuts a template's text into tokens.
///
/// Source: Go 1.19, `text/template/parse/lex.go`: what trims, what ends a word, and its messages.
struct TemplateLexer {
  let source: [UInt8]
  /// `break` and `continue` are words of the language only where no function has the name.
  let functions: Set<String>
  var position = 0
  var start = 0
  var line = 1
  var parentheses = 0
  var tokens: [TemplateToken] = []

  init(source: [UInt8], functions: Set<String>) {
    self.source = source
    self.functions = functions
  }

  /// All tokens; the last is the end or an error.
  mutating func allTokens() -> [TemplateToken] {
    var isInAction = false
    while true {
      isInAction = isInAction ? lexAction() : lexText()
      if let last = tokens.last?.kind, last == .end || last == .error { return tokens }
    }
  }

  // MARK: Text

  /// Reads text up to an action, a comment or the end.
  ///
  /// - Returns: Whether an action follows.
  private mutating func lexText() -> Bool {
    guard let delimiter = offset(of: "{{", from: position) else {
      position = source.count
      if position > start { emit(.text) }
      emit(.end)
      return false
    }
    let isTrimmed = hasBytes("-", at: delimiter + 2) && isSpace(at: delimiter + 3)
    var textEnd = delimiter
    if isTrimmed {
      while textEnd > start, isSpace(at: textEnd - 1) { textEnd -= 1 }
    }
    position = textEnd
    if position > start { emit(.text) }
    position = delimiter
    ignore()
    position += 2
    let afterMarker = position + (isTrimmed ? 2 : 0)
    if hasBytes("/*", at: afterMarker) {
      position = afterMarker
      ignore()
      lexComment()
      return false
    }
    emit(.leftDelimiter)
    position = afterMarker
    ignore()
    parentheses = 0
    return true
  }

  private mutating func lexComment() {
    guard let close = offset(of: "*/", from: position + 2) else { return fail("unclosed comment") }
    position = close + 2
    guard let isTrimmed = rightDelimiter() else { return fail("comment ends before closing delimiter") }
    passRightDelimiter(isTrimmed: isTrimmed)
    ignore()
  }

  /// Whether `}}` or ` -}}` stands here, and whether it trims; nil when neither does.
  func rightDelimiter() -> Bool? {
    if isSpace(at: position), hasBytes("-}}", at: position + 1) { return true }
    return hasBytes("}}", at: position) ? false : nil
  }

  /// Goes past the delimiter, and past the white space it trims.
  private mutating func passRightDelimiter(isTrimmed: Bool) {
    position += isTrimmed ? 4 : 2
    if isTrimmed { while isSpace(at: position) { position += 1 } }
  }

  // MARK: Actions

  /// Reads one token of an action.
  ///
  /// - Returns: Whether the action goes on.
  private mutating func lexAction() -> Bool {
    if let isTrimmed = rightDelimiter() {
      guard parentheses == 0 else { return failed("unclosed left paren") }
      if isTrimmed {
        position += 2
        ignore()
      }
      position += 2
      emit(.rightDelimiter)
      if isTrimmed {
        while isSpace(at: position) { position += 1 }
        ignore()
      }
      return false
    }
    guard position < source.count else { return failed("unclosed action") }
    let byte = source[position]
    switch byte {
    case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), UInt8(ascii: "\n"): lexSpace()
    case UInt8(ascii: "="): advance(1, .assign)
    case UInt8(ascii: ":"):
      guard hasBytes("=", at: position + 1) else { return failed("expected :=") }
      advance(2, .declare)
    case UInt8(ascii: "|"): advance(1, .pipe)
    case UInt8(ascii: "\""): lexQuoted(byte, .string, "unterminated quoted string")
    case UInt8(ascii: "'"): lexQuoted(byte, .characterConstant, "unterminated character constant")
    case UInt8(ascii: "`"): lexRawString()
    case UInt8(ascii: "$"): lexName(.variable, alone: .variable)
    case UInt8(ascii: "."):
      // A dot at the very end is taken for a number, as Go has it.
      let next = position + 1 < source.count ? source[position + 1] : 0x30
      if (0x30...0x39).contains(next) { lexNumber() } else { lexName(.field, alone: .dot) }
    case UInt8(ascii: "+"), UInt8(ascii: "-"), 0x30...0x39: lexNumber()
    case UInt8(ascii: "("):
      parentheses += 1
      advance(1, .leftParenthesis)
    case UInt8(ascii: ")"):
      parentheses -= 1
      guard parentheses >= 0 else { return failed("unexpected right paren U+0029 ')'") }
      advance(1, .rightParenthesis)
    default: lexOther(byte)
    }
    return true
  }

  private mutating func lexOther(_ byte: UInt8) {
    if isAlphanumeric(at: position) {
      lexIdentifier()
    } else if (0x21..<0x7f).contains(byte) {
      advance(1, .character)
    } else {
      fail("unrecognized character in action: \(nameOfCharacter(at: position))")
    }
  }

  private mutating func lexSpace() {
    // A space right before `-}}` belongs to the delimiter.
    while isSpace(at: position) {
      if hasBytes("-}}", at: position + 1) { break }
      position += 1
    }
    if position > start { emit(.space) }
  }

  private mutating func lexQuoted(_ quote: UInt8, _ kind: TemplateToken.Kind, _ unterminated: String) {
    position += 1
    while position < source.count, source[position] != UInt8(ascii: "\n") {
      let byte = source[position]
      position += 1
      if byte == quote { return emit(kind) }
      if byte == UInt8(ascii: "\\"), position < source.count, source[position] != UInt8(ascii: "\n") { position += 1 }
    }
    fail(unterminated)
  }

  private mutating func lexRawString() {
    guard let close = offset(of: "`", from: position + 1) else { return fail("unterminated raw quoted string") }
    position = close + 1
    emit(.rawString)
  }

  private mutating func lexName(_ kind: TemplateToken.Kind, alone: TemplateToken.Kind) {
    position += 1
    if isAtTerminator { return emit(alone) }
    passAlphanumerics()
    guard isAtTerminator else { return fail("bad character \(nameOfCharacter(at: position))") }
    emit(kind)
  }

  private mutating func lexIdentifier() {
    passAlphanumerics()
    guard isAtTerminator else { return fail("bad character \(nameOfCharacter(at: position))") }
    let word = String(decoding: source[start..<position], as: UTF8.self)
    if word == "true" || word == "false" { return emit(.bool) }
    if word == "nil" { return emit(.null) }
    guard let keyword = TemplateToken.Keyword(rawValue: word) else { return emit(.identifier) }
    let isFunction = (keyword == .break || keyword == .continue) && functions.contains(word)
    emit(isFunction ? .identifier : .keyword(keyword))
  }

  private mutating func lexNumber() {
    passNumber()
    if isAlphanumeric(at: position) {
      position += scalar(at: position).length
      return fail("bad number syntax: \(GoQuoting.quoted(Array(source[start..<position])))")
    }
    emit(.number)
  }

  private mutating func passNumber() {
    accept("+-")
    var digits = "0123456789_"
    if accept("0") {
      if accept("xX") {
        digits = "0123456789abcdefABCDEF_"
      } else if accept("oO") {
        digits = "01234567_"
      } else if accept("bB") {
        digits = "01_"
      }
    }
    acceptRun(digits)
    if accept(".") { acceptRun(digits) }
    let isExponent = digits.utf8.count == 11 ? accept("eE") : digits.utf8.count == 23 && accept("pP")
    if isExponent {
      accept("+-")
      acceptRun("0123456789_")
    }
    accept("i")
  }

  @discardableResult private mutating func accept(_ bytes: String) -> Bool {
    guard position < source.count, bytes.utf8.contains(source[position]) else { return false }
    position += 1
    return true
  }

  private mutating func acceptRun(_ bytes: String) {
    while accept(bytes) {}
  }
}
