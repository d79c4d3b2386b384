// SPDX-License-Identifier: Apache-2.0

/// Tags of a container's services as a template, filled with what the engine says of the container.
///
/// Source: registrator 7.4, `-tags`. Differs: there is no `httpGet`; a template that cannot be filled is an error and not
/// the end of the program.
public struct TagTemplate: Sendable, Equatable {
  /// The template's text.
  public let text: String
  private let template: TextTemplate

  /// Understands a template.
  ///
  /// - Throws: ``TemplateError`` when the text is none.
  public init(_ text: String) throws(TemplateError) {
    self.text = text
    var limits = TemplateLimits()
    limits.sourceBytes = 64 << 10
    limits.outputBytes = 64 << 10
    limits.steps = 100_000
    template = try TextTemplate(name: "tags", source: text, functions: TagFunctions.all, limits: limits)
  }

  /// Whether a text is to be understood as a template.
  public static func isTemplate(_ text: String) -> Bool { text.contains("{{") }

  /// The tags of a container.
  ///
  /// - Parameter container: What the engine says of it.
  /// - Returns: What the template writes between commas, `\,` being one; blanks around and empty ones are left out.
  /// - Throws: ``TemplateError`` when the template asks for what is not there.
  public func tags(of container: TemplateValue) throws(TemplateError) -> [String] {
    Self.split(try template.text(with: container))
  }

  /// Texts between commas.
  static func split(_ text: String) -> [String] {
    var tags = [""]
    var isEscaped = false
    for character in text {
      switch character {
      case "," where isEscaped: tags[tags.count - 1] += ","
      case ",": tags.append("")
      case "\\" where !isEscaped:
        isEscaped = true
        continue
      default: tags[tags.count - 1] += isEscaped ? "\\\(character)" : "\(character)"
      }
      isEscaped = false
    }
    return tags.map(trimmed).filter { !$0.isEmpty }
  }

  private static func trimmed(_ text: String) -> String {
    var rest = text.drop(while: \.isWhitespace)
    while rest.last?.isWhitespace == true { rest.removeLast() }
    return String(rest)
  }

  /// Two templates are the same when their texts are.
  public static func == (left: TagTemplate, right: TagTemplate) -> Bool { left.text == right.text }
}
