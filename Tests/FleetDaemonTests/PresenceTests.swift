// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import FleetWire
import Logging
import Testing

@testable import FleetDaemon

/// How presence keeps itself alive.
@Suite struct PresenceTests {
  private func configuration(ttl seconds: Int) -> FleetConfiguration {
    FleetConfiguration(machineID: "m", instanceToken: "t", publicIP: "10.0.0.1", agentTTL: .seconds(seconds))
  }

  /// What a machine that is there can be late by, from one refresh that takes effect to the next, when every answer
  /// takes `latency`.
  @Test(arguments: [1, 2, 3, 6, 10, 30, 60, 300])
  func `a refresh may be lost, and another one, before a presence expires`(ttl: Int) {
    let times = configuration(ttl: ttl)
    let life = Duration.seconds(Int64(times.presenceSeconds))
    let latency = min(life / 20, .milliseconds(500))
    let untilAsked = latency + times.presencePause
    let untilTimedOut = untilAsked + times.presencePatience + times.presenceTimeout
    let untilRetried = untilTimedOut + times.presenceRetry + latency
    #expect(untilRetried < life * 4 / 5, "\(untilRetried)")
    #expect(untilRetried + times.presenceTimeout + times.presenceRetry < life, "a second is lost, too")
    #expect(times.presencePause < times.presencePatience || ttl > 40, "machines of a member come together")
  }

  @Test func `at the usual TTL a hundred idle machines of three members write less than once a second`() {
    let times = configuration(ttl: 30)
    let round = times.presencePause + times.presencePatience
    let writesPerSecond = 3 / (round / .seconds(1)) + 1 / (times.leaseInterval / .seconds(1))
    #expect(writesPerSecond < 0.9, "\(writesPerSecond)")
  }

  @Test func `new metadata does not wait for a refresh that is kept back`() async throws {
    try await FleetWorld.with(2) { world in
      world[2].connection.keepBackPatient(true)
      try await world.wait("a refresh is kept back") { world[2].connection.keptBack > 0 }
      world[2].fleet.setMetadata(["number": "9"])
      let elapsed = try await world.wait("everybody sees it") {
        try await world[1].fleet.api.machines().last?.metadata == ["number": "9"]
      }
      #expect(elapsed <= FleetWorld.atOnce)
    }
  }

  @Test func `a machine that leaves does not come back with a refresh that was kept back`() async throws {
    try await FleetWorld.with(2) { world in
      world[2].connection.keepBackPatient(true)
      try await world.wait("a refresh is kept back") { world[2].connection.keptBack > 0 }
      await world[2].fleet.leave()
      world[2].connection.keepBackPatient(false)
      await world.pass(.seconds(1))
      #expect(world.store.value(world.key(.machine(world[2].id))) == nil)
    }
  }

  @Test func `what is placed here is certain until the key may expire, counted from when it was sent`() async throws {
    let clock = ManualClock()
    let world = FleetWorld(clock: clock, store: InMemoryStore(clock: clock), machines: [])
    let connection = StoreConnection(world.store)
    let configuration = configuration(ttl: 3)
    let presence = Presence(
      configuration: configuration,
      store: StoreCaller(keys: connection, clock: clock, timeout: .seconds(3)),
      view: RegistryView(layout: configuration.layout, machineID: configuration.machineID),
      logger: Logger(label: "presence") { _ in SwiftLogNoOpLogHandler() }
    )
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await presence.run() }
      try await world.wait("it is registered") { presence.isCertain(at: EtcdIndex(.max)) }
      connection.keepBackPatient(true)
      try await world.wait("a refresh is sent") { connection.keptBack > 0 }
      await world.pass(.milliseconds(850))
      connection.keepBackPatient(false)
      connection.set(.silent)
      await world.pass(.milliseconds(1_500))
      #expect(presence.isCertain(at: EtcdIndex(.max)), "2.35 s of 3")
      await world.pass(.milliseconds(250))
      #expect(!presence.isCertain(at: EtcdIndex(.max)))
      presence.storeAnswered()
      #expect(!presence.isCertain(at: EtcdIndex(.max)), "the lease's answers say nothing about it")
      group.cancelAll()
    }
  }

  @Test func `a refresh that is lost is not missed`() async throws {
    try await FleetWorld.with(2) { world in
      try await world.put("a.service", xfleet: "MachineID=\(world[2].id)\n")
      try await world.wait("it runs") { world.hosts(of: "a.service") == [2] }
      world[2].connection.keepBackPatient(true)
      try await world.wait("a refresh is lost") { world[2].connection.keptBack > 0 }
      await world.pass(FleetWorld.ttl * 2)
      #expect(world.hosts(of: "a.service") == [2])
      #expect(world.store.value(world.key(.machine(world[2].id))) != nil)
    }
  }
}
