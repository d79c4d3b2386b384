// SPDX-License-Identifier: Apache-2.0

/// The text of `docker inspect -f`, understood.
///
/// Shape: text with `{{…}}` actions: a path `.State.Running` or `.`, `json PATH`, `index PATH "key" 0`, each piped
/// through `json`, `lower` or `upper` at will; `{{-` and `-}}` trim white space. Everything else of Go's templates is
/// refused by name.
public struct InspectTemplate: Sendable, Equatable {
  /// The template as written.
  public let text: String
  let pieces: [Piece]

  enum Piece: Sendable, Equatable {
    case text(String)
    case action(Action)
  }

  struct Action: Sendable, Equatable {
    /// Names from the document's root.
    var path: [String]
    /// Further steps of `index`.
    var indexes: [Index] = []
    var functions: [Function] = []
  }

  enum Index: Sendable, Equatable {
    case key(String)
    case position(Int)
  }

  enum Function: String, Sendable {
    case json, lower, upper
  }

  /// Understands a template.
  ///
  /// - Throws: ``DockerCommandLineError/unsupportedTemplate(_:part:)`` for what is not carried out here.
  public init(_ text: String) throws(DockerCommandLineError) {
    self.text = text
    var pieces: [Piece] = []
    var rest = text[...]
    var trimsNext = false
    while let opening = rest.firstIndex(ofPair: "{{") {
      var before = rest[..<opening]
      rest = rest[rest.index(opening, offsetBy: 2)...]
      if trimsNext { before = before.drop(while: \.isWhitespace) }
      if rest.hasPrefix("- ") {
        while before.last?.isWhitespace == true { before = before.dropLast() }
        rest = rest.dropFirst()
      }
      guard let closing = rest.firstIndex(ofPair: "}}") else {
        throw .unsupportedTemplate(text, part: "{{ without }}")
      }
      var action = rest[..<closing]
      rest = rest[rest.index(closing, offsetBy: 2)...]
      trimsNext = action.hasSuffix(" -")
      if trimsNext { action = action.dropLast() }
      if !before.isEmpty { pieces.append(.text(String(before))) }
      pieces.append(.action(try Self.action(action, of: text)))
    }
    if trimsNext { rest = rest.drop(while: \.isWhitespace) }
    if !rest.isEmpty { pieces.append(.text(String(rest))) }
    self.pieces = pieces
  }

  private static func action(_ source: Substring, of text: String) throws(DockerCommandLineError) -> Action {
    let stages = source.split(separator: "|", omittingEmptySubsequences: false).map { words(of: $0) }
    var first = stages[0]
    var action = Action(path: [])
    switch first.first {
    case "json":
      action.functions.append(.json)
      first.removeFirst()
    case "index":
      first.removeFirst()
      guard first.count >= 2 else { throw .unsupportedTemplate(text, part: "index without a key") }
      for word in first.dropFirst() { action.indexes.append(try index(word, of: text)) }
      first = [first[0]]
    default: break
    }
    guard first.count == 1, let path = path(first[0]) else {
      throw .unsupportedTemplate(text, part: "{{\(source)}}")
    }
    action.path = path
    for stage in stages.dropFirst() {
      guard stage.count == 1, let function = Function(rawValue: stage[0]) else {
        throw .unsupportedTemplate(text, part: "| \(stage.joined(separator: " "))")
      }
      action.functions.append(function)
    }
    return action
  }

  /// Words apart by white space; what stands in double quotes keeps its quotes and its spaces.
  private static func words(of source: Substring) -> [String] {
    var words: [String] = []
    var word = ""
    var isQuoted = false
    for character in source {
      if character == "\"" { isQuoted.toggle() }
      if character.isWhitespace, !isQuoted {
        if !word.isEmpty { words.append(word) }
        word = ""
      } else {
        word.append(character)
      }
    }
    return word.isEmpty ? words : words + [word]
  }

  private static func path(_ word: String) -> [String]? {
    if word == "." { return [] }
    guard word.hasPrefix(".") else { return nil }
    let names = word.dropFirst().split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    let isPath = names.allSatisfy { !$0.isEmpty && $0.allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" } }
    return isPath ? names : nil
  }

  private static func index(_ word: String, of text: String) throws(DockerCommandLineError) -> Index {
    if word.hasPrefix("\""), word.hasSuffix("\""), word.count >= 2 { return .key(String(word.dropFirst().dropLast())) }
    guard let position = Int(word), position >= 0 else { throw .unsupportedTemplate(text, part: "index \(word)") }
    return .position(position)
  }
}

extension Substring {
  /// Where two characters stand side by side.
  fileprivate func firstIndex(ofPair pair: String) -> Index? {
    var rest = self
    while let index = rest.firstIndex(of: pair[pair.startIndex]) {
      if self[index...].hasPrefix(pair) { return index }
      rest = self[self.index(after: index)...]
    }
    return nil
  }
}
