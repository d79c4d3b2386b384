// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

extension UnitCommand {
  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List what machines say of the units they have.")
    @OptionGroup var layout: LayoutOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var client: ClientOptions

    func run() async throws {
      let layout = layout.layout(output.output, default: UnitListing.defaultStateFields)
      try await client.withSession { await $0.listUnits(layout) }
    }
  }

  struct Files: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the units of the cluster, and what is wanted of them."
    )
    @OptionGroup var layout: LayoutOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var client: ClientOptions

    func run() async throws {
      let layout = layout.layout(output.output, default: UnitListing.defaultFileFields)
      try await client.withSession { await $0.listUnitFiles(layout) }
    }
  }

  struct Cat: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Print a unit's file.")
    @Argument(help: "Name of the unit.", completion: .unitsOfTheCluster) var unit: String
    @OptionGroup var client: ClientOptions

    func run() async throws {
      try await client.withSession { await $0.cat([unit]) }
    }
  }

  struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show a unit's processes, how they ended, and its last output."
    )
    @OptionGroup var units: UnitArguments
    @OptionGroup var output: OutputOptions
    @OptionGroup var client: ClientOptions

    func run() async throws {
      try await client.withSession {
        await $0.status(units.units, format: output.output, nowEpochMilliseconds: UnitSession.nowEpochMilliseconds())
      }
    }
  }

  struct Journal: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Print units' output, of all machines they ran on, by time.",
      discussion: """
        A template, as in web@, stands for all its instances; * and ? stand for the units that fit, those to come and those \
        that are gone included. Lines of several units or of a global unit begin with UNIT[MACHINE]. Following goes on over \
        restarts of units and nodes and over moves to other machines.

        A time is 2026-11-27 12:00:00, 12:00, now, today, yesterday, -1h, 5min ago or @SECONDS, in this machine's time zone \
        or with UTC behind it.
        """
    )
    @OptionGroup var units: UnitArguments
    @Option(
      name: [.customShort("n"), .long],
      help: "How many of the last lines (default: 10, or all with --since or --until)."
    )
    var lines: Int?
    @Flag(name: .shortAndLong, help: "Go on with the lines to come.") var follow = false
    @Option(parsing: .unconditional, help: ArgumentHelp("Leave out what is earlier.", valueName: "time"))
    var since: String?
    @Option(parsing: .unconditional, help: ArgumentHelp("Leave out what is later.", valueName: "time"))
    var until: String?
    @Option(help: "Form of the lines.") var output = JournalStyle.short
    @Option(
      help: ArgumentHelp("Only of this machine, by the beginning of its id or its address.", valueName: "machine")
    )
    var machine: String?
    @OptionGroup var client: ClientOptions

    func validate() throws {
      guard (0...JournalWish.maximumLines).contains(lines ?? 0) else {
        throw ValidationError("--lines must be a number from 0 to \(JournalWish.maximumLines).")
      }
      guard !follow || until == nil else { throw ValidationError("--follow has no end that --until could set.") }
      _ = try wish(nowMicroseconds: UnitSession.nowEpochMilliseconds() * 1_000)
    }

    func run() async throws {
      let now = UnitSession.nowEpochMilliseconds() * 1_000
      let wish = try wish(nowMicroseconds: now)
      try await client.withSession { await $0.journals(wish, nowMicroseconds: now) }
    }

    private func wish(nowMicroseconds now: Int64) throws -> JournalWish {
      func time(_ text: String?, _ flag: String) throws -> Int64? {
        guard let text else { return nil }
        guard let time = JournalTime.parse(text, nowMicroseconds: now, clock: .local) else {
          throw ValidationError(
            "\(flag): \"\(text)\" is no time. Write 2026-11-27 12:00:00, 12:00, today, -1h or @SECONDS."
          )
        }
        return time
      }
      return JournalWish(
        words: units.units,
        lines: lines,
        follows: follow,
        sinceMicroseconds: try time(since, "--since"),
        untilMicroseconds: try time(until, "--until"),
        machine: machine,
        style: output
      )
    }
  }

  struct Explain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Say where a unit is, or machine by machine why it is on none."
    )
    @OptionGroup var units: UnitArguments
    @OptionGroup var output: OutputOptions
    @OptionGroup var client: ClientOptions

    func run() async throws {
      try await client.withSession { await $0.explain(units.units, format: output.output) }
    }
  }

  struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Say what is wrong with unit files, and what of them has no effect.",
      discussion: """
        Looks at files alone and asks no cluster. Prints FILE[:LINE]: error|warning|note: message for each finding; ends with \
        1 when a unit cannot run. Drop-ins are read from FILE.d/*.conf. --directives prints what becomes of every directive \
        of systemd 252.
        """
    )
    @Argument(help: ArgumentHelp("Unit files.", valueName: "file"), completion: .file())
    var files: [String] = []
    @Flag(help: "Print what becomes of every directive that systemd knows.") var directives = false
    @OptionGroup var output: OutputOptions

    func validate() throws {
      guard directives == files.isEmpty else {
        throw ValidationError("Say which unit files to look at, or --directives.")
      }
    }

    func run() throws {
      if directives { return CommandOutput.standard.write(DirectiveListing.text(output.output)) }
      let status = UnitVerification.run(files, format: output.output, output: .standard)
      guard status == 0 else { throw ExitCode(status) }
    }
  }
}
