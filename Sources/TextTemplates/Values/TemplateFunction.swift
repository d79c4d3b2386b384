// SPDX-License-Identifier: Apache-2.0

/// Why a function gave no value; the message stands after `error calling NAME: `.
public struct TemplateFunctionError: Error, Equatable {
  /// What went wrong.
  public var message: String

  /// An error with its message.
  public init(_ message: String) { self.message = message }
}

/// A function or method that a template may call.
public struct TemplateFunction: Sendable {
  /// What carries a call out; the arguments are checked against the types before.
  public typealias Body = @Sendable ([TemplateValue]) throws(TemplateFunctionError) -> TemplateValue

  let parameters: [GoType]
  let rest: GoType?
  let body: Body

  /// Makes a function.
  ///
  /// - Parameters:
  ///   - parameters: The types of the arguments it must get.
  ///   - rest: The type of any number of further arguments; nil when it takes none.
  ///   - body: Gets at least as many arguments as there are `parameters`, each of its type.
  public init(_ parameters: [GoType] = [], rest: GoType? = nil, body: @escaping Body) {
    self.parameters = parameters
    self.rest = rest
    self.body = body
  }
}
