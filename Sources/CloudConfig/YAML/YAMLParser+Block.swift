// SPDX-License-Identifier: Apache-2.0

extension YAMLParser {
  /// Where a block node is expected.
  struct BlockPosition {
    /// Column of the collection that the node stands in; -1 for the root.
    var parent: Int
    /// Whether a list may stand at the parent's own column, as it may below a key.
    var allowsListAtParent = false
    /// Whether a collection may start on the line that the cursor is on, as it may after `- `.
    var allowsCompact = false
    /// Whether the cursor is before all content of its line.
    var isLineStart = false
  }

  /// Parses the node after the cursor, on this line or a later one; an unset one when nothing is deeper than the parent.
  mutating func parseBlockNode(_ position: BlockPosition) throws(YAMLError) -> YAMLNode {
    try nested { (parser) throws(YAMLError) in try parser.parseNestedBlockNode(position) }
  }

  private mutating func parseNestedBlockNode(_ position: BlockPosition) throws(YAMLError) -> YAMLNode {
    let start = cursor.mark
    try skipToContent()
    var startsCollection = position.isLineStart || position.allowsCompact || cursor.mark.line > start.line
    var isOnNewLine = cursor.mark.line > start.line
    guard isDeepEnough(position, isOnNewLine: isOnNewLine) else {
      return try makeNode(nullContent(at: start), at: start)
    }
    let column = cursor.column
    let beforeProperties = cursor
    var properties = try parseProperties()
    if properties != nil, cursor.isAtLineEnd || cursor.current == "#" {
      try skipToContent()
      isOnNewLine = true
      startsCollection = true
      guard isDeepEnough(position, isOnNewLine: true) else {
        return try anchored(properties) { (parser) throws(YAMLError) in
          try parser.makeNode(parser.nullContent(at: start), at: start)
        }
      }
    }
    let mark = cursor.mark
    if isAtEntry("-") {
      guard startsCollection else { throw YAMLError(mark, "a list must start on a line of its own") }
      return try anchored(properties) { (parser) throws(YAMLError) in try parser.parseBlockSequence(at: mark) }
    }
    if isAtEntry("?") || isAtImplicitKey {
      guard startsCollection else { throw keyInsideValue() }
      // Properties on the line of the first key belong to the key, not to the mapping.
      let belongToKey = properties != nil && properties?.mark.line == mark.line
      if belongToKey {
        cursor = beforeProperties
        properties = nil
      }
      let indent = belongToKey ? column : cursor.column
      return try anchored(properties) { (parser) throws(YAMLError) in
        try parser.parseBlockMapping(indent: indent)
      }
    }
    return try anchored(properties) { (parser) throws(YAMLError) in
      try parser.parseInlineNode(parent: position.parent)
    }
  }

  private func isDeepEnough(_ position: BlockPosition, isOnNewLine: Bool) -> Bool {
    if cursor.isAtEnd || isAtDocumentEnd { return false }
    if !isOnNewLine || cursor.column > position.parent { return true }
    return position.allowsListAtParent && cursor.column == position.parent && isAtEntry("-")
  }

  func nullContent(at mark: SourceMark) -> YAMLNode.Content {
    YAMLNode.null(at: mark).content
  }

  /// Whether `-`, `?` or `:` stands here as an indicator.
  func isAtEntry(_ indicator: Unicode.Scalar) -> Bool {
    cursor.current == indicator && cursor.isSpace(1)
  }

  /// Parses a value that is no block collection, and the rest of its line.
  private mutating func parseInlineNode(parent: Int) throws(YAMLError) -> YAMLNode {
    let node: YAMLNode
    switch cursor.current {
    case "|", ">": return try parseBlockScalar(parent: parent)
    case "*": node = try parseAlias()
    case "[", "{": node = try parseFlowNode()
    case "\"", "'": node = try parseQuoted(parent: parent)
    default:
      node = try parsePlain(parent: parent, inFlow: false)
      try refuseGluedKey(node)
    }
    try expectLineEnd()
    return node
  }

  private mutating func parseBlockSequence(at mark: SourceMark) throws(YAMLError) -> YAMLNode {
    let indent = cursor.column
    var items: [YAMLNode] = []
    while cursor.column == indent, isAtEntry("-"), !isAtDocumentEnd {
      cursor.advance()
      items.append(try parseBlockNode(BlockPosition(parent: indent, allowsCompact: true)))
      try skipToContent()
      if !cursor.isAtEnd, !isAtDocumentEnd, cursor.column > indent { throw unexpectedContent() }
    }
    return try makeNode(.sequence(items), at: mark)
  }

  private mutating func parseBlockMapping(indent: Int) throws(YAMLError) -> YAMLNode {
    let mark = cursor.mark
    var pairs: [YAMLPair] = []
    repeat {
      let isExplicit = isAtEntry("?")
      guard isExplicit || isAtImplicitKey || cursor.current == "&" || cursor.current == "!" else {
        throw missingKey()
      }
      pairs.append(try isExplicit ? parseExplicitPair(indent: indent) : parseImplicitPair(indent: indent))
      try skipToContent()
      if !cursor.isAtEnd, !isAtDocumentEnd, cursor.column > indent { throw unexpectedContent() }
    } while !cursor.isAtEnd && !isAtDocumentEnd && cursor.column == indent
    return try makeNode(.mapping(mergingReferences(in: pairs)), at: mark)
  }

  private mutating func parseImplicitPair(indent: Int) throws(YAMLError) -> YAMLPair {
    let keyMark = cursor.mark
    let properties = try parseProperties()
    let key = try anchored(properties) { (parser) throws(YAMLError) in try parser.parseKey() }
    cursor.skipBlanks()
    guard cursor.current == ":" else { throw missingKey() }
    cursor.advance()
    let value = try parseBlockNode(BlockPosition(parent: indent, allowsListAtParent: true))
    return YAMLPair(key: try keyText(key), keyMark: keyMark, value: value)
  }

  private mutating func parseExplicitPair(indent: Int) throws(YAMLError) -> YAMLPair {
    let keyMark = cursor.mark
    cursor.advance()
    let key = try parseBlockNode(BlockPosition(parent: indent, allowsCompact: true))
    try skipToContent()
    guard cursor.column == indent, isAtEntry(":") else {
      return YAMLPair(
        key: try keyText(key),
        keyMark: keyMark,
        value: try makeNode(nullContent(at: keyMark), at: keyMark)
      )
    }
    cursor.advance()
    let value = try parseBlockNode(BlockPosition(parent: indent, allowsListAtParent: true, allowsCompact: true))
    return YAMLPair(key: try keyText(key), keyMark: keyMark, value: value)
  }

  /// Parses the text before a colon, on one line.
  private mutating func parseKey() throws(YAMLError) -> YAMLNode {
    switch cursor.current {
    case "*": return try parseAlias()
    case "\"", "'": return try parseQuoted(parent: -1)
    default: return try parsePlain(parent: Int.max, inFlow: false)
    }
  }

  func keyText(_ node: YAMLNode) throws(YAMLError) -> String {
    guard case .scalar(let scalar) = node.content else {
      throw YAMLError(node.mark, "a key must be text")
    }
    return scalar.text
  }

  /// Whether the line goes on with a key and its colon.
  var isAtImplicitKey: Bool {
    var ahead = cursor
    let startColumn = ahead.column
    switch ahead.current {
    case "|", ">", "[", "{", "#": return false
    case "\"", "'":
      let quote = ahead.current
      ahead.advance()
      while ahead.current != quote || (quote == "'" && ahead.peek(1) == quote) {
        if ahead.isAtLineEnd || ahead.column - startColumn > YAMLLimits.keyLength { return false }
        ahead.advance(ahead.current == "\\" && quote == "\"" || ahead.current == quote ? 2 : 1)
      }
      ahead.advance()
      ahead.skipBlanks()
      return ahead.current == ":" && ahead.isSpace(1)
    default:
      if ahead.current == ":" || ahead.current == "-", ahead.isSpace(1) { return false }
      while !ahead.isAtLineEnd, ahead.column - startColumn <= YAMLLimits.keyLength {
        if ahead.current == ":", ahead.isSpace(1) { return true }
        if ahead.current == "#", ahead.isSpace(-1) { return false }
        ahead.advance()
      }
      return false
    }
  }

  /// Resolves `<<`: the pairs of the mappings it names, where the mapping itself has no such key.
  func mergingReferences(in pairs: [YAMLPair]) throws(YAMLError) -> [YAMLPair] {
    guard pairs.contains(where: { $0.key == "<<" }) else { return pairs }
    var merged = pairs.filter { $0.key != "<<" }
    var known = Set(merged.map(\.key))
    for pair in pairs where pair.key == "<<" {
      let sources: [YAMLNode]
      if case .sequence(let nodes) = pair.value.content { sources = nodes } else { sources = [pair.value] }
      for source in sources {
        guard case .mapping(let additions) = source.content else {
          throw YAMLError(pair.keyMark, "<< must name a mapping, as in \"<<: *defaults\"")
        }
        merged += additions.filter { known.insert($0.key).inserted }
      }
    }
    return merged
  }
}
