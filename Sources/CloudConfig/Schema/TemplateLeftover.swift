// SPDX-License-Identifier: Apache-2.0

/// What a template engine should have replaced: `{{X}}`, `${VAR}`, `%HOSTNAME%`, `<token>`, `@FOO@`.
enum TemplateLeftover {
  /// Texts in which such things are right.
  private static let freeKeys: Set = ["content", "gecos", "passwd", "tags", "force_tags", "etcd_password"]

  /// What to say about a value; nil when there is nothing.
  static func message(_ text: String, of key: String, path: String) -> String? {
    guard !freeKeys.contains(key), let found = find(in: text) else { return nil }
    // The discovery URL has a message of its own.
    if key == "discovery", found.hasPrefix("<") { return nil }
    let name = String(found.dropFirst(2).dropLast())
    if found.hasPrefix("${"), AddressTokens.fields.contains(where: { $0.name == name }) {
      return "\(path): \(found) is not replaced by an address; write $\(name), without braces"
    }
    return "\(path): \(found) is taken as it stands; was it to be filled in by a template?"
  }

  /// The first leftover of a text.
  static func find(in text: String) -> String? {
    guard text.utf8.contains(where: { "{%<@".utf8.contains($0) }) else { return nil }
    let letters = Array(text)
    for index in letters.indices {
      guard let shape = shapes.first(where: { letters[index...].starts(with: $0.opening) }) else { continue }
      let start = index + shape.opening.count
      let inside = letters[start...].prefix(longestName).prefix { shape.isInside($0) }
      guard inside.count >= shape.shortest, letters[inside.endIndex...].starts(with: shape.closing) else { continue }
      return String(letters[index..<(inside.endIndex + shape.closing.count)])
    }
    return nil
  }

  private struct Shape {
    let opening: String
    let closing: String
    let shortest: Int
    let isInside: (Character) -> Bool
  }

  private static let longestName = 60

  private static var shapes: [Shape] {
    let isWord = { (letter: Character) in letter.isASCII && (letter.isLetter || letter.isNumber || letter == "_") }
    let isCapital = { (letter: Character) in isWord(letter) && !letter.isLowercase }
    return [
      Shape(opening: "{{", closing: "}}", shortest: 1) { $0 != "}" && $0 != "{" },
      Shape(opening: "${", closing: "}", shortest: 1, isInside: isWord),
      Shape(opening: "%", closing: "%", shortest: 3, isInside: isCapital),
      Shape(opening: "@", closing: "@", shortest: 3, isInside: isCapital),
      Shape(opening: "<", closing: ">", shortest: 2) { isWord($0) || $0 == "-" || $0 == " " },
    ]
  }
}
