// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Fleet

extension UnitCommand {
  struct Submit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Put units into the cluster without running them.")
    @OptionGroup var units: UnitFileArguments
    @Flag(help: "Replace a unit whose file differs.") var replace = false
    @OptionGroup var client: ClientOptions

    func run() async throws {
      try await client.withSession { await $0.submit(units.units, replace: replace) }
    }
  }

  struct Load: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Place units on machines without starting them.")
    @OptionGroup var units: UnitFileArguments
    @Flag(help: "Replace a unit whose file differs.") var replace = false
    @OptionGroup var waiting: WaitingOptions
    @OptionGroup var client: ClientOptions

    func run() async throws {
      let waiting = waiting.waiting(timeout: client.timeout.duration)
      try await client.withSession {
        await $0.activate(units.units, target: .loaded, replace: replace, waiting)
      }
    }
  }

  struct Start: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Start units, and say where they went or why they could not be placed."
    )
    @OptionGroup var units: UnitFileArguments
    @Flag(help: "Replace a unit whose file differs.") var replace = false
    @OptionGroup var waiting: WaitingOptions
    @OptionGroup var client: ClientOptions

    func run() async throws {
      let waiting = waiting.waiting(timeout: client.timeout.duration)
      try await client.withSession {
        await $0.activate(units.units, target: .launched, replace: replace, waiting)
      }
    }
  }

  struct Stop: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Stop units; they stay on their machines.")
    @OptionGroup var units: UnitArguments
    @OptionGroup var waiting: WaitingOptions
    @OptionGroup var client: ClientOptions

    func run() async throws {
      let waiting = waiting.waiting(timeout: client.timeout.duration)
      try await client.withSession { await $0.deactivate(units.units, target: .loaded, waiting) }
    }
  }

  struct Restart: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Stop units and start them again where they are, one after the other."
    )
    @OptionGroup var units: UnitArguments
    @OptionGroup var limit: WaitingLimitOptions
    @OptionGroup var client: ClientOptions

    func run() async throws {
      let waiting = UnitSession.Waiting(limit: limit.limit(timeout: client.timeout.duration))
      try await client.withSession { await $0.restart(units.units, waiting) }
    }
  }

  struct Unload: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Stop units and take them off their machines.")
    @OptionGroup var units: UnitArguments
    @OptionGroup var waiting: WaitingOptions
    @OptionGroup var client: ClientOptions

    func run() async throws {
      let waiting = waiting.waiting(timeout: client.timeout.duration)
      try await client.withSession { await $0.deactivate(units.units, target: .inactive, waiting) }
    }
  }

  struct Destroy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Stop units and remove them from the cluster.")
    @OptionGroup var units: UnitArguments
    @OptionGroup var waiting: WaitingOptions
    @OptionGroup var client: ClientOptions

    func run() async throws {
      let waiting = waiting.waiting(timeout: client.timeout.duration)
      try await client.withSession { await $0.destroy(units.units, waiting) }
    }
  }
}
