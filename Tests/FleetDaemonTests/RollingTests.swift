// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import Fleet
import FleetWire
import Testing
import Units

@testable import FleetDaemon

/// Whole machines over one store: rolls, from the request to what runs.
@Suite struct RollingTests {
  static let instances = (1...3).map { "web@\($0).service" }

  func file(_ exec: String, _ xfleet: String = "") throws -> UnitFile {
    try UnitFile(parsing: "[Service]\nExecStart=\(exec)\n[X-Fleet]\n\(xfleet)")
  }

  func request(_ name: String, _ file: UnitFile?, maxUnavailable: Int = 1) -> RollRequest {
    RollRequest(
      name: name,
      options: file?.options ?? [],
      maxUnavailable: maxUnavailable,
      healthTimeoutMilliseconds: 10_000
    )
  }

  /// A template with three instances, one on each of three machines.
  func prepare(_ world: FleetWorld) async throws {
    try await world.put("web@.service", state: "inactive", exec: "/bin/old")
    for name in Self.instances { try await world.put(name, exec: "/bin/old") }
    try await world.wait("all run") { world.machines.flatMap(\.supervisor.running).count == 3 }
  }

  func wait(_ world: FleetWorld, for phase: Roll.Phase, _ name: String = "web@.service") async throws {
    try await world.wait("the roll is \(phase)", atMost: .seconds(60)) {
      try await world[2].fleet.operations.roll(of: name).phase == phase
    }
  }

  func hashes(_ world: FleetWorld) async throws -> [String: Int] {
    var counts: [String: Int] = [:]
    for state in try await world[1].fleet.api.states(matching: FleetStateFilter()) {
      counts[state.hash, default: 0] += 1
    }
    return counts
  }

  @Test func `a good file reaches every instance and the template, and goes back everywhere`() async throws {
    try await FleetWorld.with(3) { world in
      try await prepare(world)
      let (old, new) = (try file("/bin/old"), try file("/bin/new"))
      _ = try await world[3].fleet.operations.beginRoll(request("web@.service", new))
      try await wait(world, for: .done)
      #expect(try await hashes(world) == [new.hash.description: 3])
      #expect(try await world[1].fleet.api.unit(named: "web@.service").file.hash == new.hash)
      await world.pass(.seconds(10))
      #expect(world.store.keys(below: FleetWorld.prefix + "/unit").count == 2, "the old file is kept for the way back")
      _ = try await world[1].fleet.operations.changeRoll(of: "web@.service", .rollback)
      try await wait(world, for: .rolledBack)
      #expect(try await hashes(world) == [old.hash.description: 3])
      #expect(try await world[1].fleet.api.unit(named: "web@.service").file.hash == old.hash)
      #expect(world.machines.flatMap(\.supervisor.running).count == 3)
      try await world.wait("the new file is gone") { world.store.keys(below: FleetWorld.prefix + "/unit").count == 1 }
    }
  }

  @Test func `a file that does not run stops at the first, and going back mends that one`() async throws {
    try await FleetWorld.with(3) { world in
      try await prepare(world)
      let (old, bad) = (try file("/bin/old"), try file("/bin/bad"))
      for machine in world.machines { machine.supervisor.refuseToRun(bad.hash) }
      _ = try await world[1].fleet.operations.beginRoll(request("web@.service", bad))
      try await wait(world, for: .stopped)
      #expect(world.machines.flatMap(\.supervisor.running).count == 2)
      let roll = try await world[3].fleet.operations.roll(of: "web@.service")
      #expect(roll.failure?.unit == "web@1.service" && roll.failure?.reason == "failed (failed)")
      let starts = world.machines.flatMap(\.supervisor.log).filter { $0.hasPrefix("start") }
      #expect(starts.count == 4, "the others were left alone")
      _ = try await world[1].fleet.operations.changeRoll(of: "web@.service", .rollback)
      try await wait(world, for: .rolledBack)
      #expect(try await hashes(world) == [old.hash.description: 3])
      #expect(world.machines.flatMap(\.supervisor.running).count == 3)
    }
  }

  @Test func `never more than the allowed number are down`() async throws {
    try await FleetWorld.with(3) { world in
      try await prepare(world)
      _ = try await world[1].fleet.operations.beginRoll(request("web@.service", nil, maxUnavailable: 2))
      var counts: Set<Int> = []
      try await world.wait("the roll is done", atMost: .seconds(60)) {
        let roll = try await world[1].fleet.operations.roll(of: "web@.service")
        counts.insert(roll.copies.count { $0.stage.isUnderWay })
        return roll.phase == .done
      }
      #expect(counts.max() == 2)
      let log = world.machines.flatMap(\.supervisor.log)
      #expect(log.filter { $0.hasPrefix("unload") }.count == 3 && log.filter { $0.hasPrefix("start") }.count == 6)
    }
  }

  @Test func `a second roll of the same is refused, and so is one of its parts`() async throws {
    try await FleetWorld.with(3) { world in
      try await prepare(world)
      let new = try file("/bin/new")
      _ = try await world[1].fleet.operations.beginRoll(request("web@.service", new))
      await #expect(throws: FleetAPIError.conflict("a roll of web@.service is under way")) {
        try await world[2].fleet.operations.beginRoll(request("web@.service", nil))
      }
      await #expect(
        throws: FleetAPIError.conflict("web@1.service is part of the roll of web@.service, which is not over")
      ) { try await world[2].fleet.operations.beginRoll(request("web@1.service", nil)) }
      await #expect(throws: FleetAPIError.notFound("nothing of api@.service is launched that could be restarted")) {
        try await world[2].fleet.operations.beginRoll(request("api@.service", nil))
      }
    }
  }

  @Test func `a new engine goes on with the roll of a dead one`() async throws {
    try await FleetWorld.with(3) { world in
      // The instances are where the leader is not.
      let leader = try #require(world.leader)
      let host = try #require(world.machines.last { $0.number != leader.number })
      let xfleet = "MachineMetadata=number=\(host.number)\n"
      for name in Self.instances { try await world.put(name, xfleet: xfleet, exec: "/bin/old") }
      try await world.wait("all run") { host.supervisor.running.count == 3 }
      let new = try file("/bin/new", xfleet)
      _ = try await host.fleet.operations.beginRoll(request("web@.service", new))
      try await world.wait("the first is under way") { host.supervisor.log.contains("unload web@1.service") }
      #expect(leader.fleet.isEngineLeader)
      leader.powerOff()
      try await world.wait("the roll is done", atMost: .seconds(60)) {
        try await host.fleet.operations.roll(of: "web@.service").phase == .done
      }
      #expect(
        try await host.fleet.api.states(matching: FleetStateFilter()).allSatisfy {
          $0.hash == new.hash.description && $0.activeState == "active"
        }
      )
    }
  }

  @Test func `a global unit is rolled machine by machine`() async throws {
    try await FleetWorld.with(3) { world in
      let (old, new) = (try file("/bin/old", "Global=true\n"), try file("/bin/new", "Global=true\n"))
      try await world.put("agent.service", xfleet: "Global=true\n", exec: "/bin/old")
      try await world.wait("all run") { world.machines.allSatisfy { $0.supervisor.running == ["agent.service"] } }
      _ = try await world[1].fleet.operations.beginRoll(request("agent.service", new))
      var mixes: Set<[String]> = []
      try await world.wait("the roll is done", atMost: .seconds(60)) {
        mixes.insert(try await hashes(world).keys.sorted())
        #expect(world.machines.count { $0.supervisor.running.isEmpty } <= 1)
        return try await world[2].fleet.operations.roll(of: "agent.service").phase == .done
      }
      #expect(mixes.contains([new.hash.description, old.hash.description].sorted()))
      #expect(try await hashes(world) == [new.hash.description: 3])
      #expect(try await world[1].fleet.api.unit(named: "agent.service").file.hash == new.hash)
      await world.pass(.seconds(5))
      let starts = world.machines.flatMap(\.supervisor.log).filter { $0.hasPrefix("start") }
      #expect(starts.count == 6, "each was started just once more")
    }
  }

  @Test func `a roll is forgotten with its units`() async throws {
    try await FleetWorld.with(2) { world in
      try await world.put("web@1.service", exec: "/bin/old")
      try await world.wait("it runs") { world.machines.flatMap(\.supervisor.running).count == 1 }
      _ = try await world[1].fleet.operations.beginRoll(request("web@.service", try file("/bin/new")))
      try await wait(world, for: .done)
      try await world[1].fleet.api.destroyUnit(named: "web@1.service")
      await world.pass(.seconds(8))
      #expect(world.store.keys(below: FleetWorld.prefix + "/coracle") == [])
      #expect(world.store.keys(below: FleetWorld.prefix + "/unit") == [])
    }
  }
}

/// Whole machines over one store: units that move because machines are unevenly loaded.
@Suite struct RebalancingServiceTests {
  static let units = (1...6).map { "u\($0).service" }

  /// Six units on the first machine alone, and then as many machines as there are.
  func crowd(_ world: FleetWorld) async throws {
    let draining = { (number: Int, isOn: Bool) in
      let path = "/\(world[number].id)/metadata/\(Machine.drainingKey)"
      let operation =
        isOn
        ? MachineMetadataOperation(operation: "add", path: path, value: "true")
        : MachineMetadataOperation(operation: "remove", path: path)
      try await world[1].fleet.api.patchMachines([operation])
    }
    for number in 2...3 { try await draining(number, true) }
    for name in Self.units { try await world.put(name) }
    try await world.wait("all run on the first") { world[1].supervisor.running.count == 6 }
    for number in 2...3 { try await draining(number, false) }
  }

  @Test func `units are shared out, each started before it is stopped, and then nothing moves`() async throws {
    try await FleetWorld.with(3) { world in
      try await crowd(world)
      #expect(try await world[2].fleet.operations.rebalancing(withPlan: true).plan.count == 4)
      _ = try await world[2].fleet.operations.beginRebalancing()
      try await world.wait("it is done", atMost: .seconds(60)) {
        let running = Set(world.machines.flatMap(\.supervisor.running))
        #expect(running.count == 6, "no unit is down at any time")
        return try await world[3].fleet.operations.rebalancing(withPlan: false).last?.phase == .done
      }
      #expect(world.machines.map { $0.supervisor.running.count } == [2, 2, 2])
      let before = world.machines.map(\.supervisor.log)
      _ = try await world[1].fleet.operations.beginRebalancing()
      await world.pass(.seconds(5))
      #expect(world.machines.map(\.supervisor.log) == before)
      #expect(try await world[1].fleet.operations.rebalancing(withPlan: false).last == Rebalancing(phase: .done))
    }
  }

  @Test func `a unit that does not run elsewhere stays where it ran`() async throws {
    try await FleetWorld.with(3) { world in
      try await crowd(world)
      let file = try UnitFile(parsing: "[Service]\nExecStart=/bin/true\n[X-Fleet]\n")
      world[2].supervisor.refuseToRun(file.hash)
      _ = try await world[1].fleet.operations.beginRebalancing()
      try await world.wait("it has stopped", atMost: .seconds(60)) {
        try await world[1].fleet.operations.rebalancing(withPlan: false).last?.phase == .stopped
      }
      await world.pass(.seconds(3))
      #expect(world[1].supervisor.running.count == 6 && world[2].supervisor.loaded.isEmpty)
      #expect(!world[1].supervisor.log.contains { $0.hasPrefix("unload") })
    }
  }

  @Test func `nothing moves by itself unless it was asked for, and then only when a machine has come`() async throws {
    try await FleetWorld.with(3) { world in
      try await crowd(world)
      await world.pass(.seconds(10))
      #expect(world[1].supervisor.running.count == 6)
      try await world[1].fleet.operations.setRebalancesAutomatically(true)
      await world.pass(.seconds(10))
      #expect(world[1].supervisor.running.count == 6)
      let late = TestMachine(number: 4, clock: world.clock, store: world.store)
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await late.live() }
        try await world.wait("the units are shared out", atMost: .seconds(60)) {
          world[1].supervisor.running.count == 2 && late.supervisor.running.count == 1
        }
        group.cancelAll()
      }
    }
  }
}
