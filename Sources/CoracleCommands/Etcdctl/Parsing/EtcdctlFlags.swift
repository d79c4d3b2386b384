// SPDX-License-Identifier: Apache-2.0

/// What a command line does wrong, in the words of the original, and how it is told.
struct EtcdctlUsageError: Error, Equatable {
  /// How the original tells it.
  enum Form: Equatable {
    /// `Error:  MESSAGE`.
    case failure
    /// The message alone.
    case bare
    /// The message, with the help of what it is about on standard output.
    case flag(of: EtcdctlTopic)
    /// The message alone, with an exit code of its own.
    case unknownCommand
  }

  var message: String
  var form = Form.failure

  /// Prints the error.
  ///
  /// - Returns: The exit code.
  func report(to output: CommandOutput) -> Int32 {
    switch form {
    case .failure:
      output.errorLine("Error:  \(message)")
    case .bare:
      output.errorLine(message)
    case .flag(let topic):
      output.write("Incorrect Usage\(topic.isGroup ? "." : ":") \(message)\n\n" + topic.help)
      output.errorLine(message)
    case .unknownCommand:
      output.errorLine(message)
      return KeyValueExit.unknownCommand
    }
    return KeyValueExit.badArguments
  }
}

/// A flag of etcdctl: its names, the kind of its value, and what its help says.
struct EtcdctlFlag: Equatable {
  enum Kind: Equatable {
    /// No value, or `=true` and its like.
    case toggle
    case text
    /// A whole number; 0 when it is not given.
    case number
    /// A span of time such as `2s`.
    case time
    /// May be given several times.
    case list
  }

  var names: [String]
  var kind: Kind
  var help: String
  /// What stands for the value in the help.
  var placeholder = "value"
  /// The default as the help shows it.
  var shownDefault: String?

  static func toggle(_ names: String..., help: String) -> EtcdctlFlag {
    EtcdctlFlag(names: names, kind: .toggle, help: help)
  }

  static func text(_ names: String..., help: String) -> EtcdctlFlag {
    EtcdctlFlag(names: names, kind: .text, help: help)
  }

  static func number(_ names: String..., default number: Int = 0, help: String) -> EtcdctlFlag {
    EtcdctlFlag(names: names, kind: .number, help: help, shownDefault: String(number))
  }

  /// The left column of the help: `--output value, -o value`.
  var usage: String {
    names.map { name in
      (name.utf8.count == 1 ? "-" : "--") + name + (kind == .toggle ? "" : " \(placeholder)")
    }
    .joined(separator: ", ")
  }

  /// The right column of the help.
  var explanation: String { shownDefault.map { "\(help) (default: \($0))" } ?? help }
}

/// The flags of etcdctl's global part or of one of its commands, by the rules of Go's `flag` package.
///
/// Flags have one dash or two, values follow as the next word or behind `=`, and known flags count wherever they stand
/// before a `--`; other words that begin with a dash are values once there was one, so that `set /k -5` works.
/// Source: `urfave/cli` 1.22, which etcdctl 3.4 is made with.
struct EtcdctlFlags {
  /// The words that are no flags, in their order; a `--` behind the first of them is kept.
  private(set) var arguments: [String] = []
  private var values: [String: [String]] = [:]

  private static let help = EtcdctlFlag.toggle("help", "h", help: "show help")
  private static let version = EtcdctlFlag.toggle("version", "v", help: "print the version")

  /// Reads the words behind the name of the topic.
  ///
  /// - Throws: ``EtcdctlUsageError`` for an unknown flag before the first argument, or a wrong or missing value.
  init(_ words: some Sequence<String>, of topic: EtcdctlTopic) throws(EtcdctlUsageError) {
    let known = topic.flags + (topic.words.isEmpty ? [Self.help, Self.version] : [Self.help])
    var rest = Array(words)[...]
    while let word = rest.popFirst() {
      if word == "--" {
        arguments += (arguments.isEmpty ? [] : [word]) + rest
        return
      }
      guard word.utf8.count > 1, word.hasPrefix("-") else {
        arguments.append(word)
        guard !topic.isGroup else {
          arguments += rest
          return
        }
        continue
      }
      let parts = word.drop { $0 == "-" }.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = parts.first.map(String.init) ?? ""
      guard let flag = known.first(where: { $0.names.contains(name) }) else {
        guard !arguments.isEmpty else {
          throw EtcdctlUsageError(message: "flag provided but not defined: -\(name)", form: .flag(of: topic))
        }
        arguments.append(word)
        continue
      }
      var given = parts.count > 1 ? String(parts[1]) : nil
      if given == nil { given = flag.kind == .toggle ? "true" : rest.popFirst() }
      guard let value = given else {
        throw EtcdctlUsageError(message: "flag needs an argument: -\(name)", form: .flag(of: topic))
      }
      try Self.check(value, of: flag, named: name, topic)
      values[flag.names[0], default: []].append(value)
    }
  }

  private static func check(
    _ value: String,
    of flag: EtcdctlFlag,
    named name: String,
    _ topic: EtcdctlTopic
  ) throws(EtcdctlUsageError) {
    let isFine: Bool
    switch flag.kind {
    case .toggle: isFine = Bool(goText: value) != nil
    case .number: isFine = wholeNumber(value) != nil
    case .time: isFine = CommandDuration(goText: value) != nil
    case .text, .list: isFine = true
    }
    guard isFine else {
      let kind = flag.kind == .toggle ? "boolean value \"\(value)\" for" : "value \"\(value)\" for flag"
      throw EtcdctlUsageError(message: "invalid \(kind) -\(name): parse error", form: .flag(of: topic))
    }
  }

  private static func wholeNumber(_ text: String) -> Int64? {
    text.hasPrefix("0x") ? Int64(text.dropFirst(2), radix: 16) : Int64(text)
  }

  /// The value of a flag by its first name; the last one given counts.
  subscript(name: String) -> String? { values[name]?.last }

  /// All values of a flag by its first name.
  func all(_ name: String) -> [String] { values[name] ?? [] }

  /// Whether a flag without value is given.
  func isSet(_ name: String) -> Bool { self[name].flatMap { Bool(goText: $0) } ?? false }

  /// A whole number; 0 when the flag is not given.
  func number(_ name: String) -> Int64 { self[name].flatMap(Self.wholeNumber) ?? 0 }

  /// An index, as the original makes one of a number of its command line: -1 is the highest.
  func index(_ name: String) -> UInt64 { UInt64(bitPattern: number(name)) }

  /// How long a key lives; the original takes negative numbers for "for ever".
  func timeToLive(_ name: String) -> UInt64 { UInt64(max(0, number(name))) }

  /// A span of time; nil when the flag is not given.
  func time(_ name: String) -> Duration? { self[name].flatMap { CommandDuration(goText: $0)?.duration } }
}
