// SPDX-License-Identifier: Apache-2.0

/// One node of a parsed document, with the place it starts at.
struct YAMLNode: Sendable, Equatable {
  /// What a node holds.
  enum Content: Sendable, Equatable {
    case scalar(YAMLScalar)
    case sequence([YAMLNode])
    /// Pairs in the order of the document; the same key may come more than once.
    case mapping([YAMLPair])
  }

  var mark: SourceMark
  var content: Content

  /// An unset value, as `key:` alone gives it.
  static func null(at mark: SourceMark) -> YAMLNode {
    YAMLNode(mark: mark, content: .scalar(YAMLScalar(text: "", style: .plain, endLine: mark.line)))
  }

  /// The text of a scalar.
  var text: String? { if case .scalar(let scalar) = content { scalar.text } else { nil } }

  /// The pairs of a mapping.
  var pairs: [YAMLPair] { if case .mapping(let pairs) = content { pairs } else { [] } }

  /// The items of a sequence.
  var items: [YAMLNode] { if case .sequence(let items) = content { items } else { [] } }

  var isScalar: Bool { if case .scalar = content { true } else { false } }

  /// Whether both are mappings, both sequences or both scalars.
  func hasShape(of other: YAMLNode) -> Bool {
    switch (content, other.content) {
    case (.mapping, .mapping), (.sequence, .sequence), (.scalar, .scalar): true
    default: false
    }
  }

  /// Whether the node is unset: nothing, `~` or `null`.
  var isNull: Bool {
    guard case .scalar(let scalar) = content, scalar.style == .plain, scalar.tag == nil else { return false }
    return ["", "~", "null", "Null", "NULL"].contains(scalar.text)
  }
}

/// A key with its value.
struct YAMLPair: Sendable, Equatable {
  var key: String
  var keyMark: SourceMark
  var value: YAMLNode
}

/// A text with the way it was written; what it means depends on the type that is wanted.
struct YAMLScalar: Sendable, Equatable {
  /// How a scalar was written.
  enum Style: Sendable, Equatable {
    case plain
    case singleQuoted
    case doubleQuoted
    case literal
    case folded
  }

  var text: String
  var style: Style
  /// The tag as written (`!!binary`), if any.
  var tag: String?
  /// The last line of the source that the scalar covers.
  var endLine: Int
  /// Where the lines of a literal or folded text stand.
  var block: Block?

  /// The shape of a literal or folded text.
  struct Block: Sendable, Equatable {
    /// The line below the indicator.
    var firstLine: Int
    /// Blanks before each line.
    var indent: Int
    /// The lines of the source that the lines of a folded text begin on; nil when they are the same.
    var folded: [Int]?

    /// Where a line of the text stands, counted from 0, and so many columns into it.
    func mark(ofLine index: Int, column: Int) -> SourceMark {
      var line = firstLine + index
      if let folded { line = index < folded.count ? folded[index] : folded.last ?? firstLine }
      return SourceMark(line: line, column: indent + column + 1)
    }
  }
}

/// Why a document is not YAML of the subset, and where.
struct YAMLError: Error, Equatable {
  var mark: SourceMark
  var message: String

  init(_ mark: SourceMark, _ message: String) {
    self.mark = mark
    self.message = message
  }
}

/// What a document may not exceed.
enum YAMLLimits {
  /// Bytes of a whole document.
  static let documentBytes = UserDataLimits.unpackedBytes
  /// Bytes of all texts of a document, those that aliases repeat counted again.
  static let textBytes = 2 * documentBytes
  /// Collections inside collections.
  static let depth = 64
  /// Nodes of a document, those that aliases repeat counted again.
  static let nodes = 100_000
  /// Unicode scalars of a key on its line.
  static let keyLength = 1_024
}
