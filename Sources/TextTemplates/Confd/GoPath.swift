// SPDX-License-Identifier: Apache-2.0

/// Paths with slashes, as Go's package `path` treats them.
enum GoPath {
  /// The shortest path that means the same.
  static func clean(_ path: String) -> String {
    guard !path.isEmpty else { return "." }
    let isRooted = path.utf8.first == UInt8(ascii: "/")
    var parts: [Substring] = []
    for part in path.split(separator: "/") where part != "." {
      if part == "..", let last = parts.last, last != ".." {
        parts.removeLast()
      } else if part != ".." || !isRooted {
        parts.append(part)
      }
    }
    let joined = parts.joined(separator: "/")
    return isRooted ? "/\(joined)" : joined.isEmpty ? "." : joined
  }

  /// The last part of a path.
  static func base(_ path: String) -> String {
    guard !path.isEmpty else { return "." }
    return path.split(separator: "/").last.map(String.init) ?? "/"
  }

  /// What stands before the last slash.
  static func directory(_ path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return clean(String(path[...slash]))
  }
}

/// A pattern such as `/a/[xy]*`; no star goes over a slash.
struct GoPathPattern {
  private enum Part {
    case star
    case any
    case literal(Unicode.Scalar)
    case oneOf([ClosedRange<Unicode.Scalar>], isNegated: Bool)
  }

  private let parts: [Part]

  /// - Returns: nil when the text is no pattern.
  init?(_ text: String) {
    var rest = Array(text.unicodeScalars)[...]
    var parts: [Part] = []
    while let scalar = rest.popFirst() {
      switch scalar {
      case "*": parts.append(.star)
      case "?": parts.append(.any)
      case "[":
        guard let part = Self.oneOf(&rest) else { return nil }
        parts.append(part)
      case "\\":
        guard let escaped = rest.popFirst() else { return nil }
        parts.append(.literal(escaped))
      default: parts.append(.literal(scalar))
      }
    }
    self.parts = parts
  }

  private static func oneOf(_ rest: inout ArraySlice<Unicode.Scalar>) -> Part? {
    var ranges: [ClosedRange<Unicode.Scalar>] = []
    let isNegated = rest.first == "^"
    if isNegated { rest.removeFirst() }
    while true {
      if rest.first == "]", !ranges.isEmpty {
        rest.removeFirst()
        return .oneOf(ranges, isNegated: isNegated)
      }
      guard let low = bound(&rest) else { return nil }
      var high = low
      if rest.first == "-" {
        rest.removeFirst()
        guard let end = bound(&rest) else { return nil }
        high = end
      }
      // A range that runs back holds nothing.
      ranges.append(low <= high ? low...high : "\u{10FFFF}"..."\u{10FFFF}")
    }
  }

  private static func bound(_ rest: inout ArraySlice<Unicode.Scalar>) -> Unicode.Scalar? {
    guard let scalar = rest.popFirst(), scalar != "-", scalar != "]" else { return nil }
    guard scalar == "\\" else { return rest.isEmpty ? nil : scalar }
    guard let escaped = rest.popFirst() else { return nil }
    return rest.isEmpty ? nil : escaped
  }

  /// Whether the pattern matches the whole path.
  func matches(_ path: String) -> Bool {
    let text = Array(path.unicodeScalars)
    var (part, position) = (0, 0)
    // Where to go on when what follows the last star does not match.
    var retry: (part: Int, position: Int)?
    while position < text.count || part < parts.count {
      if part < parts.count, case .star = parts[part] {
        part += 1
        retry = (part, position)
        continue
      }
      if part < parts.count, position < text.count, Self.matches(parts[part], text[position]) {
        part += 1
        position += 1
        continue
      }
      guard let last = retry, last.position < text.count, text[last.position] != "/" else { return false }
      retry = (last.part, last.position + 1)
      (part, position) = (last.part, last.position + 1)
    }
    return true
  }

  private static func matches(_ part: Part, _ scalar: Unicode.Scalar) -> Bool {
    switch part {
    case .star: false
    case .any: scalar != "/"
    case .literal(let literal): literal == scalar
    case .oneOf(let ranges, let isNegated): ranges.contains { $0.contains(scalar) } != isNegated
    }
  }
}
