// SPDX-License-Identifier: Apache-2.0

/// A pattern for unit names in the language of Go's `path.Match`.
///
/// `*` is any run without `/`, `?` one character but `/`, `[a-z]` and `[^a]` classes, a backslash makes the next
/// character plain. There are no braces. A malformed pattern never matches. Source: specs/fleet.md §4.4.
public struct NamePattern: Sendable, Hashable, CustomStringConvertible {
  /// The pattern as written.
  public let text: String
  /// What every matching name starts with; nil when the pattern is malformed.
  public let literalPrefix: String?
  private let elements: [Element]?

  private enum Element: Sendable, Hashable {
    case literal(Unicode.Scalar)
    case anyOne
    case anyRun
    case oneOf([ScalarRange], negated: Bool)

    var isLiteral: Bool {
      if case .literal = self { true } else { false }
    }
  }

  /// A range of a class; a reversed one is well-formed and holds nothing.
  private struct ScalarRange: Sendable, Hashable {
    let low: Unicode.Scalar
    let high: Unicode.Scalar

    func contains(_ scalar: Unicode.Scalar) -> Bool { low <= scalar && scalar <= high }
  }

  /// Reads a pattern; a malformed one is kept and never matches.
  public init(_ text: String) {
    self.text = text
    elements = Self.parse(Array(text.unicodeScalars))
    literalPrefix = elements.map { elements in
      var prefix = String.UnicodeScalarView()
      for element in elements {
        guard case .literal(let scalar) = element else { break }
        prefix.append(scalar)
      }
      return String(prefix)
    }
  }

  /// Whether the name that is written is the only one that matches.
  public var isPlainName: Bool { literalPrefix == text && elements?.allSatisfy(\.isLiteral) ?? false }

  /// The pattern as written.
  public var description: String { text }

  /// Whether the whole name matches.
  public func matches(_ name: String) -> Bool {
    guard let elements else { return false }
    return Self.match(elements[...], Array(name.unicodeScalars)[...])
  }

  /// Two-pointer matching: on a mismatch the last `*` takes one character more, so the time is at most quadratic.
  private static func match(_ elements: ArraySlice<Element>, _ name: ArraySlice<Unicode.Scalar>) -> Bool {
    var element = elements.startIndex
    var position = name.startIndex
    var retry: (element: Int, position: Int)?
    while position < name.endIndex || element < elements.endIndex {
      if element < elements.endIndex {
        if elements[element] == .anyRun {
          retry = (element, position)
          element += 1
          continue
        }
        if position < name.endIndex, accepts(elements[element], name[position]) {
          element += 1
          position += 1
          continue
        }
      }
      guard let last = retry, last.position < name.endIndex, name[last.position] != "/" else { return false }
      retry = (last.element, last.position + 1)
      element = last.element + 1
      position = last.position + 1
    }
    return true
  }

  private static func accepts(_ element: Element, _ scalar: Unicode.Scalar) -> Bool {
    switch element {
    case .literal(let literal): literal == scalar
    case .anyOne: scalar != "/"
    case .anyRun: false
    case .oneOf(let ranges, let negated): ranges.contains { $0.contains(scalar) } != negated
    }
  }

  private static func parse(_ scalars: [Unicode.Scalar]) -> [Element]? {
    var elements: [Element] = []
    var rest = scalars[...]
    while let scalar = rest.popFirst() {
      switch scalar {
      case "*":
        if elements.last != .anyRun { elements.append(.anyRun) }
      case "?": elements.append(.anyOne)
      case "[":
        guard let element = parseClass(&rest) else { return nil }
        elements.append(element)
      case "\\":
        guard let escaped = rest.popFirst() else { return nil }
        elements.append(.literal(escaped))
      default: elements.append(.literal(scalar))
      }
    }
    return elements
  }

  /// Reads a class after its `[`: at least one range, a `]` or `-` only where it is escaped.
  private static func parseClass(_ rest: inout ArraySlice<Unicode.Scalar>) -> Element? {
    var isNegated = false
    if rest.first == "^" {
      rest.removeFirst()
      isNegated = true
    }
    var ranges: [ScalarRange] = []
    while true {
      if rest.first == "]", !ranges.isEmpty {
        rest.removeFirst()
        return .oneOf(ranges, negated: isNegated)
      }
      guard let low = parseClassCharacter(&rest) else { return nil }
      var high = low
      if rest.first == "-" {
        rest.removeFirst()
        guard let end = parseClassCharacter(&rest) else { return nil }
        high = end
      }
      ranges.append(ScalarRange(low: low, high: high))
    }
  }

  private static func parseClassCharacter(_ rest: inout ArraySlice<Unicode.Scalar>) -> Unicode.Scalar? {
    guard let scalar = rest.popFirst(), scalar != "-", scalar != "]" else { return nil }
    return scalar == "\\" ? rest.popFirst() : scalar
  }
}
