// SPDX-License-Identifier: Apache-2.0

/// A `docker` command line, understood.
///
/// Parsing is pure: files and environment named in it are read only when the command is carried out.
/// Source: docker CLI 28.2.2; specs/docker-driver.md §3 and §5.
public struct DockerCommandLine: Sendable, Equatable {
  /// The verbs that are understood, each in its shortest spelling.
  public static let verbs = VerbTable.verbs.map(\.name)

  /// What to do.
  public let command: DockerCommand
  /// Flags that were understood and have no effect, or an effect that may surprise, in a unit; one sentence each.
  public let warnings: [String]
  /// Those of ``warnings`` that hold for a person's command too.
  public let generalWarnings: [String]
  /// `-H`: the engine asked for; nil takes the machine's own.
  public let engineURL: String?
  /// `--config`: where `config.json` with the registries' passwords is; nil takes the caller's own.
  public let configurationDirectory: String?

  /// Understands the words after `docker`.
  ///
  /// - Parameter arguments: The words after the program's name, already split and expanded.
  /// - Throws: ``DockerCommandLineError``, which names the word at fault.
  public init(parsing arguments: [String]) throws(DockerCommandLineError) {
    let globals = FlagScanner(
      verb: "",
      definitions: Self.globalFlags + [.toggle("help"), .toggle("version", "v")],
      isInterspersed: false
    )
    let (flags, words) = try globals.scan(arguments)
    engineURL = flags.last { $0.name == "host" }?.value
    configurationDirectory = flags.last { $0.name == "config" }?.value
    let understood = try Self.understand(flags, words)
    command = understood.command
    generalWarnings = understood.warnings
    warnings = understood.warnings + understood.unitWarnings
  }

  private static func understand(
    _ flags: [FoundFlag],
    _ words: [String]
  ) throws(DockerCommandLineError) -> UnderstoodVerb {
    try checkConnection(flags)
    if let version = flags.last(where: { $0.name == "version" }), try version.bool() {
      return UnderstoodVerb(.help(versionText))
    }
    guard let first = words.first, first != "help", !flags.contains(where: { $0.name == "help" }) else {
      return UnderstoodVerb(.help(HelpText.overview))
    }
    switch try VerbTable.match(words) {
    case .group(let name): return UnderstoodVerb(.help(HelpText.group(name)))
    case .verb(let verb, let words): return try verb.understand(words)
    }
  }

  /// Refuses ways to an engine that are not there.
  private static func checkConnection(_ flags: [FoundFlag]) throws(DockerCommandLineError) {
    for flag in flags {
      switch flag.name {
      case "tls", "tlsverify":
        if try flag.bool() { throw .refused("--\(flag.name): engines behind TLS are not supported") }
      case "context" where flag.value != "default":
        throw .refused("--context \(flag.value): contexts are docker's own program's; name the engine with -H")
      default: break
      }
    }
  }

  static let globalFlags: [FlagDefinition] = [
    .value("config", nil, "Directory of config.json with the registries' passwords"),
    .value("context", "c"),
    .toggle("debug", "D", "Understood, without effect"),
    .value("host", "H", "The engine: unix:///PATH or tcp://HOST:PORT"),
    .value("log-level", "l", "Understood, without effect"),
    .toggle("tls"), .toggle("tlsverify"), .value("tlscacert"), .value("tlscert"), .value("tlskey"),
  ]

  private static let versionText =
    "Docker's command line of coracle, Engine API \(APIVersion.oldest) to \(APIVersion.newest)\n"

  /// Whether only docker's own program can carry it out: `build`.
  public var needsInstalledProgram: Bool {
    if case .build = command { return true }
    return false
  }

  /// Whether the words after docker's name need no program of its own; such that cannot be understood count as well, so
  /// that they are refused by name.
  public static func isCarriedOutHere(_ arguments: [String]) -> Bool {
    (try? DockerCommandLine(parsing: arguments))?.needsInstalledProgram != true
  }

  /// Whether a word is a way to call the docker program: `docker`, `/usr/bin/docker`, `/bin/docker`, and so on.
  public static func isDocker(program: String) -> Bool {
    program == "docker" || (program.hasPrefix("/") && program.hasSuffix("/docker"))
  }
}
