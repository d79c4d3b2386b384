// SPDX-License-Identifier: Apache-2.0

extension YAMLParser {
  /// Refuses a plain text that starts with an indicator, guessing what the writer meant.
  func refuseIndicator(inFlow: Bool) throws(YAMLError) {
    let scalar = cursor.current
    switch scalar {
    case "@", "`": throw templateLeftover(at: cursor.mark, "\(scalar)…")
    case "%": throw templateLeftover(at: cursor.mark, "%…%")
    case "-", "?", ":":
      if cursor.isSpace(1) || (inFlow && isFlowIndicator(cursor.peek(1))) {
        throw YAMLError(cursor.mark, "\"\(scalar)\" cannot stand here")
      }
    case ",", "]", "}": throw YAMLError(cursor.mark, "\"\(scalar)\" without its opening bracket; quote the text")
    case "[", "{", "&", "*", "!", "|", ">", "'", "\"", "#":
      throw YAMLError(cursor.mark, "a text cannot start with \"\(scalar)\"; quote it: '\(cursor.restOfLine)'")
    default: return
    }
  }

  /// The error for what a template engine should have replaced.
  func templateLeftover(at mark: SourceMark, _ shape: String) -> YAMLError {
    YAMLError(mark, "a text cannot start like this; was \(shape) to be filled in by a template? else quote it")
  }

  /// The error for text where a key should stand.
  func missingKey() -> YAMLError {
    let line = cursor.restOfLine
    if isAtEntry("-") { return YAMLError(cursor.mark, "a list item where a key is expected; check the indentation") }
    if let colon = line.firstIndex(of: ":"), colon != line.startIndex,
      !line[..<colon].contains(where: { " \"'".contains($0) })
    {
      let key = line[..<colon]
      let value = line[line.index(after: colon)...]
      return YAMLError(cursor.mark, "a blank is missing after the colon: write \"\(key): \(value)\"")
    }
    return YAMLError(cursor.mark, "expected a key and a colon, as in \"key: value\"")
  }

  /// Refuses a text such as `name:a` whose next line is a key, so that a key was meant.
  func refuseGluedKey(_ node: YAMLNode) throws(YAMLError) {
    guard cursor.current == ":", cursor.isSpace(1), cursor.mark.line > node.mark.line, let text = node.text else {
      return
    }
    let word = text.prefix { $0 != " " && $0 != "\n" }
    guard let colon = word.firstIndex(of: ":"), colon != word.startIndex else { return }
    let value = word[word.index(after: colon)...]
    guard !value.isEmpty, !value.hasPrefix("//") else { return }
    throw YAMLError(node.mark, "a blank is missing after the colon: write \"\(word[..<colon]): \(value)\"")
  }

  /// The error for a key in the middle of a value.
  func keyInsideValue() -> YAMLError {
    YAMLError(cursor.mark, "a key cannot start inside a value; quote a text that holds \": \"")
  }

  /// The error for whatever stands behind a finished value.
  func unexpectedContent() -> YAMLError {
    if cursor.current == ":", cursor.isSpace(1) {
      return YAMLError(
        cursor.mark,
        "a key cannot stand here: this line is indented deeper than the one above, which has a value already"
      )
    }
    if cursor.current == "#" { return YAMLError(cursor.mark, "a comment needs a blank before its #") }
    return YAMLError(cursor.mark, "this does not fit what stands above; check indentation and quotes")
  }
}
