// SPDX-License-Identifier: Apache-2.0

/// The functions that every template has.
///
/// Source: Go 1.19, `text/template/funcs.go`.
enum BuiltInFunctions {
  static let all: [String: TemplateFunction] = [
    // `and` and `or` are evaluated by the execution, which leaves out what does not matter.
    "and": TemplateFunction([.reflected], rest: .reflected) { (values) throws(TemplateFunctionError) in values[0] },
    "or": TemplateFunction([.reflected], rest: .reflected) { (values) throws(TemplateFunctionError) in values[0] },
    "not": TemplateFunction([.reflected]) { (values) throws(TemplateFunctionError) in .bool(!values[0].isTrue) },
    "call": TemplateFunction([.reflected], rest: .reflected, body: call),
    "html": escaping(GoEscaping.html),
    "js": escaping(GoEscaping.javaScript),
    "urlquery": escaping(GoEscaping.urlQuery),
    "index": TemplateFunction([.reflected], rest: .reflected, body: index),
    "slice": TemplateFunction([.reflected], rest: .reflected, body: slice),
    "len": TemplateFunction([.reflected], body: length),
    "print": TemplateFunction(rest: .any) { (values) throws(TemplateFunctionError) in
      try formatted { $0.print(values) }
    },
    "println": TemplateFunction(rest: .any) { (values) throws(TemplateFunctionError) in
      try formatted { $0.printLine(values) }
    },
    "printf": TemplateFunction([.string], rest: .any) { (values) throws(TemplateFunctionError) in
      guard case .bytes(let format) = values[0] else { return .string("") }
      return try formatted { $0.print(format: format, Array(values.dropFirst())) }
    },
    "eq": TemplateFunction([.reflected], rest: .reflected, body: GoComparison.isEqual),
    "ne": comparison { (first, second) throws(TemplateFunctionError) in try !GoComparison.equal(first, second) },
    "lt": comparison(GoComparison.isLess),
    "le": comparison(GoComparison.isAtMost),
    "gt": comparison { (first, second) throws(TemplateFunctionError) in try !GoComparison.isAtMost(first, second) },
    "ge": comparison { (first, second) throws(TemplateFunctionError) in try !GoComparison.isLess(first, second) },
  ]

  /// The longest text that a formatting function makes; templates have a limit of their own for what they write.
  private static let longestText = 16 << 20

  private static func formatted(_ format: (inout GoFormatter) -> Void) throws(TemplateFunctionError) -> TemplateValue {
    var formatter = GoFormatter(limit: longestText)
    format(&formatter)
    guard !formatter.isTruncated else { throw TemplateFunctionError("the text has more than \(longestText) bytes") }
    return .bytes(formatter.bytes)
  }

  private static func comparison(
    _ compare: @escaping @Sendable (TemplateValue, TemplateValue) throws(TemplateFunctionError) -> Bool
  ) -> TemplateFunction {
    TemplateFunction([.reflected, .reflected]) { (values) throws(TemplateFunctionError) in
      .bool(try compare(values[0], values[1]))
    }
  }

  private static func escaping(_ escape: @escaping @Sendable ([UInt8]) -> [UInt8]) -> TemplateFunction {
    TemplateFunction(rest: .any) { (values) throws(TemplateFunctionError) in
      let printable = values.map { value in
        if case .null(.any) = value { TemplateValue.string("<no value>") } else { value }
      }
      guard case .bytes(let text) = try formatted({ $0.print(printable) }) else { return .noValue }
      return .bytes(escape(text))
    }
  }

  @Sendable private static func call(_ values: [TemplateValue]) throws(TemplateFunctionError) -> TemplateValue {
    guard let type = values[0].type else { throw TemplateFunctionError("call of nil") }
    throw TemplateFunctionError("non-function of type \(type)")
  }

  @Sendable private static func length(_ values: [TemplateValue]) throws(TemplateFunctionError) -> TemplateValue {
    switch values[0].filled {
    case .noValue: throw TemplateFunctionError("reflect: call of reflect.Value.Type on zero Value")
    case .null: throw TemplateFunctionError("len of nil pointer")
    case .bytes(let bytes): return .int(bytes.count)
    case .list(let elements, _): return .int(elements.count)
    case .map(let members, _): return .int(members.count)
    case .bool, .integer, .float, .object:
      throw TemplateFunctionError("len of type \(values[0].type?.description ?? "")")
    }
  }

  // MARK: Elements

  @Sendable private static func index(_ values: [TemplateValue]) throws(TemplateFunctionError) -> TemplateValue {
    var item = values[0].unboxed.filled
    if case .noValue = item { throw TemplateFunctionError("index of untyped nil") }
    for index in values.dropFirst() { item = try element(of: item, at: index.unboxed).filled }
    return item.unboxed
  }

  private static func element(
    of item: TemplateValue,
    at index: TemplateValue
  ) throws(TemplateFunctionError) -> TemplateValue {
    switch item {
    case .null: throw TemplateFunctionError("index of nil pointer")
    case .list(let elements, _):
      let position = try self.position(index, within: elements.count)
      guard position < elements.count else { throw TemplateFunctionError("reflect: slice index out of range") }
      return elements[position]
    case .bytes(let bytes):
      let position = try self.position(index, within: bytes.count)
      guard position < bytes.count else { throw TemplateFunctionError("reflect: string index out of range") }
      return .integer(Int(bytes[position]), .uint8)
    case .map(let members, let type):
      guard let indexType = index.type else { throw TemplateFunctionError("value is nil; should be of type string") }
      guard let key = index.text else {
        throw TemplateFunctionError("value has type \(indexType); should be string")
      }
      return members[key] ?? zero(ofMember: type)
    case .noValue: throw TemplateFunctionError("index of nil pointer")
    case .bool, .integer, .float, .object:
      throw TemplateFunctionError("can't index item of type \(item.type?.description ?? "")")
    }
  }

  private static func zero(ofMember type: GoType) -> TemplateValue {
    guard case .map(let element) = type.underlying else { return .noValue }
    switch element.underlying {
    case .bool: return .bool(false)
    case .string: return .string("")
    case .float64: return .float(0)
    case .integer(let kind): return .integer(0, kind)
    case .slice: return .list([], element)
    case .map: return .map([:], element)
    case .structure: return .object(TemplateObject(element.description))
    case .any, .reflected, .named: return .null(element)
    }
  }

  private static func position(
    _ index: TemplateValue,
    within count: Int
  ) throws(TemplateFunctionError) -> Int {
    switch index {
    case .integer(let value, _):
      guard (0...count).contains(value) else { throw TemplateFunctionError("index out of range: \(value)") }
      return value
    case .noValue: throw TemplateFunctionError("cannot index slice/array with nil")
    default:
      throw TemplateFunctionError("cannot index slice/array with type \(index.type?.description ?? "")")
    }
  }

  @Sendable private static func slice(_ values: [TemplateValue]) throws(TemplateFunctionError) -> TemplateValue {
    let item = values[0].unboxed.filled
    let indexes = values.dropFirst()
    if case .noValue = item { throw TemplateFunctionError("slice of untyped nil") }
    if indexes.count > 3 { throw TemplateFunctionError("too many slice indexes: \(indexes.count)") }
    let count: Int
    switch item {
    case .bytes(let bytes):
      if indexes.count == 3 { throw TemplateFunctionError("cannot 3-index slice a string") }
      count = bytes.count
    case .list(let elements, _): count = elements.count
    default: throw TemplateFunctionError("can't slice item of type \(item.type?.description ?? "")")
    }
    var bounds = [0, count]
    for (offset, index) in indexes.enumerated() {
      let position = try self.position(index.unboxed, within: count)
      if offset < 2 { bounds[offset] = position } else { bounds.append(position) }
    }
    for (low, high) in zip(bounds, bounds.dropFirst()) where low > high {
      throw TemplateFunctionError("invalid slice index: \(low) > \(high)")
    }
    switch item {
    case .bytes(let bytes): return .bytes(Array(bytes[bounds[0]..<bounds[1]]))
    case .list(let elements, let type): return .list(Array(elements[bounds[0]..<bounds[1]]), type)
    default: return .noValue
    }
  }
}
