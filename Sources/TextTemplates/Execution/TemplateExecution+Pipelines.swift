// SPDX-License-Identifier: Apache-2.0

/// Pipelines, commands and words.
extension TemplateExecution {
  /// The value of a pipeline; its variables are set.
  mutating func evaluate(_ pipeline: PipelineNode, dot: Operand) throws(TemplateError) -> Operand {
    place = pipeline
    var value: Operand?
    for command in pipeline.commands {
      value = try evaluate(command, dot: dot, last: value).unboxed
    }
    let result = value ?? .none
    for variable in pipeline.variables {
      if pipeline.isAssignment {
        try assign(variable, result)
      } else {
        variables.append((variable, result))
      }
    }
    return result
  }

  /// The value of a command; `last` is that of the command before it in the pipeline, and becomes the last argument.
  private mutating func evaluate(
    _ command: CommandNode,
    dot: Operand,
    last: Operand?
  ) throws(TemplateError) -> Operand {
    let first = command.arguments[0]
    let arguments = Array(command.arguments.dropFirst())
    switch first.kind {
    case .field, .chain, .variable:
      return try evaluateFields(first, dot: dot, arguments: arguments, last: last)
    case .identifier(let name):
      place = first
      return try call(name, named: command, dot: dot, arguments: arguments, last: last)
    case .pipeline(let pipeline):
      try refuseArguments(first, arguments, last)
      return try evaluate(pipeline, dot: dot)
    case .bool, .dot, .null, .number, .string: break
    }
    place = first
    try refuseArguments(first, arguments, last)
    if case .null = first.kind { throw error("nil is not a command") }
    return try evaluatePlain(first, dot: dot)
  }

  private func refuseArguments(
    _ node: ArgumentNode,
    _ arguments: [ArgumentNode],
    _ last: Operand?
  ) throws(TemplateError) {
    if !arguments.isEmpty || last != nil {
      throw error("can't give argument to non-function \(node.inParentheses)")
    }
  }

  /// The value of a word where any type will do.
  private mutating func evaluatePlain(_ node: ArgumentNode, dot: Operand) throws(TemplateError) -> Operand {
    place = node
    switch node.kind {
    case .bool(let value): return Operand(value: .bool(value))
    case .dot: return dot
    case .null: return .none
    case .number(let number):
      guard let value = number.value else { throw error("\(number.text) overflows int") }
      return Operand(value: value)
    case .string(_, let bytes): return Operand(value: .bytes(bytes))
    case .field, .chain, .variable: return try evaluateFields(node, dot: dot, arguments: [], last: nil)
    case .identifier(let name): return try call(name, named: node, dot: dot, arguments: [], last: nil)
    case .pipeline(let pipeline): return try evaluate(pipeline, dot: dot)
    }
  }

  // MARK: Arguments

  /// The value of an argument, of the type that is wanted.
  mutating func evaluateArgument(
    _ node: ArgumentNode,
    as wanted: GoType,
    dot: Operand
  ) throws(TemplateError) -> TemplateValue {
    place = node
    switch node.kind {
    case .null:
      guard wanted.canBeNil else { throw error("cannot assign nil to \(wanted)") }
      return Self.zero(of: wanted)
    case .dot, .field, .chain, .variable, .identifier, .pipeline:
      // First the value: an error names the node that was come to last, and that is one inside.
      let operand = try evaluatePlain(node, dot: dot)
      return try validated(operand, as: wanted)
    case .bool, .number, .string: break
    }
    switch (wanted.underlying, node.kind) {
    case (.any, _), (.reflected, _): return try evaluatePlain(node, dot: dot).value
    case (.bool, .bool(let value)): return .bool(value)
    case (.string, .string(_, let bytes)): return .bytes(bytes)
    case (.integer(let kind), .number(let number)):
      if let integer = number.integer { return .integer(integer, kind) }
    case (.float64, .number(let number)):
      if let float = number.float { return .float(float) }
    default: break
    }
    switch wanted.underlying {
    case .bool: throw error("expected bool; found \(node)")
    case .string: throw error("expected string; found \(node)")
    case .integer(let kind): throw error("expected \(kind.isSigned ? "" : "unsigned ")integer; found \(node)")
    case .float64: throw error("expected float; found \(node)")
    default: throw error("can't handle \(node) for arg of type \(wanted)")
    }
  }

  /// A value, if it may be given where the type is wanted.
  func validated(_ operand: Operand, as wanted: GoType) throws(TemplateError) -> TemplateValue {
    guard let type = operand.type else {
      guard wanted.canBeNil else { throw error("invalid value; expected \(wanted)") }
      return Self.zero(of: wanted)
    }
    if wanted == .reflected { return operand.unboxed.value }
    if type.isAssignable(to: wanted) { return operand.value }
    guard let inner = operand.unboxed.value.type, inner.isAssignable(to: wanted) else {
      throw error("wrong type for value; expected \(wanted); got \(operand.unboxed.type ?? type)")
    }
    return operand.value
  }

  private static func zero(of type: GoType) -> TemplateValue {
    switch type.underlying {
    case .reflected: .noValue
    case .slice: .list([], type)
    case .map: .map([:], type)
    default: .null(type)
    }
  }
}
