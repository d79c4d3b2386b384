// SPDX-License-Identifier: Apache-2.0

/// Builds a template's tree from its tokens.
///
/// Source: Go 1.19, `text/template/parse/parse.go`: the grammar, and its messages.
struct TemplateParser {
  let name: String
  let functions: Set<String>
  let limits: TemplateLimits
  private let tokens: [TemplateToken]
  private var index = 0
  /// The furthest token read; errors name its line.
  private var furthest = 0
  /// The line of the action that is being read.
  private var actionLine = 0
  /// Names of variables in scope.
  var variables = ["$"]
  private var rangeDepth = 0
  private var depth = 0
  private var definitions: [String: [StatementNode]] = [:]

  init(name: String, source: [UInt8], functions: Set<String>, limits: TemplateLimits) throws(TemplateError) {
    self.name = name
    self.functions = functions
    self.limits = limits
    guard source.count <= limits.sourceBytes else {
      let problem = "the template has \(source.count) bytes; at most \(limits.sourceBytes) are read"
      throw TemplateError(stage: .parsing, description: "template: \(name): \(problem)")
    }
    var lexer = TemplateLexer(source: source, functions: functions)
    tokens = lexer.allTokens()
  }

  // MARK: Tokens

  mutating func next() -> TemplateToken {
    let token = tokens[min(index, tokens.count - 1)]
    furthest = max(furthest, min(index, tokens.count - 1))
    index += 1
    return token
  }

  mutating func backUp(_ count: Int = 1) { index -= count }

  mutating func peek() -> TemplateToken {
    let token = next()
    backUp()
    return token
  }

  mutating func nextNonSpace() -> TemplateToken {
    var token = next()
    while token.kind == .space { token = next() }
    return token
  }

  mutating func peekNonSpace() -> TemplateToken {
    let token = nextNonSpace()
    backUp()
    return token
  }

  mutating func expect(_ kind: TemplateToken.Kind, _ context: String) throws(TemplateError) {
    let token = nextNonSpace()
    if token.kind != kind { throw unexpected(token, context) }
  }

  func error(_ message: String) -> TemplateError {
    TemplateError(stage: .parsing, description: "template: \(name):\(tokens[furthest].line): \(message)")
  }

  func unexpected(_ token: TemplateToken, _ context: String) -> TemplateError {
    guard token.kind == .error else { return error("unexpected \(token.description) in \(context)") }
    guard actionLine != 0, actionLine != token.line else { return error(token.text) }
    let isAboutAction = token.text.hasSuffix(" action")
    return error("\(token.text)\(isAboutAction ? "" : " in action") started at \(name):\(actionLine)")
  }

  /// Reads something that stands inside something else, no deeper than is allowed.
  mutating func nested<Value>(
    _ read: (inout TemplateParser) throws(TemplateError) -> Value
  ) throws(TemplateError) -> Value {
    depth += 1
    defer { depth -= 1 }
    guard depth <= limits.depth else { throw error("blocks and parentheses stand more than \(limits.depth) deep") }
    return try read(&self)
  }

  // MARK: Blocks

  mutating func parse() throws(TemplateError) -> ([StatementNode], [String: [StatementNode]]) {
    var root: [StatementNode] = []
    while peek().kind != .end {
      if peek().kind == .leftDelimiter {
        let before = index
        _ = next()
        if nextNonSpace().kind == .keyword(.define) {
          try parseDefinition()
          continue
        }
        index = before
      }
      switch try textOrAction() {
      case .statement(let statement): root.append(statement)
      case .end: throw error("unexpected {{end}}")
      case .else: throw error("unexpected {{else}}")
      }
    }
    return (root, definitions)
  }

  private mutating func parseDefinition() throws(TemplateError) {
    let name = try templateName("define clause")
    try expect(.rightDelimiter, "define clause")
    let (body, ending) = try scoped { (parser) throws(TemplateError) in try parser.statements() }
    guard case .end = ending else { throw error("unexpected {{else}} in define clause") }
    try define(name, body)
  }

  /// Reads the body of a definition, which sees no variables of its surroundings.
  private mutating func scoped<Value>(
    _ read: (inout TemplateParser) throws(TemplateError) -> Value
  ) throws(TemplateError) -> Value {
    let (outerVariables, outerRange) = (variables, rangeDepth)
    variables = ["$"]
    rangeDepth = 0
    defer { (variables, rangeDepth) = (outerVariables, outerRange) }
    return try read(&self)
  }

  private mutating func define(_ name: String, _ body: [StatementNode]) throws(TemplateError) {
    func isEmpty(_ body: [StatementNode]) -> Bool {
      body.allSatisfy { if case .text(let bytes) = $0 { bytes.allSatisfy { $0 <= 0x20 } } else { false } }
    }
    if let earlier = definitions[name], !isEmpty(earlier) {
      guard isEmpty(body) else { throw error("template: multiple definition of template \(quoted(name))") }
      return
    }
    definitions[name] = body
  }

  private func quoted(_ text: String) -> String { GoQuoting.quoted(Array(text.utf8)) }

  private mutating func templateName(_ context: String) throws(TemplateError) -> String {
    let token = nextNonSpace()
    guard token.kind == .string || token.kind == .rawString else { throw unexpected(token, context) }
    guard let bytes = unquoted(token) else { throw error("invalid syntax") }
    return String(decoding: bytes, as: UTF8.self)
  }

  func unquoted(_ token: TemplateToken) -> [UInt8]? {
    GoStringLiteral.unquoted(token.text, quote: token.kind == .rawString ? "`" : "\"")
  }

  private enum Element {
    case statement(StatementNode)
    case end
    case `else`
  }

  /// Reads statements up to `{{end}}` or `{{else}}`.
  private mutating func statements() throws(TemplateError) -> ([StatementNode], Element) {
    var list: [StatementNode] = []
    while peekNonSpace().kind != .end {
      let element = try nested { (parser) throws(TemplateError) in try parser.textOrAction() }
      guard case .statement(let statement) = element else { return (list, element) }
      list.append(statement)
    }
    throw error("unexpected EOF")
  }

  private mutating func textOrAction() throws(TemplateError) -> Element {
    let token = nextNonSpace()
    switch token.kind {
    case .text:
      // As bytes of the source: what is no UTF-8 stays as it is.
      return .statement(.text(Array(token.text.utf8)))
    case .leftDelimiter:
      actionLine = token.line
      defer { actionLine = 0 }
      return try action()
    default: throw unexpected(token, "input")
    }
  }

  private mutating func action() throws(TemplateError) -> Element {
    let token = nextNonSpace()
    guard case .keyword(let keyword) = token.kind else {
      backUp()
      let first = peek()
      return .statement(
        .action(ActionNode(position: first.position, pipeline: try pipeline("command", until: .rightDelimiter)))
      )
    }
    switch keyword {
    case .block: return .statement(try block())
    case .break: return .statement(try loopControl("{{break}}", .break))
    case .continue: return .statement(try loopControl("{{continue}}", .continue))
    case .else:
      if peekNonSpace().kind == .keyword(.if) { return .else }
      try expect(.rightDelimiter, "else")
      return .else
    case .end:
      try expect(.rightDelimiter, "end")
      return .end
    case .if: return .statement(.if(try branch("if")))
    case .range: return .statement(.range(try branch("range")))
    case .template: return .statement(try templateCall())
    case .with: return .statement(.with(try branch("with")))
    case .define:
      backUp()
      throw unexpected(next(), "command")
    }
  }

  private mutating func loopControl(_ word: String, _ node: StatementNode) throws(TemplateError) -> StatementNode {
    try expect(.rightDelimiter, word)
    guard rangeDepth > 0 else { throw error("\(word) outside {{range}}") }
    return node
  }

  private mutating func branch(_ word: String) throws(TemplateError) -> BranchNode {
    let scope = variables.count
    defer { variables.removeSubrange(min(scope, variables.count)...) }
    let pipeline = try pipeline(word, until: .rightDelimiter)
    if word == "range" { rangeDepth += 1 }
    let (body, ending) = try statements()
    if word == "range" { rangeDepth -= 1 }
    var node = BranchNode(pipeline: pipeline, body: body)
    guard case .else = ending else { return node }
    if word == "if", peek().kind == .keyword(.if) || peekNonSpace().kind == .keyword(.if) {
      // `{{else if}}` is an `if` inside the `else`, and the one `{{end}}` closes both.
      _ = nextNonSpace()
      node.otherwise = [
        .if(try nested { (parser) throws(TemplateError) in try parser.branch("if") })
      ]
      return node
    }
    let (otherwise, last) = try statements()
    guard case .end = last else { throw error("expected end; found {{else}}") }
    node.otherwise = otherwise
    return node
  }

  private mutating func block() throws(TemplateError) -> StatementNode {
    let position = peekNonSpace().position
    let name = try templateName("block clause")
    let pipeline = try pipeline("block clause", until: .rightDelimiter)
    let (body, ending) = try scoped { (parser) throws(TemplateError) in try parser.statements() }
    guard case .end = ending else { throw error("unexpected {{else}} in block clause") }
    try define(name, body)
    return .template(CallNode(position: position, name: name, pipeline: pipeline))
  }

  private mutating func templateCall() throws(TemplateError) -> StatementNode {
    let position = peekNonSpace().position
    let name = try templateName("template clause")
    guard nextNonSpace().kind != .rightDelimiter else {
      return .template(CallNode(position: position, name: name, pipeline: nil))
    }
    backUp()
    return .template(
      CallNode(position: position, name: name, pipeline: try pipeline("template clause", until: .rightDelimiter))
    )
  }
}
