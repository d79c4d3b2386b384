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
    @Argument(help: "Name of the unit.") var unit: String
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
    static let configuration = CommandConfiguration(abstract: "Print a unit's output.")
    @Argument(help: "Name of the unit.") var unit: String
    @Option(name: [.customShort("n"), .long], help: "How many of the last lines.") var lines = 10
    @Flag(name: .shortAndLong, help: "Go on with the lines to come.") var follow = false
    @Option(help: "Form of the lines.") var output = JournalStyle.short
    @OptionGroup var client: ClientOptions

    func run() async throws {
      try await client.withSession {
        await $0.journal([unit], lines: lines, follow: follow, style: output)
      }
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
    @Argument(help: ArgumentHelp("Unit files.", valueName: "file")) var files: [String] = []
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
