// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// Runs simulated clusters by seed.
@main
struct CoracleSim: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "coracle-sim",
    abstract: "Runs production's cores in simulated clusters that break, and checks what they promise.",
    subcommands: [MembersCommand.self, FleetCommand.self],
    defaultSubcommand: MembersCommand.self
  )
}
