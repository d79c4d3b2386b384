// SPDX-License-Identifier: Apache-2.0
import TestKit

/// Writes random documents of the YAML subset, the same for the same seed.
struct DocumentGenerator {
  private var random: SeededGenerator

  init(seed: UInt64) {
    random = SeededGenerator(seed: seed)
  }

  mutating func document() -> String {
    switch pick(8) {
    case 0: "---\n" + block(indent: 0, depth: 0)
    case 1: "# head\n\n" + flow(depth: 0) + "\n"
    default: block(indent: 0, depth: 0)
    }
  }

  /// Changes, removes or doubles a few characters.
  mutating func mutated(_ text: String) -> String {
    var scalars = Array(text.unicodeScalars)
    let alphabet = Array(":-#[]{},|>'\"\\&*!?%@ \t\na0~.".unicodeScalars)
    for _ in 0...pick(4) where !scalars.isEmpty {
      let index = pick(scalars.count)
      switch pick(4) {
      case 0: scalars.remove(at: index)
      case 1: scalars.insert(alphabet[pick(alphabet.count)], at: index)
      case 2: scalars[index] = alphabet[pick(alphabet.count)]
      default: scalars.insert(scalars[index], at: pick(scalars.count))
      }
    }
    return String(String.UnicodeScalarView(scalars))
  }

  // MARK: Collections

  private mutating func block(indent: Int, depth: Int) -> String {
    pick(3) == 0 ? sequence(indent: indent, depth: depth) : mapping(indent: indent, depth: depth)
  }

  private mutating func mapping(indent: Int, depth: Int) -> String {
    (0...pick(3)).map { index in
      "\(blanks(indent))\(key(index)):\(value(indent: indent, depth: depth))"
    }.joined()
  }

  private mutating func sequence(indent: Int, depth: Int) -> String {
    (0...pick(3)).map { _ in
      "\(blanks(indent))-\(value(indent: indent, depth: depth, isItem: true))"
    }.joined()
  }

  private mutating func value(indent: Int, depth: Int, isItem: Bool = false) -> String {
    let deeper = indent + 1 + pick(3)
    switch pick(depth > 3 ? 7 : 10) {
    case 0: return "\(pick(2) == 0 ? "" : "  # unset")\n"
    case 1: return " \(flow(depth: depth + 2))\(comment())\n"
    case 2: return blockScalar(parent: indent)
    case 3: return " \(quoted())\(comment())\n"
    case 4: return " \(plain())\n\(blanks(deeper))\(plain())\n"
    case 5, 6: return " \(plain())\(comment())\n"
    case 7 where !isItem: return "\n" + sequence(indent: indent, depth: depth + 1)
    case 7: return " " + mapping(indent: indent + 2, depth: depth + 1).drop { $0 == " " }
    default: return "\(comment())\n" + block(indent: deeper, depth: depth + 1)
    }
  }

  private mutating func flow(depth: Int) -> String {
    switch pick(depth > 3 ? 2 : 4) {
    case 0: return quoted()
    case 1: return word()
    case 2: return "[\((0...pick(3)).map { _ in flow(depth: depth + 1) }.joined(separator: ", "))]"
    default: return "{\((0...pick(3)).map { "\(key($0)): \(flow(depth: depth + 1))" }.joined(separator: ", "))}"
    }
  }

  // MARK: Scalars

  private mutating func blockScalar(parent: Int) -> String {
    let header = ["|", "|-", "|+", ">", ">-", ">+"][pick(6)]
    let indent = blanks(parent + 1 + pick(2))
    let lines = (0...pick(4)).map { index in
      index > 0 && pick(4) == 0 ? "\n" : "\(indent)\(index > 0 ? blanks(pick(3)) : "")\(plain())  # kept\n"
    }
    return " \(header)\n\(lines.joined())\(pick(3) == 0 ? "\n\n" : "")"
  }

  private mutating func quoted() -> String {
    ["'it''s: #1'", "\"a\\tb \\\"c\\\"\"", "''", "\"{x} [y], z\"", "\"\\u00e9\\x41\""][pick(5)]
  }

  private mutating func plain() -> String {
    [
      "word", "two words", "http://10.0.0.1:2379,http://h:4001", "0644", "off", "a#b", "-x", "$private_ipv4", "it's",
      "x=1,y=\"2\"", "[ -f x".replacing("[ ", with: "t "), "~",
    ][pick(12)]
  }

  private mutating func word() -> String {
    ["a", "b-c", "10.0.0.1:80", "on", "1e3", "http://h:1/x"][pick(6)]
  }

  private mutating func key(_ index: Int) -> String {
    ["k\(index)", "key-\(index)", "'q\(index)'", "\"d \(index)\"", "two words \(index)"][pick(5)]
  }

  private mutating func comment() -> String {
    pick(4) == 0 ? "  # said: \"why\"" : ""
  }

  private func blanks(_ count: Int) -> String {
    String(repeating: " ", count: count)
  }

  private mutating func pick(_ bound: Int) -> Int {
    Int.random(in: 0..<bound, using: &random)
  }
}
