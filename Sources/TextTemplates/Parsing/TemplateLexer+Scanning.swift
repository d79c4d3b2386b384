// SPDX-License-Identifier: Apache-2.0

/// Looking at the text, and giving out tokens.
extension TemplateLexer {
  mutating func emit(_ kind: TemplateToken.Kind) {
    let bytes = source[start..<position]
    tokens.append(
      TemplateToken(kind: kind, text: String(decoding: bytes, as: UTF8.self), position: start, line: line)
    )
    ignore()
  }

  mutating func advance(_ count: Int, _ kind: TemplateToken.Kind) {
    position += count
    emit(kind)
  }

  /// Leaves out what was read since the last token.
  mutating func ignore() {
    line += source[start..<position].count { $0 == UInt8(ascii: "\n") }
    start = position
  }

  mutating func fail(_ message: String) {
    tokens.append(TemplateToken(kind: .error, text: message, position: start, line: line))
  }

  mutating func failed(_ message: String) -> Bool {
    fail(message)
    return false
  }

  func offset(of text: String, from: Int) -> Int? {
    let bytes = Array(text.utf8)
    guard source.count >= bytes.count, from <= source.count - bytes.count else { return nil }
    return (from...(source.count - bytes.count)).first { hasBytes(bytes, at: $0) }
  }

  func hasBytes(_ text: String, at offset: Int) -> Bool { hasBytes(Array(text.utf8), at: offset) }

  private func hasBytes(_ bytes: [UInt8], at offset: Int) -> Bool {
    guard offset + bytes.count <= source.count else { return false }
    for index in bytes.indices where source[offset + index] != bytes[index] { return false }
    return true
  }

  func isSpace(at offset: Int) -> Bool {
    offset >= 0 && offset < source.count && [0x20, 0x09, 0x0d, 0x0a].contains(source[offset])
  }

  func scalar(at offset: Int) -> (value: Unicode.Scalar, length: Int) { UTF8Scalars.scalar(in: source, at: offset) }

  func isAlphanumeric(at offset: Int) -> Bool {
    guard offset < source.count else { return false }
    let scalar = scalar(at: offset).value
    if scalar.isASCII {
      return scalar == "_" || ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar)
        || ("0"..."9").contains(scalar)
    }
    return switch scalar.properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .decimalNumber: true
    default: false
    }
  }

  mutating func passAlphanumerics() {
    while isAlphanumeric(at: position) { position += scalar(at: position).length }
  }

  /// Whether a word may end here.
  var isAtTerminator: Bool {
    guard position < source.count else { return true }
    return isSpace(at: position) || ".,|:()".utf8.contains(source[position]) || hasBytes("}}", at: position)
  }

  /// As Go's `%#U`: `U+003D '='`.
  func nameOfCharacter(at offset: Int) -> String {
    GoQuoting.unicodeName(scalar(at: offset).value, showsCharacter: true)
  }
}
