// SPDX-License-Identifier: Apache-2.0

/// One `Key=value` of a unit's text, with its place in the document.
struct UnitTextLine {
  var section: String
  var key: String
  var value: String
  var mark: SourceMark

  /// The assignments of the text of a unit or drop-in; comments and blank lines are skipped.
  static func lines(of setting: Setting) -> [UnitTextLine] {
    var section = ""
    var lines: [UnitTextLine] = []
    let text = (setting.string ?? "").split(separator: "\n", omittingEmptySubsequences: false)
    for (index, line) in text.enumerated() {
      let bare = line.trimmingBlanks()
      if bare.isEmpty || bare.hasPrefix("#") || bare.hasPrefix(";") { continue }
      if bare.hasPrefix("["), bare.hasSuffix("]") {
        section = String(bare.dropFirst().dropLast())
        continue
      }
      guard let equals = bare.firstIndex(of: "=") else { continue }
      lines.append(
        UnitTextLine(
          section: section,
          key: String(bare[..<equals].trimmingBlanks()),
          value: String(bare[bare.index(after: equals)...].trimmingBlanks()),
          mark: setting.mark(ofLine: index, column: line.unicodeScalars.prefix { $0 == " " || $0 == "\t" }.count)
        )
      )
    }
    return lines
  }

  /// The variables of an `Environment=` line: words, each in quotes or not.
  var assignments: [(name: String, value: String)] {
    var words: [String] = []
    var word: String?
    var quote: Character?
    for letter in value {
      if let open = quote {
        if letter == open { quote = nil } else { word = (word ?? "") + String(letter) }
      } else if letter == "\"" || letter == "'" {
        quote = letter
        word = word ?? ""
      } else if letter == " " || letter == "\t" {
        if let finished = word { words.append(finished) }
        word = nil
      } else {
        word = (word ?? "") + String(letter)
      }
    }
    if let word { words.append(word) }
    return words.compactMap { word in
      guard let equals = word.firstIndex(of: "=") else { return nil }
      return (String(word[..<equals]), String(word[word.index(after: equals)...]))
    }
  }
}
