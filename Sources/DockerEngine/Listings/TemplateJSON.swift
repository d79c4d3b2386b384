// SPDX-License-Identifier: Apache-2.0
import TextTemplates

/// Values of templates as JSON, as Go's `encoding/json` writes them.
enum TemplateJSON {
  /// The text on one line; rows of lists have `<`, `>` and `&` as escapes, as docker's program has.
  static func text(_ value: TemplateValue) -> String {
    var output = ""
    write(value, &output, escapes: false)
    return output
  }

  private static func write(_ value: TemplateValue, _ output: inout String, escapes: Bool) {
    switch value {
    case .noValue, .null: output += "null"
    case .bool(let value): output += value ? "true" : "false"
    case .integer(let number, _): output += String(number)
    case .float(let number):
      // Beyond these sizes Go writes an exponent.
      let magnitude = number.magnitude
      let isPlain = magnitude == 0 || (1e-6..<1e21).contains(magnitude)
      output += isPlain && number == number.rounded() ? GoFormat.text("%.0f", .float(number)) : "\(number)"
    case .bytes: write(value.text ?? "", &output, escapes: escapes)
    case .list(let elements, _):
      output += "["
      for (index, element) in elements.enumerated() {
        if index > 0 { output += "," }
        write(element, &output, escapes: escapes)
      }
      output += "]"
    case .map(let members, _):
      let sorted = members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
      write(sorted.map { ($0.key, $0.value) }, &output, escapes: escapes)
    case .object(let object):
      let isRow = object.typeName.hasPrefix(ListingRow.typePrefix)
      write(object.fields.filter { !isOmitted($0.value) }, &output, escapes: escapes || isRow)
    }
  }

  /// A pointer that the engine did not send.
  private static func isOmitted(_ value: TemplateValue) -> Bool {
    if case .null(.named) = value { true } else { false }
  }

  private static func write(
    _ members: [(name: String, value: TemplateValue)],
    _ output: inout String,
    escapes: Bool
  ) {
    output += "{"
    for (index, member) in members.enumerated() {
      if index > 0 { output += "," }
      write(member.name, &output, escapes: escapes)
      output += ":"
      write(member.value, &output, escapes: escapes)
    }
    output += "}"
  }

  private static func write(_ text: String, _ output: inout String, escapes: Bool) {
    guard escapes, text.utf8.contains(where: { "<>&".utf8.contains($0) }) else {
      output += JSONValue.string(text).compactText
      return
    }
    for character in JSONValue.string(text).compactText.unicodeScalars {
      switch character {
      case "<": output += "\\u003c"
      case ">": output += "\\u003e"
      case "&": output += "\\u0026"
      default: output.unicodeScalars.append(character)
      }
    }
  }
}
