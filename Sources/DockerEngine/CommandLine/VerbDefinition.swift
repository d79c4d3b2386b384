// SPDX-License-Identifier: Apache-2.0

/// One verb: how it is called, what follows it, and how its words become a command.
struct VerbDefinition: Sendable {
  /// How many words may stand after the flags.
  enum Arguments: Sendable {
    case exactly(Int)
    case atLeast(Int)
    case atMost(Int)
    case between(Int, Int)

    func allows(_ count: Int) -> Bool {
      switch self {
      case .exactly(let number): count == number
      case .atLeast(let number): count >= number
      case .atMost(let number): count <= number
      case .between(let least, let most): (least...most).contains(count)
      }
    }

    /// As docker's own program complains.
    var demand: String {
      func words(_ number: Int) -> String { number == 1 ? "1 argument" : "\(number) arguments" }
      switch self {
      case .exactly(0), .atMost(0): return "accepts no arguments"
      case .exactly(let number): return "requires \(words(number))"
      case .atLeast(let number): return "requires at least \(words(number))"
      case .atMost(let number): return "requires at most \(words(number))"
      case .between(let least, let most): return "requires at least \(least) and at most \(words(most))"
      }
    }
  }

  /// Every way to call it, the shortest first: `rm`, `container rm`, `container remove`.
  var spellings: [String]
  /// What follows the flags, for `--help`.
  var usage: String
  /// One line on what it does.
  var summary: String
  var flags: [FlagDefinition] = []
  var arguments: Arguments
  /// Whether flags may stand after arguments; `run`, `create`, `exec` and `top` stop at the first argument.
  var isInterspersed = true
  /// Whether its words are another program's, so that none of them is looked at.
  var isVerbatim = false
  var read: @Sendable (inout VerbWords) throws(DockerCommandLineError) -> DockerCommand

  /// The name errors use.
  var name: String { spellings[0] }

  /// Understands the words after the verb.
  func understand(_ words: [String]) throws(DockerCommandLineError) -> UnderstoodVerb {
    if isVerbatim {
      var words = VerbWords(verb: self, flags: [], arguments: words)
      return UnderstoodVerb(try read(&words))
    }
    let scanner = FlagScanner(verb: name, definitions: flags + [.toggle("help")], isInterspersed: isInterspersed)
    let (found, rest) = try scanner.scan(words)
    if let help = found.last(where: { $0.name == "help" }), try help.bool() { return UnderstoodVerb(.help(helpText)) }
    guard arguments.allows(rest.count) else {
      throw .wrongArguments(verb: name, expected: arguments.demand, usage: usageLine)
    }
    var words = VerbWords(verb: self, flags: found, arguments: rest)
    var understood = UnderstoodVerb(try read(&words))
    understood.warnings = words.warnings
    understood.unitWarnings = words.unitWarnings
    return understood
  }
}

/// What a command line came to.
struct UnderstoodVerb: Sendable {
  var command: DockerCommand
  var warnings: [String] = []
  var unitWarnings: [String] = []

  init(_ command: DockerCommand) {
    self.command = command
  }
}

/// A verb's words, split into flags and arguments.
struct VerbWords {
  let verb: VerbDefinition
  let flags: [FoundFlag]
  let arguments: [String]
  /// Flags that were understood and have no effect, or one that may surprise.
  var warnings: [String] = []
  /// The same, where a unit gives the command.
  var unitWarnings: [String] = []

  func last(_ name: String) -> FoundFlag? { flags.last { $0.name == name } }

  /// The last value of a flag; nil when it is not there.
  func text(_ name: String) -> String? { last(name)?.value }

  /// The same, with the empty value as good as none.
  func filledText(_ name: String) -> String? { text(name).flatMap { $0.isEmpty ? nil : $0 } }

  /// Every value of a flag in order.
  func all(_ name: String) -> [FoundFlag] { flags.filter { $0.name == name } }

  func texts(_ name: String) -> [String] { all(name).map(\.value) }

  func isOn(_ name: String, unlessSet standard: Bool = false) throws(DockerCommandLineError) -> Bool {
    guard let flag = last(name) else { return standard }
    return try flag.bool()
  }

  func integer(_ name: String) throws(DockerCommandLineError) -> Int64? {
    guard let flag = last(name) else { return nil }
    return try flag.integer()
  }

  func detachKeys() throws(DockerCommandLineError) -> DetachKeys? {
    guard let flag = last("detach-keys"), !flag.value.isEmpty else { return nil }
    return try DetachKeys(flag)
  }

  /// `--filter` in order.
  func filters() throws(DockerCommandLineError) -> [ListFilter] {
    var filters: [ListFilter] = []
    for flag in all("filter") where !flag.value.isEmpty {
      guard let equals = flag.value.firstIndex(of: "=") else {
        throw .badValue(flag.value, flag: "--filter", expected: "name=value")
      }
      let name = flag.value[..<equals].lowercased().trimmingSpaces()
      filters.append(ListFilter(name: name, value: flag.value[flag.value.index(after: equals)...].trimmingSpaces()))
    }
    return filters
  }

  /// An argument that is an image's name.
  func image(_ position: Int) throws(DockerCommandLineError) -> ImageReference {
    guard let image = ImageReference(arguments[position]) else { throw .badImage(arguments[position]) }
    return image
  }

  /// `key=value` entries of a flag as a JSON object.
  func pairs(_ name: String) -> JSONObject {
    var members = JSONObject()
    for flag in all(name) {
      let pair = flag.pair()
      members[pair.key] = .string(pair.value)
    }
    return members
  }
}

extension StringProtocol {
  func trimmingSpaces() -> String {
    var text = self[...]
    while text.first?.isWhitespace == true { text = text.dropFirst() }
    while text.last?.isWhitespace == true { text = text.dropLast() }
    return String(text)
  }
}
