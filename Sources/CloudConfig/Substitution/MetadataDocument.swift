// SPDX-License-Identifier: Apache-2.0

/// The metadata of a NoCloud seed: a small YAML document without header.
///
/// Source: cloud-init's NoCloud; specs/cloud-config.md §7.
public struct MetadataDocument: Sendable, Equatable {
  private let pairs: [YAMLPair]

  /// Why a text is none.
  public struct Failure: Error, Sendable, Equatable, CustomStringConvertible {
    /// Line and reason.
    public var description: String
  }

  /// Reads one; an empty text says nothing.
  ///
  /// - Throws: ``Failure`` with the line.
  public init(parsing bytes: [UInt8]) throws(Failure) {
    guard bytes.count <= YAMLLimits.documentBytes else { throw Failure(description: "it is too long") }
    let text = String(decoding: bytes, as: UTF8.self).filter { $0 != "\0" }
    let scalars = text.split(separator: "\r\n", omittingEmptySubsequences: false).joined(separator: "\n").unicodeScalars
    var parser = YAMLParser(scalars.map { $0 == "\r" ? "\n" : $0 })
    let root: YAMLNode?
    do throws(YAMLError) {
      root = try parser.parseDocument().root
    } catch {
      throw Failure(description: "line \(error.mark.line): \(error.message)")
    }
    switch root?.content {
    case .mapping(let pairs)?: self.pairs = pairs
    case nil: pairs = []
    case .scalar?, .sequence?: throw Failure(description: "it must be a mapping")
    }
  }

  /// The text of a key; nil when it is not there, empty, or no text.
  public func text(of key: String) -> String? {
    guard let node = pairs.last(where: { $0.key == key })?.value, case .scalar(let scalar) = node.content,
      !node.isNull, !scalar.text.isEmpty
    else { return nil }
    return scalar.text
  }

  /// All texts below a key, be it a text, a list or a mapping, in their order.
  public func texts(of key: String) -> [String] {
    pairs.last { $0.key == key }.map { Self.texts(in: $0.value) } ?? []
  }

  private static func texts(in node: YAMLNode) -> [String] {
    switch node.content {
    case .scalar(let scalar): node.isNull ? [] : [scalar.text]
    case .sequence(let nodes): nodes.flatMap(texts)
    case .mapping(let pairs): pairs.flatMap { texts(in: $0.value) }
    }
  }
}
