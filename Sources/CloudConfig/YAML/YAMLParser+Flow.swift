// SPDX-License-Identifier: Apache-2.0

extension YAMLParser {
  /// Parses `[…]` or `{…}`.
  mutating func parseFlowNode() throws(YAMLError) -> YAMLNode {
    try nested { (parser) throws(YAMLError) in
      let mark = parser.cursor.mark
      if parser.cursor.current == "{", parser.cursor.peek(1) == "{" {
        throw parser.templateLeftover(at: mark, "{{…}}")
      }
      return parser.cursor.current == "["
        ? try parser.parseFlowSequence(at: mark) : try parser.parseFlowMapping(at: mark)
    }
  }

  private mutating func parseFlowSequence(at mark: SourceMark) throws(YAMLError) -> YAMLNode {
    cursor.advance()
    var items: [YAMLNode] = []
    while true {
      try skipInsideFlow(from: mark, closing: "]")
      if cursor.current == "]" { break }
      let itemMark = cursor.mark
      let item = try parseFlowItem()
      if try skipToFlowColon(after: item) {
        let value = try parseFlowValue()
        let pair = YAMLPair(key: try keyText(item), keyMark: itemMark, value: value)
        items.append(try makeNode(.mapping([pair]), at: itemMark))
      } else {
        items.append(item)
      }
      try expectFlowSeparator(from: mark, closing: "]")
    }
    cursor.advance()
    return try makeNode(.sequence(items), at: mark)
  }

  private mutating func parseFlowMapping(at mark: SourceMark) throws(YAMLError) -> YAMLNode {
    cursor.advance()
    var pairs: [YAMLPair] = []
    while true {
      try skipInsideFlow(from: mark, closing: "}")
      if cursor.current == "}" { break }
      if isAtEntry("?") {
        cursor.advance()
        try skipInsideFlow(from: mark, closing: "}")
      }
      let keyMark = cursor.mark
      let key = try parseFlowItem()
      let value = try skipToFlowColon(after: key) ? parseFlowValue() : makeNode(nullContent(at: keyMark), at: keyMark)
      pairs.append(YAMLPair(key: try keyText(key), keyMark: keyMark, value: value))
      try expectFlowSeparator(from: mark, closing: "}")
    }
    cursor.advance()
    return try makeNode(.mapping(mergingReferences(in: pairs)), at: mark)
  }

  private mutating func parseFlowItem() throws(YAMLError) -> YAMLNode {
    let properties = try parseProperties()
    try skipToContent()
    return try anchored(properties) { (parser) throws(YAMLError) in
      switch parser.cursor.current {
      case "[", "{": return try parser.parseFlowNode()
      case "\"", "'": return try parser.parseQuoted(parent: -1)
      case "*": return try parser.parseAlias()
      case "," where properties != nil, "]" where properties != nil, "}" where properties != nil:
        let mark = parser.cursor.mark
        return try parser.makeNode(parser.nullContent(at: mark), at: mark)
      default: return try parser.parsePlain(parent: -1, inFlow: true)
      }
    }
  }

  /// Goes behind the colon when the item before the cursor is a key.
  private mutating func skipToFlowColon(after item: YAMLNode) throws(YAMLError) -> Bool {
    let before = cursor
    try skipToContent()
    var isQuoted = false
    if case .scalar(let scalar) = item.content { isQuoted = scalar.style != .plain } else { isQuoted = true }
    if cursor.current == ":", cursor.isSpace(1) || isFlowIndicator(cursor.peek(1)) || isQuoted {
      cursor.advance()
      return true
    }
    cursor = before
    return false
  }

  private mutating func parseFlowValue() throws(YAMLError) -> YAMLNode {
    let mark = cursor.mark
    try skipToContent()
    if cursor.current == "," || cursor.current == "]" || cursor.current == "}" {
      return try makeNode(nullContent(at: mark), at: mark)
    }
    return try parseFlowItem()
  }

  private mutating func expectFlowSeparator(from mark: SourceMark, closing: Unicode.Scalar) throws(YAMLError) {
    try skipInsideFlow(from: mark, closing: closing)
    if cursor.current == "," {
      cursor.advance()
    } else if cursor.current != closing {
      throw YAMLError(cursor.mark, "expected \",\" or \"\(closing)\"")
    }
  }

  private mutating func skipInsideFlow(from mark: SourceMark, closing: Unicode.Scalar) throws(YAMLError) {
    try skipToContent()
    guard !cursor.isAtEnd, !isAtDocumentEnd else {
      throw YAMLError(mark, "this \(closing == "]" ? "[" : "{") is never closed")
    }
  }
}
