// SPDX-License-Identifier: Apache-2.0

/// Comparisons such as `>=5.4` in the arguments of conditions.
enum VersionComparison {
  private static let signs = ["<=", ">=", "!=", "<>", "==", "<", ">", "="]

  /// Whether a version is as `text` says: with a sign by the order of versions, else as a pattern.
  static func holds(_ version: String, _ text: String) -> Bool {
    guard let sign = signs.first(where: { text.hasPrefix($0) }) else { return NamePattern(text).matches(version) }
    let other = String(text.dropFirst(sign.count).drop { $0 == " " })
    return decide(sign, compare(version, other))
  }

  /// Whether an amount is as `text` says; without a sign, at least that much.
  static func holds(_ amount: UInt64, _ text: String, _ read: (String) -> UInt64?) -> Bool {
    let sign = signs.first { text.hasPrefix($0) }
    guard let other = read(String(text.dropFirst(sign?.count ?? 0).drop { $0 == " " })) else { return false }
    return decide(sign ?? ">=", amount < other ? -1 : amount > other ? 1 : 0)
  }

  /// Takes `FIELD<SIGN>VALUE` apart; nil when there is no sign.
  static func split(_ text: String) -> (field: String, sign: String, value: String)? {
    guard let start = text.firstIndex(where: { "<>=!".contains($0) }) else { return nil }
    guard let sign = signs.first(where: { text[start...].hasPrefix($0) }) else { return nil }
    let value = text[start...].dropFirst(sign.count)
    return (String(text[..<start]), sign, value.trimmed(of: "\""))
  }

  /// A sign that stands alone belongs to the word behind it.
  static func joined(_ words: [String]) -> [String] {
    var result: [String] = []
    for word in words {
      if let last = result.last, signs.contains(last) {
        result[result.count - 1] = last + word
      } else {
        result.append(word)
      }
    }
    return result
  }

  private static func decide(_ sign: String, _ order: Int) -> Bool {
    switch sign {
    case "<": order < 0
    case "<=": order <= 0
    case ">": order > 0
    case ">=": order >= 0
    case "!=", "<>": order != 0
    default: order == 0
    }
  }

  /// Which of two versions is newer: below, at or above zero.
  ///
  /// Numbers are compared as numbers; `~` goes before the end of a text, which goes before anything else.
  /// Source: UAPI.10 version format, which systemd 252 follows.
  static func compare(_ left: String, _ right: String) -> Int {
    var (one, other) = (Array(left.utf8)[...], Array(right.utf8)[...])
    while true {
      one = one.drop { !isPart($0) }
      other = other.drop { !isPart($0) }
      for mark in [UInt8(ascii: "~"), UInt8(ascii: "-"), UInt8(ascii: "^"), UInt8(ascii: ".")] {
        let has = (one.first == mark, other.first == mark)
        if has == (true, true) { break }
        if mark == UInt8(ascii: "~"), has.0 != has.1 { return has.0 ? -1 : 1 }
        if mark == UInt8(ascii: "~"), one.isEmpty || other.isEmpty {
          return one.isEmpty && other.isEmpty ? 0 : one.isEmpty ? -1 : 1
        }
        if has.0 != has.1 { return has.0 ? -1 : 1 }
      }
      if let mark = one.first, isMark(mark), other.first == mark {
        (one, other) = (one.dropFirst(), other.dropFirst())
        continue
      }
      let areNumbers = one.first.map(isDigit) == true || other.first.map(isDigit) == true
      let part = areNumbers ? isDigit : isLetter
      let (mine, theirs) = (one.prefix(while: part), other.prefix(while: part))
      let order = areNumbers ? compareNumbers(mine, theirs) : compareLetters(mine, theirs)
      if order != 0 { return order }
      (one, other) = (one.dropFirst(mine.count), other.dropFirst(theirs.count))
    }
  }

  private static func compareNumbers(_ left: ArraySlice<UInt8>, _ right: ArraySlice<UInt8>) -> Int {
    let (one, other) = (left.drop { $0 == UInt8(ascii: "0") }, right.drop { $0 == UInt8(ascii: "0") })
    if left.isEmpty != right.isEmpty { return left.isEmpty ? -1 : 1 }
    if one.count != other.count { return one.count < other.count ? -1 : 1 }
    return compareLetters(one, other)
  }

  private static func compareLetters(_ left: ArraySlice<UInt8>, _ right: ArraySlice<UInt8>) -> Int {
    left.lexicographicallyPrecedes(right) ? -1 : right.lexicographicallyPrecedes(left) ? 1 : 0
  }

  private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
  private static func isLetter(_ byte: UInt8) -> Bool {
    (byte | 0x20) >= UInt8(ascii: "a") && (byte | 0x20) <= UInt8(ascii: "z")
  }
  private static func isMark(_ byte: UInt8) -> Bool { "~-^.".utf8.contains(byte) }
  private static func isPart(_ byte: UInt8) -> Bool { isDigit(byte) || isLetter(byte) || isMark(byte) }
}

extension Substring {
  /// Without a pair of these around it.
  fileprivate func trimmed(of mark: Character) -> String {
    count >= 2 && first == mark && last == mark ? String(dropFirst().dropLast()) : String(self)
  }
}
