// SPDX-License-Identifier: Apache-2.0

/// What stands inside an action.
extension TemplateParser {
  /// Reads `$a := command | command` up to its end.
  mutating func pipeline(_ context: String, until end: TemplateToken.Kind) throws(TemplateError) -> PipelineNode {
    var pipeline = PipelineNode(position: peekNonSpace().position)
    try declarations(&pipeline, context)
    while true {
      let token = nextNonSpace()
      switch token.kind {
      case end:
        try check(pipeline, context)
        return pipeline
      case .bool, .characterConstant, .dot, .field, .identifier, .number, .null, .rawString, .string, .variable,
        .leftParenthesis:
        backUp()
        pipeline.commands.append(try command())
      default: throw unexpected(token, context)
      }
    }
  }

  private mutating func declarations(_ pipeline: inout PipelineNode, _ context: String) throws(TemplateError) {
    while peekNonSpace().kind == .variable {
      let variable = nextNonSpace()
      let following = peekNonSpaceCounting()
      if following.token.kind == .assign || following.token.kind == .declare {
        pipeline.isAssignment = following.token.kind == .assign
        _ = nextNonSpace()
        pipeline.variables.append(variable.text)
        variables.append(variable.text)
        return
      }
      guard following.token.kind == .character, following.token.text == "," else {
        // The variable is a value: it is read again.
        backUp(following.spaces + 1)
        return
      }
      _ = nextNonSpace()
      pipeline.variables.append(variable.text)
      variables.append(variable.text)
      guard context == "range", pipeline.variables.count < 2 else {
        throw error("too many declarations in \(context)")
      }
      switch peekNonSpace().kind {
      case .variable, .rightDelimiter, .rightParenthesis: continue
      default: throw error("range can only initialize variables")
      }
    }
  }

  /// The next token that is no space, and how many spaces were passed to see it.
  private mutating func peekNonSpaceCounting() -> (token: TemplateToken, spaces: Int) {
    var spaces = 0
    while peek().kind == .space {
      _ = next()
      spaces += 1
    }
    return (peek(), spaces)
  }

  private func check(_ pipeline: PipelineNode, _ context: String) throws(TemplateError) {
    if pipeline.commands.isEmpty { throw error("missing value for \(context)") }
    for (index, command) in pipeline.commands.enumerated().dropFirst() {
      switch command.arguments[0].kind {
      case .bool, .dot, .null, .number, .string:
        throw error("non executable command in pipeline stage \(index + 1)")
      default: break
      }
    }
  }

  private mutating func command() throws(TemplateError) -> CommandNode {
    var command = CommandNode(position: peekNonSpace().position, arguments: [])
    while true {
      _ = peekNonSpace()
      if let operand = try operand() { command.arguments.append(operand) }
      let token = next()
      switch token.kind {
      case .space: continue
      case .rightDelimiter, .rightParenthesis: backUp()
      case .pipe: break
      default: throw unexpected(token, "operand")
      }
      guard !command.arguments.isEmpty else { throw error("empty command") }
      return command
    }
  }

  /// Reads a term with the fields that follow it.
  private mutating func operand() throws(TemplateError) -> ArgumentNode? {
    guard let term = try term() else { return nil }
    guard peek().kind == .field else { return term }
    let position = peek().position
    var names: [String] = []
    while peek().kind == .field { names.append(String(next().text.dropFirst())) }
    switch term.kind {
    case .field(let first): return ArgumentNode(position: position, kind: .field(first + names))
    case .variable(let first): return ArgumentNode(position: position, kind: .variable(first + names))
    case .bool, .string, .number, .null, .dot:
      throw error("unexpected . after term \(GoQuoting.quoted(Array(term.description.utf8)))")
    case .identifier, .chain, .pipeline: return ArgumentNode(position: position, kind: .chain(term, names))
    }
  }

  private mutating func term() throws(TemplateError) -> ArgumentNode? {
    let token = nextNonSpace()
    return try kind(of: token).map { ArgumentNode(position: token.position, kind: $0) }
  }

  private mutating func kind(of token: TemplateToken) throws(TemplateError) -> ArgumentNode.Kind? {
    switch token.kind {
    case .identifier:
      guard functions.contains(token.text) else {
        throw error("function \(GoQuoting.quoted(Array(token.text.utf8))) not defined")
      }
      return .identifier(token.text)
    case .dot: return .dot
    case .null: return .null
    case .variable:
      guard variables.contains(token.text) else {
        throw error("undefined variable \(GoQuoting.quoted(Array(token.text.utf8)))")
      }
      return .variable([token.text])
    case .field: return .field([String(token.text.dropFirst())])
    case .bool: return .bool(token.text == "true")
    case .characterConstant, .number:
      do {
        return .number(try NumberConstant(token.text, isCharacter: token.kind == .characterConstant))
      } catch { throw self.error(error.message) }
    case .leftParenthesis:
      return .pipeline(
        try nested { (parser) throws(TemplateError) in
          try parser.pipeline("parenthesized pipeline", until: .rightParenthesis)
        }
      )
    case .string, .rawString:
      guard let bytes = unquoted(token) else { throw error("invalid syntax") }
      return .string(quoted: token.text, bytes: bytes)
    default:
      backUp()
      return nil
    }
  }
}
