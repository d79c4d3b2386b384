// SPDX-License-Identifier: Apache-2.0

/// Why a `docker` command line is refused.
///
/// Every case names the word at fault, so that the message of a unit that failed says what to change.
public enum DockerCommandLineError: Error, Sendable, Equatable, CustomStringConvertible {
  /// There is no verb.
  case missingVerb
  /// The verb is not carried out here, or does not exist.
  case unknownVerb(String)
  /// The verb does not have this flag, or it is not carried out here.
  case unknownFlag(String, verb: String)
  /// The flag was the last word and wants a value.
  case missingValue(flag: String, verb: String)
  /// The flag's value is not of its shape.
  case badValue(String, flag: String, expected: String)
  /// Two flags that exclude each other.
  case conflict(String)
  /// Too few or too many words after the flags.
  case wrongArguments(verb: String, expected: String)
  /// A part of an `inspect -f` template that is not carried out here.
  case unsupportedTemplate(String, part: String)

  /// One sentence that names what is at fault.
  public var description: String {
    switch self {
    case .missingVerb:
      "docker: no command given"
    case .unknownVerb(let verb):
      "docker \(verb): this command is not supported; supported are \(DockerCommandLine.verbs.joined(separator: ", "))"
    case .unknownFlag(let flag, let verb):
      "docker \(verb): flag \(flag) is unknown or not supported"
    case .missingValue(let flag, let verb):
      "docker \(verb): flag \(flag) needs a value"
    case .badValue(let value, let flag, let expected):
      "docker: invalid value \"\(value)\" for \(flag): expected \(expected)"
    case .conflict(let text):
      "docker: \(text)"
    case .wrongArguments(let verb, let expected):
      "docker \(verb): expected \(expected)"
    case .unsupportedTemplate(let template, let part):
      "docker inspect: template \"\(template)\": \(part) is not supported"
    }
  }
}
