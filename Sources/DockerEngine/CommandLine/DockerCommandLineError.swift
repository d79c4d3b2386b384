// SPDX-License-Identifier: Apache-2.0

/// Why a `docker` command line is refused.
///
/// Every case names the word at fault, so that the message of a unit that failed says what to change.
public enum DockerCommandLineError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The verb does not exist.
  case unknownVerb(String)
  /// The verb is docker's, and not carried out here.
  case unsupportedVerb(String, reason: String)
  /// The verb does not have this flag, or it is not carried out here.
  case unknownFlag(String, verb: String)
  /// The flag was the last word and wants a value.
  case missingValue(flag: String, verb: String)
  /// The flag's value is not of its shape.
  case badValue(String, flag: String, expected: String)
  /// The word is no name of an image.
  case badImage(String)
  /// Two flags that exclude each other.
  case conflict(String)
  /// Words that exclude each other, found when the command was looked at as a whole; exit code 1 in docker's program.
  case refused(String)
  /// Too few or too many words after the flags.
  case wrongArguments(verb: String, expected: String, usage: String)

  /// The exit status docker's own program would have.
  public var exitCode: Int32 {
    switch self {
    case .unknownFlag, .missingValue, .badValue, .badImage, .conflict: 125
    case .unknownVerb, .unsupportedVerb, .refused, .wrongArguments: 1
    }
  }

  /// One sentence that names what is at fault.
  public var description: String {
    switch self {
    case .unknownVerb(let verb):
      "docker: unknown command: docker \(verb)"
    case .unsupportedVerb(let verb, let reason):
      "docker \(verb): this command is not supported: \(reason)"
    case .unknownFlag(let flag, let verb):
      "docker\(verb.isEmpty ? "" : " " + verb): unknown flag: \(flag)"
    case .missingValue(let flag, let verb):
      "docker\(verb.isEmpty ? "" : " " + verb): flag needs an argument: \(flag)"
    case .badValue(let value, let flag, let expected):
      "docker: invalid argument \"\(value)\" for \(flag): expected \(expected)"
    case .badImage(let name):
      "docker: invalid reference format: \"\(name)\": expected [registry/]name[:tag][@digest]"
    case .conflict(let text), .refused(let text):
      "docker: \(text)"
    case .wrongArguments(let verb, let expected, let usage):
      "docker: 'docker \(verb)' \(expected); usage: \(usage)"
    }
  }
}
