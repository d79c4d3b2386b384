// SPDX-License-Identifier: Apache-2.0

/// A part of a template that errors can point at.
protocol TemplateNode: Sendable, CustomStringConvertible {
  /// The offset in bytes.
  var position: Int { get }
}

/// A word of a command: the command's function or value, or an argument.
struct ArgumentNode: TemplateNode {
  indirect enum Kind: Sendable {
    case bool(Bool)
    case dot
    case null
    case number(NumberConstant)
    case string(quoted: String, bytes: [UInt8])
    /// `.A.B`.
    case field([String])
    /// `$x.A.B`: the variable, then names of fields.
    case variable([String])
    /// A function.
    case identifier(String)
    /// Fields of what another argument gives.
    case chain(ArgumentNode, [String])
    /// A pipeline in parentheses.
    case pipeline(PipelineNode)
  }

  var position: Int
  var kind: Kind

  var description: String {
    switch kind {
    case .bool(let value): value ? "true" : "false"
    case .dot: "."
    case .null: "nil"
    case .number(let number): number.text
    case .string(let quoted, _): quoted
    case .field(let names): names.map { ".\($0)" }.joined()
    case .variable(let names): names.joined(separator: ".")
    case .identifier(let name): name
    case .chain(let node, let names): node.inParentheses + names.map { ".\($0)" }.joined()
    case .pipeline(let pipeline): pipeline.description
    }
  }

  /// A pipeline in its parentheses, anything else as it is.
  var inParentheses: String {
    if case .pipeline = kind { "(\(description))" } else { description }
  }
}

/// Words: a function with its arguments, or a value.
struct CommandNode: TemplateNode {
  var position: Int
  var arguments: [ArgumentNode]

  var description: String { arguments.map(\.inParentheses).joined(separator: " ") }
}

/// Commands, each of which gets the value of the one before.
struct PipelineNode: TemplateNode {
  var position: Int
  /// Variables that get the value.
  var variables: [String] = []
  /// Whether the variables are there already.
  var isAssignment = false
  var commands: [CommandNode] = []

  var description: String {
    let commands = commands.map(\.description).joined(separator: " | ")
    return variables.isEmpty ? commands : "\(variables.joined(separator: ", ")) := \(commands)"
  }
}

/// Text, an action or a block.
indirect enum StatementNode: Sendable {
  case text([UInt8])
  case action(ActionNode)
  case `if`(BranchNode)
  case with(BranchNode)
  case range(BranchNode)
  case template(CallNode)
  case `break`
  case `continue`
}

/// A pipeline whose value is written.
struct ActionNode: TemplateNode {
  var position: Int
  var pipeline: PipelineNode

  var description: String { "{{\(pipeline)}}" }
}

/// A pipeline that decides, with what is done in each case.
struct BranchNode: Sendable {
  var pipeline: PipelineNode
  var body: [StatementNode]
  var otherwise: [StatementNode]?
}

/// A call of another template.
struct CallNode: TemplateNode {
  var position: Int
  var name: String
  var pipeline: PipelineNode?

  var description: String {
    "{{template \(GoQuoting.quoted(Array(name.utf8)))\(pipeline.map { " \($0)" } ?? "")}}"
  }
}
