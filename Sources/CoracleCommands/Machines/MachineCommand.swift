// SPDX-License-Identifier: Apache-2.0
public import ArgumentParser

/// `coracle machine`: the machines of the cluster.
public struct MachineCommand: AsyncParsableCommand {
  /// The group and its verbs.
  public static let configuration = CommandConfiguration(
    commandName: "machine",
    abstract: "Look at the machines of the cluster, describe them, and empty them.",
    discussion: "A machine is named by its id, the beginning of it, or its address.",
    subcommands: [List.self, Status.self, SetMetadata.self, SSH.self, Drain.self, Undrain.self]
  )

  /// Makes the command.
  public init() {}

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List the machines that are present.")
    @OptionGroup var layout: LayoutOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var client: ClientOptions

    func run() async throws {
      let layout = layout.layout(output.output, default: MachineListing.defaultFields)
      try await client.withSession { await $0.listMachines(layout) }
    }
  }

  struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show machines and the units they have.")
    @Argument(
      help: ArgumentHelp("Machines; all when none is named.", valueName: "machine"),
      completion: .machinesOfTheCluster
    )
    var machines: [String] = []
    @OptionGroup var output: OutputOptions
    @OptionGroup var client: ClientOptions

    func run() async throws {
      try await client.withSession { await $0.machineStatus(machines, format: output.output) }
    }
  }

  struct SetMetadata: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Set or hide metadata of a machine, beside what it is configured with.",
      discussion: "Units that no longer fit move at once. What is set stays when the machine leaves and comes back."
    )
    @Argument(help: "The machine.", completion: .machinesOfTheCluster) var machine: String
    @Argument(help: ArgumentHelp("What to set.", valueName: "key=value")) var assignments: [String] = []
    @Option(name: .customLong("remove"), parsing: .singleValue, help: ArgumentHelp("A key to hide.", valueName: "key"))
    var removed: [String] = []
    @OptionGroup var client: ClientOptions

    func run() async throws {
      try await client.withSession { await $0.setMetadata(of: machine, assignments, removing: removed) }
    }
  }
}
