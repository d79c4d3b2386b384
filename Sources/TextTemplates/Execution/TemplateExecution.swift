// SPDX-License-Identifier: Apache-2.0

/// Carries a template out.
///
/// Source: Go 1.19, `text/template/exec.go`: what is evaluated when, and which node an error names.
struct TemplateExecution {
  /// What an expression gave.
  struct Operand {
    var value: TemplateValue
    /// Whether it stands in a place of type `interface {}`, such as a member of a JSON object: errors name that type.
    var isBoxed = false

    static let none = Operand(value: .noValue)

    /// The operand with the interface forgotten.
    var unboxed: Operand { isBoxed ? Operand(value: value.unboxed) : self }

    /// The type that errors name.
    var type: GoType? { isBoxed ? .any : value.type }
  }

  enum Flow { case onward, `break`, `continue` }

  let template: TextTemplate
  let dot: TemplateValue
  var output: [UInt8] = []
  /// The name of the template that is carried out: the whole, or one that was defined.
  var name: String
  /// The node that an error would name.
  var place: (any TemplateNode)?
  var variables: [(name: String, value: Operand)]
  private var depth = 0
  private var steps = 0

  init(template: TextTemplate, dot: TemplateValue) {
    self.template = template
    self.dot = dot
    name = template.name
    variables = [("$", Operand(value: dot.unboxed))]
  }

  mutating func run() throws(TemplateError) {
    _ = try walk(template.root, dot: Operand(value: dot.unboxed))
  }

  // MARK: Errors and limits

  /// An error at the node that was last come to.
  func error(_ message: String) -> TemplateError {
    guard let place else { return TemplateError(stage: .execution, description: "template: \(name): \(message)") }
    let before = template.source[..<min(place.position, template.source.count)]
    let line = 1 + before.count { $0 == UInt8(ascii: "\n") }
    let column = before.lastIndex(of: UInt8(ascii: "\n")).map { before.count - $0 - 1 } ?? before.count
    let location = "template: \(template.name):\(line):\(column)"
    let quotedName = GoQuoting.quoted(Array(name.utf8))
    return TemplateError(
      stage: .execution,
      description: "\(location): executing \(quotedName) at <\(place)>: \(message)"
    )
  }

  private mutating func takeStep() throws(TemplateError) {
    steps += 1
    if steps > template.limits.steps { throw error("the template takes more than \(template.limits.steps) turns") }
  }

  private mutating func write(_ bytes: [UInt8]) throws(TemplateError) {
    guard output.count + bytes.count <= template.limits.outputBytes else { throw tooLong }
    output += bytes
  }

  var tooLong: TemplateError { error("the text has more than \(template.limits.outputBytes) bytes") }

  // MARK: Statements

  private mutating func walk(_ statements: [StatementNode], dot: Operand) throws(TemplateError) -> Flow {
    for statement in statements {
      let flow = try walk(statement, dot: dot)
      if flow != .onward { return flow }
    }
    return .onward
  }

  private mutating func walk(_ statement: StatementNode, dot: Operand) throws(TemplateError) -> Flow {
    switch statement {
    case .text(let bytes): try write(bytes)
    case .action(let node):
      place = node
      let value = try evaluate(node.pipeline, dot: dot)
      // Variables stay until the end of the block; an action that sets one writes nothing.
      if node.pipeline.variables.isEmpty {
        place = node
        try print(value)
      }
    case .if(let branch): return try walkBranch(branch, dot: dot, setsDot: false)
    case .with(let branch): return try walkBranch(branch, dot: dot, setsDot: true)
    case .range(let branch): return try walkRange(branch, dot: dot)
    case .template(let call): try walkCall(call, dot: dot)
    case .break: return .break
    case .continue: return .continue
    }
    return .onward
  }

  private mutating func print(_ operand: Operand) throws(TemplateError) {
    guard operand.value.type != nil else { return try write(Array("<no value>".utf8)) }
    var formatter = GoFormatter(limit: template.limits.outputBytes - output.count)
    formatter.print([operand.value])
    guard !formatter.isTruncated else { throw tooLong }
    try write(formatter.bytes)
  }

  private mutating func walkBranch(_ branch: BranchNode, dot: Operand, setsDot: Bool) throws(TemplateError) -> Flow {
    let scope = variables.count
    defer { variables.removeSubrange(scope...) }
    let value = try evaluate(branch.pipeline, dot: dot)
    if value.unboxed.value.isTrue { return try walk(branch.body, dot: setsDot ? value : dot) }
    return try walk(branch.otherwise ?? [], dot: dot)
  }

  private mutating func walkRange(_ branch: BranchNode, dot: Operand) throws(TemplateError) -> Flow {
    let scope = variables.count
    defer { variables.removeSubrange(scope...) }
    let value = try evaluate(branch.pipeline, dot: dot).unboxed.value.filled
    let inner = variables.count
    let entries: [(TemplateValue, TemplateValue)]
    var areBoxed = false
    switch value {
    case .noValue, .null: entries = []
    case .list(let elements, let type):
      areBoxed = type.underlying == .slice(.any)
      entries = elements.enumerated().map { (.int($0.offset), $0.element) }
    case .map(let members, let type):
      areBoxed = type.underlying == .map(.any)
      entries = members.inOrder().map { (.string($0.key), $0.value) }
    default:
      throw error("range can't iterate over \(GoFormatter.text(value))")
    }
    let names = branch.pipeline.variables.count
    for (key, element) in entries {
      try takeStep()
      let operand = Operand(value: element, isBoxed: areBoxed)
      if names > 0 { try setRangeVariable(fromTop: 1, branch.pipeline, operand) }
      if names > 1 { try setRangeVariable(fromTop: 2, branch.pipeline, Operand(value: key)) }
      let flow = try walk(branch.body, dot: operand)
      variables.removeSubrange(inner...)
      if flow == .break { break }
    }
    return entries.isEmpty ? try walk(branch.otherwise ?? [], dot: dot) : .onward
  }

  private mutating func setRangeVariable(
    fromTop count: Int,
    _ pipeline: PipelineNode,
    _ operand: Operand
  ) throws(TemplateError) {
    guard pipeline.isAssignment else {
      variables[variables.count - count].value = operand
      return
    }
    try assign(pipeline.variables[pipeline.variables.count - count], operand)
  }

  private mutating func walkCall(_ call: CallNode, dot: Operand) throws(TemplateError) {
    place = call
    guard let body = template.definitions[call.name] else {
      throw error("template \(GoQuoting.quoted(Array(call.name.utf8))) not defined")
    }
    guard depth < template.limits.depth else {
      throw error("exceeded maximum template depth (\(template.limits.depth))")
    }
    try takeStep()
    let argument = try call.pipeline.map { (pipeline) throws(TemplateError) in try evaluate(pipeline, dot: dot) }
    // The other template sees no variables but its own dollar.
    let (outerName, outerVariables) = (name, variables)
    let operand = argument ?? .none
    (name, variables) = (call.name, [("$", operand)])
    depth += 1
    _ = try walk(body, dot: operand)
    depth -= 1
    (name, variables) = (outerName, outerVariables)
  }

  // MARK: Variables

  mutating func assign(_ name: String, _ operand: Operand) throws(TemplateError) {
    guard let index = variables.lastIndex(where: { $0.name == name }) else {
      throw error("undefined variable: \(name)")
    }
    variables[index].value = operand
  }
}
