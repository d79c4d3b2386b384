// SPDX-License-Identifier: Apache-2.0

/// How templates compare values.
enum GoComparison {
  private enum Kind { case bool, integer, float, string, other }

  private static func kind(_ value: TemplateValue) -> Kind {
    switch value {
    case .bool: .bool
    case .integer: .integer
    case .float: .float
    case .bytes: .string
    case .noValue, .null, .list, .map, .object: .other
    }
  }

  /// `eq`: whether the first is equal to any of the others.
  @Sendable static func isEqual(_ values: [TemplateValue]) throws(TemplateFunctionError) -> TemplateValue {
    let first = values[0].unboxed
    try checkComparable(first)
    guard values.count > 1 else { throw TemplateFunctionError("missing argument for comparison") }
    for value in values.dropFirst() {
      if try equal(first, value) { return .bool(true) }
    }
    return .bool(false)
  }

  private static func checkComparable(_ value: TemplateValue) throws(TemplateFunctionError) {
    switch value.filled {
    case .list(_, let type), .map(_, let type):
      throw TemplateFunctionError("non-comparable type \(GoFormatter.text(value)): \(type)")
    default: break
    }
  }

  static func equal(_ first: TemplateValue, _ second: TemplateValue) throws(TemplateFunctionError) -> Bool {
    let (first, second) = (first.unboxed, second.unboxed)
    try checkComparable(first)
    if kind(first) != kind(second) {
      if case .noValue = first { return false }
      if case .noValue = second { return false }
      throw TemplateFunctionError("incompatible types for comparison")
    }
    switch (first, second) {
    case (.bool(let one), .bool(let other)): return one == other
    case (.integer(let one, _), .integer(let other, _)): return one == other
    case (.float(let one), .float(let other)): return one == other
    case (.bytes(let one), .bytes(let other)): return one == other
    case (.noValue, .noValue): return true
    case (.noValue, _), (_, .noValue): return false
    default:
      try checkComparable(second)
      return first.type == second.type && GoFormatter.text(first) == GoFormatter.text(second)
    }
  }

  @Sendable static func isLess(
    _ first: TemplateValue,
    _ second: TemplateValue
  ) throws(TemplateFunctionError) -> Bool {
    let (first, second) = (first.unboxed, second.unboxed)
    guard kind(first) != .other, kind(second) != .other else {
      throw TemplateFunctionError("invalid type for comparison")
    }
    switch (first, second) {
    case (.integer(let one, _), .integer(let other, _)): return one < other
    case (.float(let one), .float(let other)): return one < other
    case (.bytes(let one), .bytes(let other)): return one.lexicographicallyPrecedes(other)
    case (.bool, .bool): throw TemplateFunctionError("invalid type for comparison")
    default: throw TemplateFunctionError("incompatible types for comparison")
    }
  }

  @Sendable static func isAtMost(
    _ first: TemplateValue,
    _ second: TemplateValue
  ) throws(TemplateFunctionError) -> Bool {
    if try isLess(first, second) { return true }
    return try equal(first, second)
  }
}
