// SPDX-License-Identifier: Apache-2.0

/// Fields, methods and functions.
extension TemplateExecution {
  // MARK: Fields

  /// The value at the end of `.A.B`, `$x.A` or `(…).A`; a method there gets the arguments.
  mutating func evaluateFields(
    _ node: ArgumentNode,
    dot: Operand,
    arguments: [ArgumentNode],
    last: Operand?
  ) throws(TemplateError) -> Operand {
    place = node
    var receiver: Operand
    let names: [String]
    switch node.kind {
    case .field(let fields): (receiver, names) = (dot, fields)
    case .variable(let path):
      receiver = variables.last { $0.name == path[0] }?.value ?? .none
      names = Array(path.dropFirst())
    case .chain(let inner, let fields):
      if case .null = inner.kind { throw error("indirection through explicit nil in \(node)") }
      receiver = try evaluateInner(inner, dot: dot)
      names = fields
    default: return .none
    }
    guard let method = names.last else {
      if !arguments.isEmpty || last != nil { throw error("can't give argument to non-function \(node)") }
      return receiver
    }
    for name in names.dropLast() {
      receiver = try field(name, of: receiver, node, dot: dot, arguments: [], last: nil)
    }
    return try field(method, of: receiver, node, dot: dot, arguments: arguments, last: last)
  }

  private mutating func evaluateInner(_ node: ArgumentNode, dot: Operand) throws(TemplateError) -> Operand {
    place = node
    switch node.kind {
    case .identifier(let name): return try call(name, named: node, dot: dot, arguments: [], last: nil)
    case .pipeline(let pipeline): return try evaluate(pipeline, dot: dot)
    default: return try evaluateFields(node, dot: dot, arguments: [], last: nil)
    }
  }

  private mutating func field(
    _ name: String,
    of receiver: Operand,
    _ node: ArgumentNode,
    dot: Operand,
    arguments: [ArgumentNode],
    last: Operand?
  ) throws(TemplateError) -> Operand {
    let hasArguments = !arguments.isEmpty || last != nil
    guard let type = receiver.type else {
      if template.missingMember == .error {
        throw error("nil data; no entry for key \(GoQuoting.quoted(Array(name.utf8)))")
      }
      return .none
    }
    switch receiver.value.filled {
    case .null:
      throw error("nil pointer evaluating \(type).\(name)")
    case .object(let object):
      if let method = object.methods[name] {
        return try call(method, name, named: node, dot: dot, arguments: arguments, last: last)
      }
      guard let value = object[name] else { break }
      if hasArguments { throw error("\(name) has arguments but cannot be invoked as function") }
      return Operand(value: value)
    case .map(let members, let type):
      if hasArguments { throw error("\(name) is not a method but has arguments") }
      guard let value = members[name] else {
        if template.missingMember == .error {
          throw error("map has no entry for key \(GoQuoting.quoted(Array(name.utf8)))")
        }
        return .none
      }
      return Operand(value: value, isBoxed: type.underlying == .map(.any))
    default: break
    }
    throw error("can't evaluate field \(name) in type \(type)")
  }

  // MARK: Calls

  mutating func call(
    _ name: String,
    named node: any TemplateNode,
    dot: Operand,
    arguments: [ArgumentNode],
    last: Operand?
  ) throws(TemplateError) -> Operand {
    guard let function = template.functions[name] else {
      throw error("\(GoQuoting.quoted(Array(name.utf8))) is not a defined function")
    }
    if name == "and" || name == "or" {
      try checkCount(function, name, arguments.count, last != nil)
      return try shortCircuit(until: name == "or", dot: dot, arguments: arguments, last: last)
    }
    return try call(function, name, named: node, dot: dot, arguments: arguments, last: last)
  }

  /// `and` and `or`: the argument that decides; those after it are not evaluated.
  private mutating func shortCircuit(
    until deciding: Bool,
    dot: Operand,
    arguments: [ArgumentNode],
    last: Operand?
  ) throws(TemplateError) -> Operand {
    var value = TemplateValue.noValue
    for argument in arguments {
      value = try evaluateArgument(argument, as: .reflected, dot: dot)
      if value.isTrue == deciding { return Operand(value: value) }
    }
    if let last { value = try validated(last, as: .reflected) }
    return Operand(value: value)
  }

  private func checkCount(
    _ function: TemplateFunction,
    _ name: String,
    _ count: Int,
    _ hasLast: Bool
  ) throws(TemplateError) {
    let wanted = function.parameters.count
    let total = count + (hasLast ? 1 : 0)
    if function.rest == nil, total != wanted {
      throw error("wrong number of args for \(name): want \(wanted) got \(total)")
    }
    if total < wanted { throw error("wrong number of args for \(name): want at least \(wanted) got \(count)") }
  }

  private mutating func call(
    _ function: TemplateFunction,
    _ name: String,
    named node: any TemplateNode,
    dot: Operand,
    arguments: [ArgumentNode],
    last: Operand?
  ) throws(TemplateError) -> Operand {
    try checkCount(function, name, arguments.count, last != nil)
    func type(at index: Int) -> GoType {
      index < function.parameters.count ? function.parameters[index] : function.rest ?? .any
    }
    var values: [TemplateValue] = []
    for (index, argument) in arguments.enumerated() {
      values.append(try evaluateArgument(argument, as: type(at: index), dot: dot))
    }
    if let last { values.append(try validated(last, as: type(at: values.count))) }
    do throws(TemplateFunctionError) {
      let value = try function.body(values)
      if case .bytes(let bytes) = value, bytes.count > template.limits.outputBytes {
        throw TemplateFunctionError("the text has more than \(template.limits.outputBytes) bytes")
      }
      return Operand(value: value)
    } catch {
      place = node
      throw self.error("error calling \(name): \(error.message)")
    }
  }
}
