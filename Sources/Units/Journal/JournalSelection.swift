// SPDX-License-Identifier: Apache-2.0

/// Which units' entries are wanted: plain names, templates for all their instances (`web@.service`), and patterns.
public struct JournalSelection: Sendable, Equatable {
  /// Most words of a selection.
  public static let maximumWords = 1_000

  /// The words as they were given.
  public let words: [String]
  private let names: Set<String>
  private let patterns: [NamePattern]

  /// Reads whole names and patterns; the empty selection holds nothing.
  public init(_ words: [String]) {
    self.words = words
    var names: Set<String> = []
    var patterns: [NamePattern] = []
    for word in words {
      if let name = try? UnitName(word), name.isTemplate, let at = word.lastIndex(of: "@") {
        patterns.append(NamePattern("\(word[...at])*\(word[word.index(after: at)...])"))
      } else if word.contains(where: { "*?[".contains($0) }) {
        patterns.append(NamePattern(word))
      } else {
        names.insert(word)
      }
    }
    self.names = names
    self.patterns = patterns
  }

  /// Whether one unit at most can be meant.
  public var isOneName: Bool { patterns.isEmpty && names.count <= 1 }

  /// The plain names, sorted.
  public var plainNames: [String] { names.sorted() }

  /// Whether a unit is wanted.
  public func matches(_ unit: String) -> Bool {
    names.contains(unit) || patterns.contains { $0.matches(unit) }
  }
}
