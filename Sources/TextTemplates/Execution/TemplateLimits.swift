// SPDX-License-Identifier: Apache-2.0

/// How much a template may ask for.
public struct TemplateLimits: Sendable {
  /// Bytes of a template's text.
  public var sourceBytes = 1 << 20
  /// How deep blocks and parentheses may stand in each other, and templates may call each other.
  public var depth = 100
  /// Bytes of what is written, and of any one string on the way.
  public var outputBytes = 16 << 20
  /// Turns of all loops and calls of all templates together.
  public var steps = 1_000_000

  /// The standard limits.
  public init() {}
}

/// Why a template could not be understood or carried out.
public struct TemplateError: Error, Equatable, CustomStringConvertible {
  /// When the error was found.
  public enum Stage: String, Sendable { case parsing = "parse", execution = "exec" }

  /// When the error was found.
  public var stage: Stage
  /// The message in Go's words, with the template's name and the place.
  public var description: String
}
