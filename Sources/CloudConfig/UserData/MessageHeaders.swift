// SPDX-License-Identifier: Apache-2.0

/// The headers of a MIME message or of one of its parts.
struct MessageHeaders {
  private struct Field {
    /// In small letters.
    var name: String
    var value: String
    /// Index of the line it starts on.
    var line: Int
  }

  private var fields: [Field] = []
  private let firstLine: Int
  /// Index of the line behind the blank one that ends the headers.
  private(set) var end: Int

  /// Reads headers up to a blank line, or up to the last of the lines.
  init(_ lines: MessageLines, from start: Int, to limit: Int) throws(MultipartMessage.Failure) {
    firstLine = start
    end = start
    while end < limit {
      let line = lines[end]
      defer { end += 1 }
      let isContinued = line.first == 0x20 || line.first == 0x09
      let text = String(String(decoding: line, as: UTF8.self).trimmingBlanks())
      if text.isEmpty { return }
      if isContinued, !fields.isEmpty {
        fields[fields.count - 1].value += " " + text
        continue
      }
      guard let colon = text.firstIndex(of: ":"), colon != text.startIndex, !text[..<colon].contains(" ") else {
        throw MultipartMessage.Failure(
          line: end,
          message: "this is no header; a blank line must stand between headers and content"
        )
      }
      let value = text[text.index(after: colon)...].trimmingBlanks()
      fields.append(Field(name: text[..<colon].lowercased(), value: String(value), line: end))
    }
  }

  /// The value of a header.
  subscript(name: String) -> String? { fields.first { $0.name == name }?.value }

  /// The index of a header's line; that of the first header when there is none.
  func line(of name: String) -> Int { fields.first { $0.name == name }?.line ?? firstLine }

  /// The type and its parameters; `text/plain` when there is none.
  var contentType: (name: String, parameters: [String: String]) { Self.parts(of: self["content-type"] ?? "text/plain") }

  /// The file name that the sender gave.
  var fileName: String? {
    Self.parts(of: self["content-disposition"] ?? "").parameters["filename"] ?? contentType.parameters["name"]
  }

  /// Takes `name; key=value; key="value"` apart; names are in small letters.
  private static func parts(of value: String) -> (name: String, parameters: [String: String]) {
    var words: [String] = [""]
    var isQuoted = false
    var isEscaped = false
    for letter in value {
      if isEscaped {
        words[words.count - 1].append(letter)
        isEscaped = false
      } else if letter == "\"" {
        isQuoted.toggle()
      } else if letter == "\\", isQuoted {
        isEscaped = true
      } else if letter == ";", !isQuoted {
        words.append("")
      } else {
        words[words.count - 1].append(letter)
      }
    }
    var parameters: [String: String] = [:]
    for word in words.dropFirst() {
      guard let equals = word.firstIndex(of: "=") else { continue }
      let name = word[..<equals].trimmingBlanks().lowercased()
      parameters[name] = String(word[word.index(after: equals)...].trimmingBlanks())
    }
    return (words[0].trimmingBlanks().lowercased(), parameters)
  }
}
