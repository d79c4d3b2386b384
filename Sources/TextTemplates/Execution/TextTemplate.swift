// SPDX-License-Identifier: Apache-2.0

/// A template in the language of Go's `text/template`.
///
/// Source: Go 1.19, `text/template` and `fmt`; messages are Go's. Differs: complex numbers are refused.
public struct TextTemplate: Sendable {
  /// What a member that a map has not is.
  public enum MissingMember: Sendable {
    /// `<no value>`.
    case noValue
    /// An error.
    case error
  }

  let name: String
  let source: [UInt8]
  let root: [StatementNode]
  /// What `define` and `block` named.
  let definitions: [String: [StatementNode]]
  let functions: [String: TemplateFunction]
  let missingMember: MissingMember
  let limits: TemplateLimits

  /// Understands a template.
  ///
  /// - Parameters:
  ///   - name: What errors call the template.
  ///   - source: The text.
  ///   - functions: Functions beside the built-in ones, by name; one with a built-in's name takes its place.
  ///   - missingMember: What a member that a map has not is.
  ///   - limits: How much the template may ask for.
  /// - Throws: ``TemplateError`` when the text is no template.
  public init(
    name: String,
    source: String,
    functions: [String: TemplateFunction] = [:],
    missingMember: MissingMember = .noValue,
    limits: TemplateLimits = TemplateLimits()
  ) throws(TemplateError) {
    self.name = name
    self.source = Array(source.utf8)
    self.functions = BuiltInFunctions.all.merging(functions) { _, own in own }
    self.missingMember = missingMember
    self.limits = limits
    let names = Set(self.functions.keys)
    var parser = try TemplateParser(name: name, source: self.source, functions: names, limits: limits)
    (root, definitions) = try parser.parse()
  }

  /// Fills the template.
  ///
  /// - Parameter value: What the dot is.
  /// - Returns: The bytes that the template writes.
  /// - Throws: ``TemplateError`` when it cannot be carried out.
  public func rendered(with value: TemplateValue) throws(TemplateError) -> [UInt8] {
    var output: [UInt8] = []
    try render(with: value, to: &output)
    return output
  }

  /// Fills the template as text.
  ///
  /// - Parameter value: What the dot is.
  /// - Returns: What the template writes; bytes that are no UTF-8 become replacement characters.
  /// - Throws: ``TemplateError`` when it cannot be carried out.
  public func text(with value: TemplateValue) throws(TemplateError) -> String {
    String(decoding: try rendered(with: value), as: UTF8.self)
  }

  /// Fills the template; after an error `output` holds what was written before.
  ///
  /// - Parameters:
  ///   - value: What the dot is.
  ///   - output: Gets what the template writes, at its end.
  /// - Throws: ``TemplateError`` when it cannot be carried out.
  public func render(with value: TemplateValue, to output: inout [UInt8]) throws(TemplateError) {
    var execution = TemplateExecution(template: self, dot: value)
    defer { output += execution.output }
    try execution.run()
  }
}
