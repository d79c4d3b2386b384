// SPDX-License-Identifier: Apache-2.0
public import ArgumentParser

/// `coracle machine`: the machines of the cluster.
public struct MachineCommand: AsyncParsableCommand {
  /// The group and its verbs.
  public static let configuration = CommandConfiguration(
    commandName: "machine",
    abstract: "Look at the machines of the cluster.",
    subcommands: [List.self, SSH.self]
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
}
