// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

/// Breaks real clusters of real processes, and checks what must hold all the same.
@main
struct CoracleFaults: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "coracle-faults",
    abstract: "Breaks clusters of real processes in network namespaces, and checks what must hold all the same.",
    subcommands: [StoreCommand.self, UnitsCommand.self, ContainersCommand.self, HoldCommand.self],
    defaultSubcommand: StoreCommand.self
  )
}
