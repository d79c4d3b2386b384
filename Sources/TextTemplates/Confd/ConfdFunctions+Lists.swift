// SPDX-License-Identifier: Apache-2.0

/// Whole numbers, lists and maps.
extension ConfdFunctions {
  static let ofNumbers: [String: TemplateFunction] = [
    "add": arithmetic { (first, second) throws(TemplateFunctionError) in first &+ second },
    "sub": arithmetic { (first, second) throws(TemplateFunctionError) in first &- second },
    "mul": arithmetic { (first, second) throws(TemplateFunctionError) in first &* second },
    "div": arithmetic { (first, second) throws(TemplateFunctionError) in
      if second == 0 { throw TemplateFunctionError("runtime error: integer divide by zero") }
      return first.dividedReportingOverflow(by: second).partialValue
    },
    "mod": arithmetic { (first, second) throws(TemplateFunctionError) in
      if second == 0 { throw TemplateFunctionError("runtime error: integer divide by zero") }
      return first.remainderReportingOverflow(dividingBy: second).partialValue
    },
    "atoi": function([.string]) { (texts) throws(TemplateFunctionError) in
      let text = texts[0]
      let digits = text.hasPrefix("-") || text.hasPrefix("+") ? text.dropFirst() : text[...]
      guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
        throw malformed("Atoi", text, "invalid syntax")
      }
      guard let number = Int(text) else { throw malformed("Atoi", text, "value out of range") }
      return .int(number)
    },
    "seq": TemplateFunction([.int, .int]) { (values) throws(TemplateFunctionError) in
      guard case .integer(let first, _) = values[0], case .integer(let last, _) = values[1], first <= last else {
        return .list([], .slice(.int))
      }
      let (count, isTooLarge) = last.subtractingReportingOverflow(first)
      guard !isTooLarge, count < longestSequence else {
        throw TemplateFunctionError("the sequence has more than \(longestSequence) numbers")
      }
      return .list((first...last).map { .int($0) }, .slice(.int))
    },
  ]

  static let ofLists: [String: TemplateFunction] = [
    "map": TemplateFunction(rest: .any) { (values) throws(TemplateFunctionError) in
      guard values.count.isMultiple(of: 2) else { throw TemplateFunctionError("invalid map call") }
      var members: [String: TemplateValue] = [:]
      for index in stride(from: 0, to: values.count, by: 2) {
        guard let name = values[index].text else { throw TemplateFunctionError("map keys must be strings") }
        members[name] = values[index + 1]
      }
      return .map(members, .map(.any))
    },
    // Only these two types are turned round, as in confd: what `gets` gives has a type of its own, and stays.
    "reverse": TemplateFunction([.any]) { (values) throws(TemplateFunctionError) in
      guard case .list(let elements, let type) = values[0],
        type == .slice(.string) || type == .slice(ConfdKeys.pairType)
      else { return values[0] }
      return .list(elements.reversed(), type)
    },
    "sortByLength": sorting(.slice(.string)) { $0.text },
    "sortKVByLength": sorting(.slice(ConfdKeys.pairType)) { value in
      if case .object(let pair) = value { pair["Key"]?.text } else { nil }
    },
  ]

  private static func sorting(
    _ type: GoType,
    _ text: @escaping @Sendable (TemplateValue) -> String?
  ) -> TemplateFunction {
    TemplateFunction([type]) { (values) throws(TemplateFunctionError) in
      guard case .list(let elements, _) = values[0] else { return values[0] }
      return .list(elements.sorted { (text($0)?.utf8.count ?? 0) < (text($1)?.utf8.count ?? 0) }, type)
    }
  }

  private static func arithmetic(
    _ body: @escaping @Sendable (Int, Int) throws(TemplateFunctionError) -> Int
  ) -> TemplateFunction {
    TemplateFunction([.int, .int]) { (values) throws(TemplateFunctionError) in
      guard case .integer(let first, _) = values[0], case .integer(let second, _) = values[1] else { return .noValue }
      return .int(try body(first, second))
    }
  }
}
