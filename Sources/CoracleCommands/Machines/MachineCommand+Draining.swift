// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

extension MachineCommand {
  struct Drain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Move the units of a machine away, one after another.",
      discussion: """
        Each unit is started on another machine before it is stopped here. Global units stay, and so do units that no other \
        machine takes. A unit of Type=oneshot that was started is waited for, however long it runs, and stays placed here: \
        elsewhere it would do its work again, as it will if the machine then goes away and the unit has not been destroyed. \
        With RemainAfterExit=yes it moves like others. The machine takes no units until it is undrained; that outlives a \
        restart of machine and engine.
        """
    )
    @Argument(help: "The id of the machine, or how it begins.", completion: .machinesOfTheCluster)
    var machine: String
    @Flag(help: "Return as soon as the wish is stored.")
    var noBlock = false
    @OptionGroup var client: ClientOptions

    func run() async throws {
      let waiting = UnitSession.Waiting(isBlocking: !noBlock, limit: nil)
      try await client.withSession { await $0.drain(machine, waiting) }
    }
  }

  struct Undrain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Let a machine that was drained take units again.")
    @Argument(help: "The id of the machine, or how it begins.", completion: .machinesOfTheCluster)
    var machine: String
    @OptionGroup var client: ClientOptions

    func run() async throws {
      try await client.withSession { await $0.undrain(machine) }
    }
  }
}
