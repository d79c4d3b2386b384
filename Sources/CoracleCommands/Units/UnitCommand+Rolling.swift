// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import FleetWire

extension UnitCommand {
  struct Roll: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Update or restart a template's instances, or a global unit's machines, a few at a time.",
      discussion: """
        With a file, or when the unit's file beside where it is named differs from what runs, every copy gets that file; \
        otherwise the copies are restarted. Each has to be active, and stay so for two seconds, before the next is begun; the \
        first that is not in time stops the roll, and is told with its last output. The cluster's engine carries the roll out \
        and goes on without this terminal: --status shows it anywhere, --pause and --resume stop it and go on, and unit \
        rollback gives back to every copy what it had. Instances that are made meanwhile are updated too.
        """
    )
    @Argument(
      help: ArgumentHelp("A template such as web@, or a unit.", valueName: "unit"),
      completion: .unitsOfTheCluster
    )
    var unit: String?
    @Argument(help: ArgumentHelp("The new unit file.", valueName: "file"), completion: .file())
    var file: String?
    @Option(help: ArgumentHelp("How many copies may be not active at once.", valueName: "n"))
    var maxUnavailable = 1
    @Option(help: ArgumentHelp("How long a copy may take to stop, and then to be active.", valueName: "time"))
    var healthTimeout = CommandDuration(.seconds(60))
    @Flag(help: "Restart, whatever file is here.") var restart = false
    @Flag(help: "Show the roll of the unit, or all rolls.") var status = false
    @Flag(help: "Begin no further copy.") var pause = false
    @Flag(help: "Go on with a roll that was paused or has stopped.") var resume = false
    @Flag(help: "Return as soon as the wish is stored.") var noBlock = false
    @OptionGroup var output: OutputOptions
    @OptionGroup var client: ClientOptions

    func validate() throws {
      guard [status, pause, resume].count(where: { $0 }) <= 1 else {
        throw ValidationError("--status, --pause and --resume exclude each other.")
      }
      guard status || unit != nil else { throw ValidationError("Say which template or unit to roll.") }
      guard maxUnavailable >= 1 else { throw ValidationError("--max-unavailable is at least 1.") }
      guard !restart || file == nil else { throw ValidationError("--restart takes no file.") }
    }

    func run() async throws {
      let style = UnitSession.RollStyle(isBlocking: !noBlock, format: output.output)
      try await client.withSession { session in
        if status { return await session.showRolls(of: unit, format: output.output) }
        let unit = unit ?? ""
        if pause { return await session.change(.pause, rollOf: unit, style) }
        if resume { return await session.change(.resume, rollOf: unit, style) }
        let wish = UnitSession.RollWish(
          unit: unit,
          file: file,
          isRestart: restart,
          maxUnavailable: maxUnavailable,
          healthTimeout: healthTimeout.duration
        )
        return await session.roll(wish, style)
      }
    }
  }

  struct Rollback: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Give back to every copy that was rolled the file it had.",
      discussion: "As with the roll, a few at a time; a copy that fails is told, and the others go back all the same."
    )
    @Argument(
      help: ArgumentHelp("The template or unit that was rolled.", valueName: "unit"),
      completion: .unitsOfTheCluster
    )
    var unit: String
    @Flag(help: "Return as soon as the wish is stored.") var noBlock = false
    @OptionGroup var output: OutputOptions
    @OptionGroup var client: ClientOptions

    func run() async throws {
      let style = UnitSession.RollStyle(isBlocking: !noBlock, format: output.output)
      try await client.withSession { await $0.change(.rollback, rollOf: unit, style) }
    }
  }

  struct Rebalance: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Move units from the most to the least loaded machines until no move helps.",
      discussion: """
        Each unit is started on its new machine before it is stopped on the old one, one after another; units that must be \
        together move together. A unit that does not run there goes back, and ends it. Units of Type=oneshot stay: they \
        would do their work a second time. It waits for rolls that go on. With --automatic on, this happens by itself when a \
        machine has come or come back, or another machine has begun to lead.
        """
    )
    @Flag(help: "Only print the moves.") var dryRun = false
    @Option(help: ArgumentHelp("Whether machines are evened out by themselves.", valueName: "on|off"))
    var automatic: Switch?
    @Flag(help: "Return as soon as the wish is stored.") var noBlock = false
    @OptionGroup var output: OutputOptions
    @OptionGroup var client: ClientOptions

    enum Switch: String, ExpressibleByArgument, CaseIterable { case on, off }

    func validate() throws {
      guard automatic == nil || !dryRun else { throw ValidationError("--automatic and --dry-run exclude each other.") }
    }

    func run() async throws {
      try await client.withSession { session in
        if let automatic { return await session.setRebalancesAutomatically(automatic == .on) }
        if dryRun { return await session.showRebalancingPlan(format: output.output) }
        return await session.rebalance(isBlocking: !noBlock, format: output.output)
      }
    }
  }
}
