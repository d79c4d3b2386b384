// SPDX-License-Identifier: Apache-2.0

/// One command of an Exec line, with specifiers expanded and variables not yet.
///
/// Source: systemd.service(5) "COMMAND LINES".
public struct ExecCommand: Sendable, Equatable {
  /// The program: an absolute path, or a name that is looked up on the PATH.
  public var program: String
  /// What the program is called, then its arguments; never empty.
  public var words: [String]
  /// `-`: a failure counts as success.
  public var ignoresFailure: Bool
  /// `:`: variables are not expanded.
  public var keepsVariables: Bool
  /// `+`: neither `User=` and its like nor the sandbox hold for this command.
  public var hasFullPrivileges: Bool
  /// `!`: `User=` and its like do not hold for this command, the sandbox does.
  ///
  /// `!!` means this only to kernels without ambient capabilities, which are gone.
  public var keepsIdentity: Bool

  /// Makes a command.
  public init(
    program: String,
    words: [String],
    ignoresFailure: Bool = false,
    keepsVariables: Bool = false,
    hasFullPrivileges: Bool = false,
    keepsIdentity: Bool = false
  ) {
    precondition(!words.isEmpty, "a command without words: \(program)")
    self.program = program
    self.words = words
    self.ignoresFailure = ignoresFailure
    self.keepsVariables = keepsVariables
    self.hasFullPrivileges = hasFullPrivileges
    self.keepsIdentity = keepsIdentity
  }

  /// Understands the value of an Exec option, which may hold several commands separated by `;`.
  ///
  /// - Parameters:
  ///   - line: The value, without continuations.
  ///   - unit: The unit, for the specifiers of its name.
  ///   - specifiers: What the machine's `%` specifiers stand for.
  /// - Returns: The commands in order; empty for an empty line.
  /// - Throws: ``ExecLineError``.
  public static func parse(
    _ line: String,
    of unit: UnitName,
    specifiers: SpecifierValues
  ) throws(ExecLineError) -> [ExecCommand] {
    var source = CommandWords(line)
    var commands: [ExecCommand] = []
    while !source.isAtEnd() {
      commands.append(try parseOne(&source) { specifiers.expand($0, for: unit) })
    }
    return commands
  }

  /// The words as they are executed, with `$VAR` and `${VAR}` replaced.
  ///
  /// `$VAR` as a whole word becomes as many words as its value has; `${VAR}` anywhere becomes its value; a variable
  /// that is not set is empty; `$$` is `$`; any other `$` stays.
  public func expandedWords(in environment: [String: String]) -> [String] {
    guard !keepsVariables else { return words }
    return words.flatMap { Self.expand($0, in: environment) }
  }

  private static func parseOne(
    _ source: inout CommandWords,
    _ expandingSpecifiers: (String) -> String
  ) throws(ExecLineError) -> ExecCommand {
    guard let first = try word(&source) else { throw .emptyProgram }
    var prefixes: Set<Character> = []
    var marks = 0
    var rest = first[...]
    while let character = rest.first, "-@:+!".contains(character) {
      guard prefixes.insert(character).inserted || character == "!" else { break }
      if character == "!" { marks += 1 }
      rest.removeFirst()
    }
    let program = expandingSpecifiers(String(rest))
    guard !program.isEmpty else { throw .emptyProgram }
    guard program.hasPrefix("/") || !program.contains("/") else { throw .relativeProgram(program) }
    guard !program.hasSuffix("/") else { throw .programIsDirectory(program) }
    var words = prefixes.contains("@") ? [] : [program]
    while !source.isAtEnd() {
      if source.takeSeparator() { break }
      if source.takeEscapedSeparator() {
        words.append(";")
      } else if let next = try word(&source) {
        words.append(expandingSpecifiers(next))
      }
    }
    guard !words.isEmpty else { throw .missingZerothArgument }
    return ExecCommand(
      program: program,
      words: words,
      ignoresFailure: prefixes.contains("-"),
      keepsVariables: prefixes.contains(":"),
      hasFullPrivileges: prefixes.contains("+"),
      keepsIdentity: marks == 1
    )
  }

  private static func word(_ source: inout CommandWords) throws(ExecLineError) -> String? {
    do {
      return try source.next()
    } catch {
      throw .words(error)
    }
  }

  private static func expand(_ word: String, in environment: [String: String]) -> [String] {
    let bytes = Array(word.utf8)
    if bytes.count > 1, bytes[0] == dollar, bytes[1] != openBrace, bytes[1] != dollar {
      let name = String(word.dropFirst())
      if EnvironmentAssignment.isName(name) {
        return CommandWords.splitRelaxed(environment[name] ?? "")
      }
    }
    var result: [UInt8] = []
    var index = 0
    while index < bytes.count {
      guard bytes[index] == dollar, index + 1 < bytes.count else {
        result.append(bytes[index])
        index += 1
        continue
      }
      if bytes[index + 1] == dollar {
        result.append(dollar)
        index += 2
      } else if bytes[index + 1] == openBrace, let end = bytes[index...].firstIndex(of: UInt8(ascii: "}")) {
        let name = String(decoding: bytes[(index + 2)..<end], as: UTF8.self)
        result.append(contentsOf: Array((environment[name] ?? "").utf8))
        index = end + 1
      } else {
        result.append(dollar)
        index += 1
      }
    }
    return [String(decoding: result, as: UTF8.self)]
  }

  private static let dollar = UInt8(ascii: "$")
  private static let openBrace = UInt8(ascii: "{")
}

/// Why an Exec line is refused.
public enum ExecLineError: Error, Sendable, Equatable, CustomStringConvertible {
  /// It cannot be split into words.
  case words(WordError)
  /// There is no program.
  case emptyProgram
  /// The program is neither an absolute path nor a plain name.
  case relativeProgram(String)
  /// The program ends in a slash.
  case programIsDirectory(String)
  /// `@` stands there and no name follows the program.
  case missingZerothArgument

  /// What is wrong.
  public var description: String {
    switch self {
    case .words(let error): error.description
    case .emptyProgram: "there is no program to execute"
    case .relativeProgram(let program): "program \"\(program)\" is neither an absolute path nor a plain name"
    case .programIsDirectory(let program): "program \"\(program)\" is a directory"
    case .missingZerothArgument: "after \"@\" and the program the name it is to be called by is missing"
    }
  }
}
