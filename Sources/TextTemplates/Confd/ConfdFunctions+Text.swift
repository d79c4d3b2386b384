// SPDX-License-Identifier: Apache-2.0

/// Strings, JSON and base 64.
extension ConfdFunctions {
  static let ofText: [String: TemplateFunction] = [
    "base": function([.string]) { (texts) throws(TemplateFunctionError) in .string(GoPath.base(texts[0])) },
    "dir": function([.string]) { (texts) throws(TemplateFunctionError) in .string(GoPath.directory(texts[0])) },
    "split": bytes([.string, .string]) { (texts) throws(TemplateFunctionError) in
      .list(GoStrings.split(texts[0], texts[1]).map { .bytes($0) }, .slice(.string))
    },
    "toUpper": bytes([.string]) { (texts) throws(TemplateFunctionError) in .bytes(GoStrings.upper(texts[0])) },
    "toLower": bytes([.string]) { (texts) throws(TemplateFunctionError) in .bytes(GoStrings.lower(texts[0])) },
    "contains": bytes([.string, .string]) { (texts) throws(TemplateFunctionError) in
      .bool(GoStrings.firstIndex(of: texts[1], in: texts[0], from: 0) != nil)
    },
    "trimSuffix": bytes([.string, .string]) { (texts) throws(TemplateFunctionError) in
      .bytes(texts[0].suffix(texts[1].count) == texts[1][...] ? texts[0].dropLast(texts[1].count) : texts[0])
    },
    "replace": TemplateFunction([.string, .string, .string, .int]) { (values) throws(TemplateFunctionError) in
      guard case .bytes(let text) = values[0], case .bytes(let old) = values[1], case .bytes(let new) = values[2],
        case .integer(let count, _) = values[3]
      else { return .noValue }
      return .bytes(try GoStrings.replace(text, old, new, count))
    },
    "join": TemplateFunction([.slice(.string), .string]) { (values) throws(TemplateFunctionError) in
      guard case .list(let elements, _) = values[0], case .bytes(let separator) = values[1] else { return .noValue }
      let pieces = elements.map { element -> [UInt8] in if case .bytes(let bytes) = element { bytes } else { [] } }
      return .bytes(try GoStrings.join(pieces, separator))
    },
    "base64Encode": bytes([.string]) { (texts) throws(TemplateFunctionError) in .bytes(GoBase64.encode(texts[0])) },
    "base64Decode": bytes([.string]) { (texts) throws(TemplateFunctionError) in
      .bytes(try GoBase64.decode(texts[0]))
    },
    "json": bytes([.string]) { (texts) throws(TemplateFunctionError) in try document(texts[0], .map(.any)) },
    "jsonArray": bytes([.string]) { (texts) throws(TemplateFunctionError) in try document(texts[0], .slice(.any)) },
    "parseBool": function([.string]) { (texts) throws(TemplateFunctionError) in
      switch texts[0] {
      case "1", "t", "T", "TRUE", "true", "True": return .bool(true)
      case "0", "f", "F", "FALSE", "false", "False": return .bool(false)
      default: throw malformed("ParseBool", texts[0], "invalid syntax")
      }
    },
  ]

  /// The error of a function of `strconv`.
  static func malformed(_ function: String, _ text: String, _ problem: String) -> TemplateFunctionError {
    TemplateFunctionError("strconv.\(function): parsing \(GoQuoting.quoted(Array(text.utf8))): \(problem)")
  }

  private static func document(_ bytes: [UInt8], _ wanted: GoType) throws(TemplateFunctionError) -> TemplateValue {
    let value = try GoJSONReader.read(bytes)
    let found: String
    switch value {
    case .null: return wanted == .map(.any) ? .map([:], wanted) : .list([], wanted)
    case .map: found = "object"
    case .list: found = "array"
    case .bytes: found = "string"
    case .float, .integer: found = "number"
    case .bool: found = "bool"
    case .noValue, .object: found = "value"
    }
    guard value.type == wanted else {
      throw TemplateFunctionError("json: cannot unmarshal \(found) into Go value of type \(wanted)")
    }
    return value
  }

  /// A function of strings as they are, which may be no UTF-8.
  private static func bytes(
    _ parameters: [GoType],
    _ body: @escaping @Sendable ([[UInt8]]) throws(TemplateFunctionError) -> TemplateValue
  ) -> TemplateFunction {
    TemplateFunction(parameters) { (values) throws(TemplateFunctionError) in
      try body(values.map { if case .bytes(let bytes) = $0 { bytes } else { [] } })
    }
  }
}
