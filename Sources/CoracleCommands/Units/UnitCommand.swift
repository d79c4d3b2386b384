// SPDX-License-Identifier: Apache-2.0
public import ArgumentParser

/// `coracle unit`: the units of the cluster.
public struct UnitCommand: AsyncParsableCommand {
  /// The group and its verbs.
  public static let configuration = CommandConfiguration(
    commandName: "unit",
    abstract: "Submit, start, stop and look at units of the cluster.",
    discussion: """
      A unit is named with or without .service, or by the path of its file. For an instance, such as web@1, the template's \
      file is taken from the cluster or from beside that path. Braces, as in web@{1..3}, are expanded; * and ? stand for \
      the units of the cluster that fit.
      """,
    subcommands: [
      Submit.self, Load.self, Start.self, Stop.self, Restart.self, Unload.self, Destroy.self, List.self, Files.self,
      Cat.self, Status.self, Journal.self, SSH.self, Explain.self, Verify.self, Roll.self, Rollback.self,
      Rebalance.self,
    ]
  )

  /// Makes the command.
  public init() {}
}

/// The units that a command brings into the cluster, or finds there.
struct UnitFileArguments: ParsableArguments {
  @Argument(
    help: ArgumentHelp("Names of units, or paths of their files.", valueName: "unit"),
    completion: .file()
  )
  var units: [String]
}

/// The units of the cluster that a command is about.
struct UnitArguments: ParsableArguments {
  @Argument(
    help: ArgumentHelp("Names of units, or paths of their files.", valueName: "unit"),
    completion: .unitsOfTheCluster
  )
  var units: [String]
}

/// Whether and how long a command waits for its units; `--timeout` is how long.
struct WaitingOptions: ParsableArguments {
  @Flag(help: "Return as soon as the wish is stored.")
  var noBlock = false

  @OptionGroup var limit: WaitingLimitOptions

  /// Whether and how long to wait.
  func waiting(timeout: Duration) -> UnitSession.Waiting {
    UnitSession.Waiting(isBlocking: !noBlock, limit: limit.limit(timeout: timeout))
  }
}

/// How long a command waits that cannot do without.
struct WaitingLimitOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("How often to look, every two seconds; 0 is for ever. Stands for --timeout.", valueName: "n")
  )
  var blockAttempts: Int?

  /// How long to wait: attempts of two seconds, or the time that is given; nil is for ever.
  func limit(timeout: Duration) -> Duration? {
    guard let blockAttempts else { return timeout }
    return UnitSession.Waiting.limit(attempts: blockAttempts)
  }
}

/// How a listing is laid out.
struct LayoutOptions: ParsableArguments {
  @Flag(name: [.customShort("l"), .long], help: "Show ids and hashes whole.")
  var full = false

  @Flag(help: "Leave the header out.")
  var noLegend = false

  @Option(help: ArgumentHelp("Columns, in their order.", valueName: "name,…"))
  var fields: String?

  func layout(_ format: OutputFormat, default names: [String]) -> ListingLayout {
    ListingLayout(
      format: format,
      fieldNames: ListingLayout.names(fields, default: names),
      hasLegend: !noLegend,
      isFull: full
    )
  }
}

extension ClientOptions {
  /// Runs a command of a session and ends with its exit status.
  func withSession(_ body: (UnitSession) async -> Int32) async throws {
    let status = try await withClients { clients in await body(UnitSession(clients)) }
    guard status == UnitSession.done else { throw ExitCode(status) }
  }
}
