// SPDX-License-Identifier: Apache-2.0
import TextTemplates

/// Templates with docker's functions.
///
/// Source: docker CLI `templates/templates.go`.
enum DockerTemplate {
  static let functions: [String: TemplateFunction] = [
    "json": TemplateFunction([.any]) { (values) throws(TemplateFunctionError) in
      .string(TemplateJSON.text(values[0]))
    },
    "split": TemplateFunction([.string, .string]) { (values) throws(TemplateFunctionError) in
      .list(GoStrings.split(bytes(values[0]), bytes(values[1])).map { .bytes($0) }, .slice(.string))
    },
    "join": TemplateFunction([.slice(.string), .string]) { (values) throws(TemplateFunctionError) in
      guard case .list(let elements, _) = values[0] else { return .string("") }
      return .bytes(try GoStrings.join(elements.map(bytes), bytes(values[1])))
    },
    "title": TemplateFunction([.string]) { (values) throws(TemplateFunctionError) in
      .string(title(values[0].text ?? ""))
    },
    "lower": TemplateFunction([.string]) { (values) throws(TemplateFunctionError) in
      .bytes(GoStrings.lower(bytes(values[0])))
    },
    "upper": TemplateFunction([.string]) { (values) throws(TemplateFunctionError) in
      .bytes(GoStrings.upper(bytes(values[0])))
    },
    "pad": TemplateFunction([.string, .int, .int]) { (values) throws(TemplateFunctionError) in
      guard let text = values[0].text, !text.isEmpty else { return values[0] }
      return .string(try spaces(values[1]) + text + spaces(values[2]))
    },
    "truncate": TemplateFunction([.string, .int]) { (values) throws(TemplateFunctionError) in
      guard case .integer(let length, _) = values[1], length >= 0 else {
        throw TemplateFunctionError("runtime error: slice bounds out of range")
      }
      return .bytes(Array(bytes(values[0]).prefix(length)))
    },
  ]

  /// What the functions are in the header of a table: they leave the column's name as it is.
  static let headerFunctions: [String: TemplateFunction] = [
    "json": header(0), "split": header(1), "join": header(1), "title": header(0), "lower": header(0),
    "upper": header(0), "pad": header(2), "truncate": header(1),
  ]

  private static func header(_ further: Int) -> TemplateFunction {
    TemplateFunction([GoType](repeating: .any, count: 1 + further)) { (values) throws(TemplateFunctionError) in
      values[0]
    }
  }

  private static func bytes(_ value: TemplateValue) -> [UInt8] {
    if case .bytes(let bytes) = value { bytes } else { [] }
  }

  private static func spaces(_ value: TemplateValue) throws(TemplateFunctionError) -> String {
    guard case .integer(let count, _) = value, (0...10_000).contains(count) else {
      throw TemplateFunctionError("the padding must be between 0 and 10000")
    }
    return String(repeating: " ", count: count)
  }

  /// Each word with a capital.
  private static func title(_ text: String) -> String {
    var output = String.UnicodeScalarView()
    var isInWord = false
    for scalar in text.unicodeScalars {
      let mapping = scalar.properties.titlecaseMapping.unicodeScalars
      if !isInWord, mapping.count == 1 { output.append(contentsOf: mapping) } else { output.append(scalar) }
      isInWord =
        scalar.properties.isAlphabetic || scalar.properties.numericType != nil || scalar == "_" || scalar == "'"
    }
    return String(output)
  }
}
