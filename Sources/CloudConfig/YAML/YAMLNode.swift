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
  static let documentBytes = 1 << 20
  /// Collections inside collections.
  static let depth = 64
  /// Nodes of a document, those that aliases repeat counted again.
  static let nodes = 100_000
  /// Unicode scalars of a key on its line.
  static let keyLength = 1_024
}
