// SPDX-License-Identifier: Apache-2.0

/// Parses the subset of YAML that cloud-configs use, with a place for every node.
///
/// Shape: block and flow collections, five scalar styles, comments, tags, anchors, aliases, one document. Keys are text.
/// Invariant: time and memory are linear in the text, within ``YAMLLimits``.
/// Source: YAML 1.1 as libyaml reads it; specs/cloud-config.md §11.
struct YAMLParser {
  var cursor: SourceCursor
  private var depth = 0
  private var nodeCount = 0
  private var textBytes = 0
  private var anchors: [String: Anchor] = [:]

  /// A finished node that aliases may repeat.
  private struct Anchor {
    var node: YAMLNode
    var nodeCount: Int
    var textBytes: Int
  }

  /// What may stand before a node: `&anchor` and `!tag`.
  struct Properties {
    var anchor: String?
    var tag: String?
    var mark: SourceMark
  }

  /// Makes a parser of a text whose first line has a number.
  init(_ scalars: [Unicode.Scalar], firstLine: Int = 1) {
    cursor = SourceCursor(scalars, firstLine: firstLine)
  }

  /// What a text holds, and whether more documents follow the one that is read.
  struct Document {
    /// The root; nil when there is nothing but comments.
    var root: YAMLNode?
    /// Where a second document starts, which is not read.
    var ignoredFrom: SourceMark?
  }

  mutating func parseDocument() throws(YAMLError) -> Document {
    try skipToContent()
    while cursor.column == 0, cursor.current == "%", cursor.restOfLine.hasPrefix("%YAML") {
      cursor.skipToLineEnd()
      try skipToContent()
    }
    if isAtDocumentMarker("-") {
      cursor.advance(3)
      try skipToContent()
    }
    guard !cursor.isAtEnd, !isAtDocumentEnd else { return try finishDocument(root: nil) }
    let root = try parseBlockNode(BlockPosition(parent: -1, isLineStart: true))
    try skipToContent()
    guard cursor.isAtEnd || isAtDocumentEnd else { throw unexpectedContent() }
    return try finishDocument(root: root)
  }

  private mutating func finishDocument(root: YAMLNode?) throws(YAMLError) -> Document {
    if isAtDocumentMarker(".") {
      cursor.advance(3)
      try expectLineEnd()
      try skipToContent()
    }
    if isAtDocumentMarker("-") { return Document(root: root, ignoredFrom: cursor.mark) }
    guard cursor.isAtEnd else { throw YAMLError(cursor.mark, "text after the end of the document (...)") }
    return Document(root: root, ignoredFrom: nil)
  }

  // MARK: Bounds and anchors

  /// Counts a node, and refuses a document that has too many.
  mutating func makeNode(_ content: YAMLNode.Content, at mark: SourceMark) throws(YAMLError) -> YAMLNode {
    var bytes = 0
    if case .scalar(let scalar) = content { bytes = scalar.text.utf8.count }
    try count(1, textBytes: bytes, at: mark)
    return YAMLNode(mark: mark, content: content)
  }

  private mutating func count(_ nodes: Int, textBytes bytes: Int, at mark: SourceMark) throws(YAMLError) {
    nodeCount += nodes
    textBytes += bytes
    guard textBytes <= YAMLLimits.textBytes else {
      throw YAMLError(mark, "the texts of the document have more than \(YAMLLimits.textBytes) bytes, aliases included")
    }
    guard nodeCount <= YAMLLimits.nodes else {
      throw YAMLError(mark, "the document has more than \(YAMLLimits.nodes) values")
    }
  }

  /// Parses something one level deeper.
  mutating func nested<Value>(
    _ body: (inout YAMLParser) throws(YAMLError) -> Value
  ) throws(YAMLError) -> Value {
    guard depth < YAMLLimits.depth else {
      throw YAMLError(cursor.mark, "nested deeper than \(YAMLLimits.depth) levels")
    }
    depth += 1
    defer { depth -= 1 }
    return try body(&self)
  }

  /// Parses a node that properties stand before, and remembers it under its anchor.
  mutating func anchored(
    _ properties: Properties?,
    _ body: (inout YAMLParser) throws(YAMLError) -> YAMLNode
  ) throws(YAMLError) -> YAMLNode {
    let before = (nodes: nodeCount, bytes: textBytes)
    var node = try body(&self)
    guard let properties else { return node }
    if let tag = properties.tag, case .scalar(var scalar) = node.content {
      scalar.tag = tag
      node.content = .scalar(scalar)
    }
    if let name = properties.anchor {
      let nodes = max(1, nodeCount - before.nodes)
      anchors[name] = Anchor(node: node, nodeCount: nodes, textBytes: textBytes - before.bytes)
    }
    return node
  }

  /// Parses `*name`.
  mutating func parseAlias() throws(YAMLError) -> YAMLNode {
    let mark = cursor.mark
    cursor.advance()
    let name = scanAnchorName()
    guard let anchor = anchors[name] else {
      throw YAMLError(
        mark,
        "*\(name) stands for nothing: no &\(name) comes before it (quote a text that starts with *)"
      )
    }
    try count(anchor.nodeCount, textBytes: anchor.textBytes, at: mark)
    var node = anchor.node
    node.mark = mark
    return node
  }

  /// Parses `&anchor` and `!tag` in any order; nil when there is none.
  mutating func parseProperties() throws(YAMLError) -> Properties? {
    var properties: Properties?
    while cursor.current == "&" || cursor.current == "!" {
      let isAnchor = cursor.current == "&"
      var found = properties ?? Properties(anchor: nil, tag: nil, mark: cursor.mark)
      let mark = cursor.mark
      if isAnchor { cursor.advance() }
      let name = isAnchor ? scanAnchorName() : scanTag()
      let isSeparated = cursor.isSpace(0) || isFlowIndicator(cursor.current)
      guard !name.isEmpty, isSeparated, (isAnchor ? found.anchor : found.tag) == nil else {
        throw YAMLError(mark, "one &name and one !tag may stand before a value; quote a text that starts so")
      }
      if isAnchor { found.anchor = name } else { found.tag = name }
      properties = found
      cursor.skipBlanks()
    }
    return properties
  }

  private mutating func scanAnchorName() -> String {
    scan { $0.isASCII && ($0.properties.isAlphabetic || ("0"..."9").contains($0) || $0 == "_" || $0 == "-") }
  }

  private mutating func scanTag() -> String {
    scan { $0 != "," && $0 != "[" && $0 != "]" && $0 != "{" && $0 != "}" }
  }

  private mutating func scan(while isPart: (Unicode.Scalar) -> Bool) -> String {
    var name = String.UnicodeScalarView()
    while !cursor.isSpace(0), isPart(cursor.current) {
      name.append(cursor.current)
      cursor.advance()
    }
    return String(name)
  }

  // MARK: Between nodes

  func isFlowIndicator(_ scalar: Unicode.Scalar) -> Bool {
    scalar == "," || scalar == "[" || scalar == "]" || scalar == "{" || scalar == "}"
  }

  func isAtDocumentMarker(_ scalar: Unicode.Scalar) -> Bool {
    cursor.column == 0 && cursor.current == scalar && cursor.peek(1) == scalar && cursor.peek(2) == scalar
      && cursor.isSpace(3)
  }

  var isAtDocumentEnd: Bool { isAtDocumentMarker("-") || isAtDocumentMarker(".") }

  /// Skips blanks, comments and line ends; refuses tabs that indent.
  mutating func skipToContent() throws(YAMLError) {
    while true {
      let isIndentation = cursor.column == 0
      while cursor.current == " " { cursor.advance() }
      if cursor.current == "\t" {
        let mark = cursor.mark
        cursor.skipBlanks()
        if isIndentation, !cursor.isAtLineEnd, cursor.current != "#" {
          throw YAMLError(mark, "a tab indents this line; use blanks")
        }
      }
      if cursor.current == "#" { cursor.skipToLineEnd() }
      guard cursor.current == "\n" else { return }
      cursor.advance()
    }
  }

  /// Takes what may follow a finished value on its line: blanks and a comment.
  mutating func expectLineEnd() throws(YAMLError) {
    let isSeparated = cursor.isSpace(0)
    cursor.skipBlanks()
    if cursor.current == "#", isSeparated {
      cursor.skipToLineEnd()
      return
    }
    guard cursor.isAtLineEnd else { throw unexpectedContent() }
  }
}
