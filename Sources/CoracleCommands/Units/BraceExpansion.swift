// SPDX-License-Identifier: Apache-2.0

/// Braces as shells expand them: `web@{1..3}` and `{a,b}.service`, for shells and programs that pass them on as they are.
///
/// No unit's name has braces, so nothing else can be meant. Source: bash(1), "Brace Expansion".
enum BraceExpansion {
  /// Most words that one argument becomes.
  static let maximumWords = 10_000

  /// The words an argument stands for; the argument itself when it has no complete braces.
  ///
  /// - Throws: ``CommandFailure`` when there are too many.
  static func words(_ argument: String) throws(CommandFailure) -> [String] {
    guard let (before, choices, after) = firstBraces(Array(argument)) else { return [argument] }
    var words: [String] = []
    for choice in choices.flatMap(alternatives) {
      for word in try Self.words(choice + after) {
        words.append(before + word)
        guard words.count <= maximumWords else {
          throw CommandFailure("\(argument) stands for more than \(maximumWords) units")
        }
      }
    }
    return words
  }

  /// What one choice between commas, or the only one, stands for; nested braces are expanded later, with what follows.
  private static func alternatives(_ choice: Choice) -> [String] {
    switch choice {
    case .text(let text): [text]
    case .numbers(let first, let last, let width): numbers(from: first, to: last).map { padded($0, width) }
    case .letters(let first, let last):
      numbers(from: Int(first), to: Int(last)).map { String(Unicode.Scalar(UInt8($0))) }
    }
  }

  private enum Choice {
    case text(String)
    case numbers(Int, Int, width: Int)
    case letters(UInt8, UInt8)
  }

  private static func numbers(from first: Int, to last: Int) -> [Int] {
    // One more than allowed is enough to be told.
    let limit = maximumWords
    return first <= last
      ? Array(first...min(last, first + limit)) : Array((max(last, first - limit)...first).reversed())
  }

  private static func padded(_ number: Int, _ width: Int) -> String {
    let digits = String(number.magnitude)
    let sign = number < 0 ? "-" : ""
    return sign + String(repeating: "0", count: max(0, width - digits.count - sign.count)) + digits
  }

  /// The first braces that hold a range or a comma, with what stands before and behind them.
  private static func firstBraces(_ text: [Character]) -> (before: String, choices: [Choice], after: String)? {
    for (start, character) in text.enumerated() where character == "{" {
      var depth = 0
      var parts: [[Character]] = [[]]
      for position in (start + 1)..<max(text.count, start + 1) {
        let character = text[position]
        if character == "}", depth == 0 {
          guard let choices = choices(parts.map { String($0) }) else { break }
          return (String(text[..<start]), choices, String(text[(position + 1)...]))
        }
        if character == "{" { depth += 1 } else if character == "}" { depth -= 1 }
        if character == ",", depth == 0 { parts.append([]) } else { parts[parts.count - 1].append(character) }
      }
    }
    return nil
  }

  private static func choices(_ parts: [String]) -> [Choice]? {
    if parts.count > 1 { return parts.map { .text($0) } }
    guard let range = parts[0].firstRange(of: "..") else { return nil }
    let (first, last) = (parts[0][..<range.lowerBound], parts[0][range.upperBound...])
    if let from = Int(first), let to = Int(last), max(from.magnitude, to.magnitude) < 1_000_000_000 {
      let isPadded = [first, last].contains { $0.hasPrefix("0") && $0.count > 1 }
      return [.numbers(from, to, width: isPadded ? max(first.count, last.count) : 0)]
    }
    guard let from = letter(first), let to = letter(last) else { return nil }
    return [.letters(from, to)]
  }

  private static func letter(_ text: Substring) -> UInt8? {
    guard text.utf8.count == 1, let byte = text.utf8.first, text.first?.isLetter == true else { return nil }
    return byte
  }
}
