// SPDX-License-Identifier: Apache-2.0

/// Strings as Go's package `strings` treats them: bytes.
public enum GoStrings {
  /// The longest text that is made.
  static let longest = 16 << 20

  /// Where a text stands in another, from an offset on.
  static func firstIndex(of part: [UInt8], in text: [UInt8], from start: Int) -> Int? {
    guard let first = part.first else { return start }
    var index = start
    while index + part.count <= text.count {
      if text[index] == first, text[index..<(index + part.count)] == part[...] { return index }
      index += 1
    }
    return nil
  }

  /// The pieces between separators; with an empty separator the characters.
  public static func split(_ text: [UInt8], _ separator: [UInt8]) -> [[UInt8]] {
    var pieces: [[UInt8]] = []
    var start = 0
    if separator.isEmpty {
      while start < text.count {
        let length = UTF8Scalars.scalar(in: text, at: start).length
        pieces.append(Array(text[start..<(start + length)]))
        start += length
      }
      return pieces
    }
    while let index = firstIndex(of: separator, in: text, from: start) {
      pieces.append(Array(text[start..<index]))
      start = index + separator.count
    }
    return pieces + [Array(text[start...])]
  }

  /// The pieces with a separator between.
  ///
  /// - Throws: ``TemplateFunctionError`` when the text would be too long.
  public static func join(_ pieces: [[UInt8]], _ separator: [UInt8]) throws(TemplateFunctionError) -> [UInt8] {
    let count = pieces.reduce(0) { $0 + $1.count + separator.count }
    guard count <= longest else { throw TemplateFunctionError("the text has more than \(longest) bytes") }
    return Array(pieces.joined(separator: separator))
  }

  /// A text with the first places of another replaced.
  ///
  /// - Parameters:
  ///   - text: The text.
  ///   - old: What is replaced; an empty one stands before each character and at the end.
  ///   - new: What stands there then.
  ///   - count: How many are replaced; all when below zero.
  /// - Returns: The new text.
  /// - Throws: ``TemplateFunctionError`` when the text would be too long.
  public static func replace(
    _ text: [UInt8],
    _ old: [UInt8],
    _ new: [UInt8],
    _ count: Int
  ) throws(TemplateFunctionError) -> [UInt8] {
    var result: [UInt8] = []
    var start = 0
    var left = count < 0 ? Int.max : count
    while left > 0, start <= text.count {
      var index = start
      if old.isEmpty {
        // Before the first character, then after each.
        if left != (count < 0 ? Int.max : count) {
          guard start < text.count else { break }
          index += UTF8Scalars.scalar(in: text, at: start).length
        }
      } else {
        guard let found = firstIndex(of: old, in: text, from: start) else { break }
        index = found
      }
      result += text[start..<index] + new
      guard result.count <= longest else { throw TemplateFunctionError("the text has more than \(longest) bytes") }
      start = index + old.count
      left -= 1
    }
    return result + text[start...]
  }

  /// A text with each letter as a capital; letters that would become two stay.
  public static func upper(_ text: [UInt8]) -> [UInt8] { mapped(text, \.uppercaseMapping) }

  /// A text with each letter as a small one; letters that would become two stay.
  public static func lower(_ text: [UInt8]) -> [UInt8] { mapped(text, \.lowercaseMapping) }

  private static func mapped(
    _ text: [UInt8],
    _ mapping: KeyPath<Unicode.Scalar.Properties, String>
  ) -> [UInt8] {
    String(decoding: text, as: UTF8.self).unicodeScalars.flatMap { scalar -> [UInt8] in
      let other = scalar.properties[keyPath: mapping]
      return other.unicodeScalars.count == 1 ? Array(other.utf8) : Array(scalar.utf8)
    }
  }
}
