// SPDX-License-Identifier: Apache-2.0

/// What is one server's own in its answers, and is mapped before they are compared.
struct ServerFacts: Sendable {
  /// Its name in reports.
  var label: String
  /// How far its indexes are ahead of coracle's.
  var indexOffset: Int64
  /// Texts of its own (ids, addresses) and what stands in their place, longest first.
  var replacements: [(text: String, placeholder: String)]

  /// Describes a server.
  init(label: String, indexOffset: Int64 = 0, replacements: [(text: String, placeholder: String)] = []) {
    self.label = label
    self.indexOffset = indexOffset
    self.replacements = replacements.sorted { $0.text.utf8.count > $1.text.utf8.count }
  }

  /// An index as coracle counts; 0 is none, and stays.
  func mapped(_ index: Int64) -> Int64 { index == 0 ? 0 : index - indexOffset }

  func mappedIndex(_ digits: String) -> String { Int64(digits).map { String(mapped($0)) } ?? digits }

  /// A text without what is the server's own.
  func mapped(_ text: String) -> String {
    var text = text
    for (own, placeholder) in replacements where text.contains(own) {
      text = text.split(separator: own, omittingEmptySubsequences: false).joined(separator: placeholder)
    }
    return mappedKey(text)
  }

  /// A text whose in-order names are those that coracle gives.
  func mappedKey(_ text: String) -> String {
    guard indexOffset != 0, text.utf8.count >= 20 else { return text }
    var parts: [String] = []
    for part in text.split(separator: "/", omittingEmptySubsequences: false) {
      let digits = part.prefix { $0.isASCII && $0.isNumber }
      if digits.utf8.count == 20, let index = Int64(digits) {
        parts.append(RequestTemplate.inOrderName(mapped(index)) + part[digits.endIndex...])
      } else {
        parts.append(String(part))
      }
    }
    return parts.joined(separator: "/")
  }

  /// The cause of an error, whose indexes stand in brackets: `[x != 12]`, `[5 != 12]`, `[oldest/wanted]`.
  ///
  /// Values in the brackets of a comparison are no numbers in these tests, so numbers are indexes.
  func mappedCause(_ cause: String) -> String {
    guard indexOffset != 0, let mark = cause.firstIndex(of: "[") else { return mapped(cause) }
    let isHistory = cause.hasPrefix("the requested history")
    guard isHistory || cause.contains(" != ") else { return mapped(cause) }
    let separator: Character = isHistory ? "/" : " "
    let words = cause[mark...].split(separator: separator, omittingEmptySubsequences: false).map { word in
      let digits = word.filter { $0.isASCII && $0.isNumber }
      guard !digits.isEmpty, word.allSatisfy({ "[]0123456789".contains($0) }), let index = Int64(digits) else {
        return String(word)
      }
      return (word.hasPrefix("[") ? "[" : "") + String(mapped(index)) + (word.hasSuffix("]") ? "]" : "")
    }
    return cause[..<mark] + words.joined(separator: String(separator))
  }
}
