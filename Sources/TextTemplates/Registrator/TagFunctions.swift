// SPDX-License-Identifier: Apache-2.0

/// The functions of registrator's templates; the text they work on comes last, so that it can be piped to them.
///
/// Source: registrator 7.4, `bridge`.
enum TagFunctions {
  static let all: [String: TemplateFunction] = [
    "strSlice": TemplateFunction([.string], rest: .int) { (values) throws(TemplateFunctionError) in
      let text = bytes(values[0])
      let places = values.dropFirst().map { number($0) }
      guard (1...2).contains(places.count) else { return values[0] }
      guard places[0] >= 0, places[0] <= places.last ?? 0 || places.count == 1 else {
        throw TemplateFunctionError("the slice begins at \(places[0]) and ends before that")
      }
      let end = places.count == 2 ? min(places[1], text.count) : text.count
      return .bytes(Array(text[min(places[0], end)..<end]))
    },
    "sIndex": TemplateFunction([.int, .any]) { (values) throws(TemplateFunctionError) in
      try element(number(values[0]), of: strings(values[1], "sIndex"))
    },
    "mIndex": TemplateFunction([.string, .any]) { (values) throws(TemplateFunctionError) in
      switch values[1] {
      case .map(let members, _): members[values[0].text ?? ""] ?? .string("")
      case .null, .noValue: .string("")
      default: throw TemplateFunctionError("mIndex needs a map such as .Config.Labels")
      }
    },
    "toUpper": TemplateFunction([.string]) { (values) throws(TemplateFunctionError) in
      .bytes(GoStrings.upper(bytes(values[0])))
    },
    "toLower": TemplateFunction([.string]) { (values) throws(TemplateFunctionError) in
      .bytes(GoStrings.lower(bytes(values[0])))
    },
    "replace": TemplateFunction([.int, .string, .string, .string]) { (values) throws(TemplateFunctionError) in
      .bytes(try GoStrings.replace(bytes(values[3]), bytes(values[1]), bytes(values[2]), number(values[0])))
    },
    "join": TemplateFunction([.string, .any]) { (values) throws(TemplateFunctionError) in
      .bytes(try GoStrings.join(strings(values[1], "join"), bytes(values[0])))
    },
    "split": TemplateFunction([.string, .string]) { (values) throws(TemplateFunctionError) in
      .list(GoStrings.split(bytes(values[1]), bytes(values[0])).map { .bytes($0) }, .slice(.string))
    },
    "splitIndex": TemplateFunction([.int, .string, .string]) { (values) throws(TemplateFunctionError) in
      element(number(values[0]), of: GoStrings.split(bytes(values[2]), bytes(values[1])))
    },
    "matchFirstElement": TemplateFunction([.string, .any]) { (values) throws(TemplateFunctionError) in
      .bytes(try matches(values, "matchFirstElement").first ?? [])
    },
    "matchAllElements": TemplateFunction([.string, .any]) { (values) throws(TemplateFunctionError) in
      .list(try matches(values, "matchAllElements").map { .bytes($0) }, .slice(.string))
    },
    "jsonParse": TemplateFunction([.string, .string]) { (values) throws(TemplateFunctionError) in
      try member(of: GoJSONReader.read(bytes(values[0])), at: values[1].text ?? "")
    },
  ]

  private static func bytes(_ value: TemplateValue) -> [UInt8] {
    if case .bytes(let bytes) = value { bytes } else { [] }
  }

  private static func number(_ value: TemplateValue) -> Int {
    if case .integer(let number, _) = value { number } else { 0 }
  }

  private static func strings(_ value: TemplateValue, _ function: String) throws(TemplateFunctionError) -> [[UInt8]] {
    switch value {
    case .list(let elements, _): elements.map(bytes)
    case .null, .noValue: []
    default: throw TemplateFunctionError("\(function) needs a list such as .Config.Env")
    }
  }

  /// An element by its place, from the end when that is below zero; beyond either end, the last or the first.
  private static func element(_ place: Int, of elements: [[UInt8]]) -> TemplateValue {
    guard !elements.isEmpty else { return .string("") }
    let wanted = place < 0 ? max(0, elements.count + max(place, -elements.count)) : min(place, elements.count - 1)
    return .bytes(elements[wanted])
  }

  private static func matches(
    _ values: [TemplateValue],
    _ function: String
  ) throws(TemplateFunctionError) -> [[UInt8]] {
    let pattern = values[0].text ?? ""
    let expression: Regex<AnyRegexOutput>
    do {
      expression = try Regex(pattern)
    } catch {
      throw TemplateFunctionError("\(function): \"\(pattern)\" is no regular expression")
    }
    return try strings(values[1], function).filter { element in
      String(decoding: element, as: UTF8.self).firstMatch(of: expression) != nil
    }
  }

  /// A value within a document by the names of members with `::` between them.
  private static func member(of document: TemplateValue, at path: String) throws(TemplateFunctionError) -> TemplateValue
  {
    var value = document
    for name in path.split(separator: "::") {
      guard case .map(let members, _) = value, let next = members[String(name)] else {
        throw TemplateFunctionError("jsonParse: there is no \(name) in \(path)")
      }
      value = next
    }
    return value
  }
}
