// SPDX-License-Identifier: Apache-2.0

/// The keys that a template sees: those with values, and no directories.
///
/// Source: kelseyhightower/memkv, `store.go`.
struct ConfdKeys: Sendable {
  static let pairType = GoType.named("memkv.KVPair", .structure)
  static let pairsType = GoType.named("memkv.KVPairs", .slice(pairType))

  private let values: [String: String]
  private let inOrder: [(key: String, value: String)]

  init(_ values: [String: String]) {
    self.values = values
    inOrder = values.inOrder()
  }

  subscript(_ key: String) -> String? { values[key] }

  static func pair(_ entry: (key: String, value: String)) -> TemplateValue {
    .object(
      TemplateObject("memkv.KVPair", fields: [("Key", .string(entry.key)), ("Value", .string(entry.value))])
    )
  }

  func pair(_ key: String) throws(TemplateFunctionError) -> TemplateValue {
    guard let value = values[key] else { throw TemplateFunctionError("key does not exist: \(key)") }
    return Self.pair((key, value))
  }

  /// The pairs whose keys match a pattern, in the order of their keys.
  func matches(_ pattern: String) throws(TemplateFunctionError) -> [(key: String, value: String)] {
    if values.isEmpty { return [] }
    guard let pattern = GoPathPattern(pattern) else { throw TemplateFunctionError("syntax error in pattern") }
    return inOrder.filter { pattern.matches($0.key) }
  }

  /// The names right below a path; of a key its own name; of `/` only keys, as memkv has it.
  func children(of path: String) -> [String] {
    let wanted = Self.terms(path)
    var names: Set<String> = []
    for (key, _) in inOrder {
      if key == path {
        names.insert(GoPath.base(key))
      } else if Self.terms(GoPath.directory(key)).starts(with: wanted) {
        var rest = key.hasPrefix(path) ? key.dropFirst(path.count) : key[...]
        if rest.hasPrefix("/") { rest = rest.dropFirst() }
        names.insert(String(rest.prefix { $0 != "/" }))
      }
    }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// The names right below a path that have something below themselves.
  func directories(of path: String) -> [String] {
    let wanted = Self.terms(path)
    var names: Set<String> = []
    for (key, _) in inOrder where key.hasPrefix(path) {
      let terms = Self.terms(GoPath.directory(key))
      if terms.starts(with: wanted), terms.count > wanted.count { names.insert(terms[wanted.count]) }
    }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  private static func terms(_ path: String) -> [String] {
    GoPath.clean(path).split(separator: "/", omittingEmptySubsequences: false).map(String.init)
  }
}
