// SPDX-License-Identifier: Apache-2.0

/// A `docker` command line, understood.
///
/// Parsing is pure: files and environment named in it are read only when the command is carried out.
/// Source: docker CLI 28.2.2; specs/docker-driver.md §3 and §5.
public struct DockerCommandLine: Sendable, Equatable {
  /// The verbs that are carried out here.
  public static let verbs = ["run", "create", "start", "stop", "kill", "rm", "pull", "inspect"]

  /// What to do.
  public let command: DockerCommand
  /// Flags that were understood and have no effect here, or an effect that may surprise; one sentence each.
  public let warnings: [String]
  /// `-H`: the engine asked for; nil takes the machine's own.
  public let engineURL: String?

  /// Understands the words after `docker`.
  ///
  /// - Parameter arguments: The words after the program's name, already split and expanded.
  /// - Throws: ``DockerCommandLineError``, which names the word at fault.
  public init(parsing arguments: [String]) throws(DockerCommandLineError) {
    let globals = FlagScanner(verb: "", definitions: Self.globalFlags, isInterspersed: false)
    let (flags, words) = try globals.scan(arguments)
    let (verb, rest) = try Self.verb(of: words)
    let (command, warnings) = try Self.command(verb, rest)
    self.command = command
    self.warnings = flags.filter { $0.name == "config" }.map { "flag --\($0.name) has no effect" } + warnings
    engineURL = flags.last { $0.name == "host" }?.value
  }

  /// Whether a word is a way to call the docker program: `docker`, `/usr/bin/docker`, `/bin/docker`, and so on.
  public static func isDocker(program: String) -> Bool {
    program == "docker" || (program.hasPrefix("/") && program.hasSuffix("/docker"))
  }

  private static let globalFlags: [FlagDefinition] = [
    .value("host", "H"), .toggle("debug", "D"), .value("config"), .value("log-level", "l"),
  ]

  /// Takes the verb off, also in the long spelling `container run`, `image pull`.
  private static func verb(of words: [String]) throws(DockerCommandLineError) -> (String, [String]) {
    guard let first = words.first else { throw .missingVerb }
    let rest = Array(words.dropFirst())
    let groups = ["container": Set(verbs).subtracting(["pull"]), "image": ["pull"]]
    if let group = groups[first] {
      guard let verb = rest.first, group.contains(verb) else {
        throw .unknownVerb(words.prefix(2).joined(separator: " "))
      }
      return (verb, Array(rest.dropFirst()))
    }
    guard verbs.contains(first) else { throw .unknownVerb(first) }
    return (first, rest)
  }

  private static func command(
    _ verb: String,
    _ words: [String]
  ) throws(DockerCommandLineError) -> (DockerCommand, warnings: [String]) {
    switch verb {
    case "run":
      let flags = ContainerFlag.shared + ContainerFlag.runOnly
      let (specification, warnings) = try ContainerFlagReader.read(verb: verb, words: words, flags: flags)
      return (.run(specification), warnings)
    case "create":
      let (specification, warnings) = try ContainerFlagReader.read(
        verb: verb,
        words: words,
        flags: ContainerFlag.shared
      )
      return (.create(specification), warnings)
    default:
      return try VerbFlags(verb: verb, words: words).command()
    }
  }
}
