// SPDX-License-Identifier: Apache-2.0

extension JSONValue {
  /// The document on one line, without white space.
  var compactText: String {
    var text = ""
    write(to: &text, indentation: nil, depth: 0)
    return text
  }

  /// The document as `docker inspect` prints it: four spaces a level.
  func prettyText(indent: String = "    ") -> String {
    var text = ""
    write(to: &text, indentation: indent, depth: 0)
    return text
  }

  private func write(to text: inout String, indentation: String?, depth: Int) {
    switch self {
    case .null: text += "null"
    case .bool(let value): text += value ? "true" : "false"
    case .number(let number): text += number
    case .string(let string): Self.write(string, to: &text)
    case .array(let elements):
      Self.writeList("[", "]", count: elements.count, to: &text, indentation: indentation, depth: depth) {
        elements[$1].write(to: &$0, indentation: indentation, depth: depth + 1)
      }
    case .object(let object):
      let members = object.members
      Self.writeList("{", "}", count: members.count, to: &text, indentation: indentation, depth: depth) {
        Self.write(members[$1].name, to: &$0)
        $0 += indentation == nil ? ":" : ": "
        members[$1].value.write(to: &$0, indentation: indentation, depth: depth + 1)
      }
    }
  }

  private static func writeList(
    _ opening: String,
    _ closing: String,
    count: Int,
    to text: inout String,
    indentation: String?,
    depth: Int,
    item: (inout String, Int) -> Void
  ) {
    text += opening
    for index in 0..<count {
      if index > 0 { text += "," }
      if let indentation { text += "\n" + String(repeating: indentation, count: depth + 1) }
      item(&text, index)
    }
    if count > 0, let indentation { text += "\n" + String(repeating: indentation, count: depth) }
    text += closing
  }

  private static func write(_ string: String, to text: inout String) {
    text += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}
