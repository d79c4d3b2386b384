// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import Fleet
import FleetWire
import Testing
import Units

@testable import FleetDaemon

/// Machines and stores that go away and come back: specs/fleet.md §13, §14.1, §14.2.
@Suite struct MachineLossTests {
  /// What the issue asks for.
  static let limit = FleetWorld.ttl + .seconds(1)

  func startOne(_ world: FleetWorld, on number: Int) async throws {
    // Fill the machines before it, so that the unit lands where it is wanted and may run anywhere.
    for before in world.machines.map(\.number) where before < number {
      let filler = "filler-\(before).service"
      try await world.put(filler, xfleet: "MachineID=\(world[before].id)\n")
      try await world.wait("it fills its machine") { world.hosts(of: filler) == [before] }
    }
    try await world.put("a.service")
    try await world.wait("it runs") { world.hosts(of: "a.service") == [number] }
  }

  @Test func `the units of a machine that is powered off run elsewhere in time`() async throws {
    try await FleetWorld.with(3) { world in
      let victim = try #require(world.machines.last { $0.id != world.leader?.id })
      try await startOne(world, on: victim.number)
      victim.powerOff()
      let elapsed = try await world.wait("it runs elsewhere") { !world.hosts(of: "a.service").isEmpty }
      #expect(elapsed <= Self.limit)
      #expect(elapsed > .seconds(1), "not before its presence has expired")
      let counted = try #require(world.leader).fleet.engineMetrics
      #expect(counted.leaderSinceSeconds != nil && counted.passes > 0 && counted.schedulings.all > 0)
      #expect(counted.lostMachines > 0 && counted.unschedulings.all > 0 && counted.unschedulings.failed == 0)
      let survivor = try #require(world.machines.first { $0.isAlive })
      try await world.wait("the states of the dead machine are removed") {
        try await survivor.fleet.api.states(matching: FleetStateFilter(machineID: victim.id)).isEmpty
      }
      #expect(try await survivor.fleet.api.machines().count == 2)
    }
  }

  @Test func `that holds for the machine that leads, too`() async throws {
    try await FleetWorld.with(3) { world in
      let leader = try #require(world.leader)
      try await startOne(world, on: leader.number)
      leader.powerOff()
      let elapsed = try await world.wait("it runs elsewhere") { !world.hosts(of: "a.service").isEmpty }
      #expect(elapsed <= Self.limit)
      #expect(world.leader != nil)
    }
  }

  @Test func `writes that had to wait are not made for a machine that is back by then`() async throws {
    try await FleetWorld.with(2) { world in
      let leader = try #require(world.leader)
      let other = try #require(world.machines.first { $0.id != leader.id })
      // More than are written at once.
      for number in 0..<Engine.writesAtOnce + 6 {
        try await world.put("u\(number).service", xfleet: "MachineID=\(other.id)\n", on: leader.number)
      }
      try await world.wait("all run") { other.supervisor.running.count == Engine.writesAtOnce + 6 }
      let before = other.supervisor.log
      leader.connection.cut { $0.hasSuffix("/target") }
      other.connection.set(.silent)
      try await world.wait("the engine's writes hang") { leader.connection.isSilent }
      await world.pass(.milliseconds(2_700))
      for machine in world.machines { machine.connection.set(.working) }
      await world.pass(.seconds(8))
      #expect(other.supervisor.log == before, "nothing was stopped")
    }
  }

  @Test(arguments: [500, 1_000, 1_500, 2_000])
  func `that holds when the store's leader dies with it`(electionMilliseconds: Int) async throws {
    try await FleetWorld.with(3) { world in
      let leader = try #require(world.leader)
      try await startOne(world, on: leader.number)
      leader.powerOff()
      for machine in world.machines where machine.isAlive { machine.connection.set(.silent) }
      await world.pass(.milliseconds(electionMilliseconds))
      for machine in world.machines where machine.isAlive { machine.connection.set(.working) }
      let elapsed = try await world.wait("it runs elsewhere") { !world.hosts(of: "a.service").isEmpty }
      #expect(elapsed + .milliseconds(electionMilliseconds) <= Self.limit)
    }
  }

  @Test(arguments: [StoreConnection.Condition.failing, .silent], [2, 4, 20])
  func `a store that is out of reach for all moves and stops nothing`(
    condition: StoreConnection.Condition,
    seconds: Int
  ) async throws {
    try await FleetWorld.with(3) { world in
      for name in ["a", "b", "c", "d"] { try await world.put("\(name).service") }
      // Eligible by metadata that a machine loses sight of together with its own presence.
      let everywhere = (1...3).map { "MachineMetadata=number=\($0)\n" }.joined()
      try await world.put("g.service", xfleet: "Global=true\n" + everywhere)
      try await world.wait("all run") { world.machines.flatMap(\.supervisor.running).count == 7 }
      let before = world.machines.map(\.supervisor.log)
      for machine in world.machines { machine.connection.set(condition) }
      await world.pass(.seconds(seconds))
      // They come back one after the other.
      for machine in world.machines {
        machine.connection.set(.working)
        await world.pass(.milliseconds(300))
      }
      await world.pass(.seconds(10))
      #expect(world.machines.map(\.supervisor.log) == before)
      #expect(world.machines.filter { !$0.fleet.isReady }.isEmpty)
    }
  }

  @Test func `requests are refused while the store is out of reach`() async throws {
    try await FleetWorld.with(2) { world in
      world[1].connection.set(.failing)
      await world.pass(FleetWorld.ttl + .seconds(1))
      #expect(!world[1].fleet.isReady)
      await #expect(throws: FleetAPIError.storeUnreachable) { try await world[1].fleet.api.units() }
      // As routes ask, which know no more than that it is fleet's API.
      let api: any FleetAPI = world[1].fleet.api
      #expect(throws: FleetAPIError.storeUnreachable) { try api.checkReady() }
      await #expect(throws: FleetAPIError.storeUnreachable) { try await api.waitUntilReady() }
      #expect(world[2].fleet.isReady)
      world[1].connection.set(.working)
      try await world.wait("it is ready again", atMost: .seconds(1)) { world[1].fleet.isReady }
    }
  }

  @Test func `a machine that lost the store keeps its units, and stops them once it finds them elsewhere`() async throws
  {
    try await FleetWorld.with(2) { world in
      try await world.put("g.service", xfleet: "Global=true\n")
      try await startOne(world, on: 2)
      world[2].connection.set(.silent)
      try await world.wait("it runs elsewhere", atMost: Self.limit) { world.hosts(of: "a.service").contains(1) }
      #expect(world.hosts(of: "a.service") == [1, 2])
      await world.pass(.seconds(5))
      #expect(world[2].supervisor.running == ["a.service", "g.service"])
      world[2].connection.set(.working)
      try await world.wait("its copy stops", atMost: .seconds(4)) { world.hosts(of: "a.service") == [1] }
      await world.pass(.seconds(5))
      #expect(world[2].supervisor.running == ["g.service"])
      #expect(try await world[1].fleet.api.states(matching: FleetStateFilter(unitName: "g.service")).count == 2)
    }
  }

  @Test func `a machine that was away starts nothing before it knows all that it missed`() async throws {
    try await FleetWorld.with(2) { world in
      try await world.put("filler.service", xfleet: "MachineID=\(world[1].id)\n")
      try await world.wait("machine 1 has more to do") { world.hosts(of: "filler.service") == [1] }
      world[2].connection.set(.behind)
      // Placed on machine 2, which is not told; then on machine 1, when the presence of machine 2 has expired.
      try await world.put("a.service")
      try await world.wait("it is placed on machine 2") {
        world.store.value(world.key(.target("a.service"))) == world[2].id
      }
      try await world.wait("it runs elsewhere") { world.hosts(of: "a.service") == [1] }
      world[2].connection.set(.working)
      while world[2].connection.tellNext() {
        await world.pass(.milliseconds(100))
        #expect(world.hosts(of: "a.service") == [1])
      }
      try await world.put("b.service", xfleet: "MachineID=\(world[2].id)\n")
      try await world.wait("machine 2 takes part again", atMost: .seconds(2)) { world.hosts(of: "b.service") == [2] }
    }
  }

  @Test func `a node that crashes and comes back within its TTL moves nothing`() async throws {
    let clock = ManualClock()
    let store = InMemoryStore(clock: clock)
    let first = TestMachine(number: 1, clock: clock, store: store)
    let second = TestMachine(number: 2, clock: clock, store: store)
    let reborn = TestMachine(number: 2, clock: clock, store: store)
    let world = FleetWorld(clock: clock, store: store, machines: [first, second])
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await first.live() }
      group.addTask { await second.live() }
      try await world.wait("both are ready") { first.fleet.isReady && second.fleet.isReady }
      await world.pass(.seconds(4))
      try await startOne(world, on: 2)
      second.powerOff()
      await world.pass(.seconds(1))
      group.addTask { await reborn.live() }
      let elapsed = try await world.wait("it is registered again") { reborn.fleet.isReady }
      #expect(elapsed <= FleetWorld.atOnce, "its own key does not keep it out")
      await world.pass(.seconds(6))
      #expect(store.value(world.key(.target("a.service"))) == reborn.id)
      #expect(first.supervisor.running == ["filler-1.service"])
      group.cancelAll()
    }
  }

  @Test func `another machine with the same id waits until the first is gone`() async throws {
    let clock = ManualClock()
    let store = InMemoryStore(clock: clock)
    let first = TestMachine(number: 1, clock: clock, store: store)
    let twin = TestMachine(number: 1, clock: clock, store: store, instanceToken: "another")
    let world = FleetWorld(clock: clock, store: store, machines: [first])
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await first.live() }
      try await world.wait("the first is ready") { first.fleet.isReady }
      group.addTask { await twin.live() }
      await world.pass(.seconds(6))
      #expect(first.fleet.isReady && !twin.fleet.isReady)
      await #expect(throws: FleetAPIError.storeUnreachable) { try await twin.fleet.api.machines() }
      first.powerOff()
      try await world.wait("the twin is ready", atMost: .seconds(5)) { twin.fleet.isReady }
      group.cancelAll()
    }
  }

  @Test func `a node that is stopped gives the lease back and leaves its units running`() async throws {
    let clock = ManualClock()
    let store = InMemoryStore(clock: clock)
    let machine = TestMachine(number: 1, clock: clock, store: store)
    let world = FleetWorld(clock: clock, store: store, machines: [machine])
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await machine.live() }
      _ = try? await world.wait("it leads") { machine.fleet.isEngineLeader }
      try? await world.put("a.service")
      _ = try? await world.wait("it runs") { world.hosts(of: "a.service") == [1] }
      group.cancelAll()
    }
    #expect(machine.supervisor.running == ["a.service"])
    #expect(store.value(world.key(.engineLease)) == nil)
    #expect(store.value(world.key(.machine(machine.id))) != nil)
  }

  @Test func `a machine that leaves stops its units, and others take them at once`() async throws {
    try await FleetWorld.with(2) { world in
      try await world.put("g.service", xfleet: "Global=true\n")
      try await startOne(world, on: 2)
      await world[2].fleet.leave()
      #expect(world[2].supervisor.loaded.isEmpty)
      let elapsed = try await world.wait("it runs elsewhere") { world.hosts(of: "a.service") == [1] }
      #expect(elapsed <= FleetWorld.atOnce)
      await world.pass(.seconds(6))
      #expect(world[2].supervisor.loaded.isEmpty)
      #expect(try await world[1].fleet.api.machines().map(\.id) == [world[1].id])
      #expect(try await world[1].fleet.api.states(matching: FleetStateFilter(machineID: world[2].id)).isEmpty)
    }
  }

  @Test func `a machine that is drained gives its units away without a gap, and takes them when it may again`()
    async throws
  {
    try await FleetWorld.with(2) { world in
      try await world.put("g.service", xfleet: "Global=true\n")
      for name in ["a", "b", "c", "d"] { try await world.put("\(name).service") }
      try await world.wait("all run") { world.machines.flatMap(\.supervisor.running).count == 6 }
      let path = "/\(world[2].id)/metadata/\(Machine.drainingKey)"
      let drain = MachineMetadataOperation(operation: "add", path: path, value: "true")
      try await world[1].fleet.api.patchMachines([drain])
      try await world.wait("it is empty", atMost: .seconds(15)) {
        for name in ["a", "b", "c", "d"] { try #require(!world.hosts(of: "\(name).service").isEmpty, "never none") }
        return world[2].supervisor.running == ["g.service"]
      }
      #expect(world[1].supervisor.running.count == 5)
      try await world[1].fleet.api.patchMachines([MachineMetadataOperation(operation: "remove", path: path)])
      try await world.put("e.service")
      try await world.wait("it takes units again") { world.hosts(of: "e.service") == [2] }
    }
  }

  @Test func `a watch that falls too far behind starts over`() async throws {
    try await FleetWorld.with(2) { world in
      try await world.put("a.service")
      try await world.wait("it runs") { world.hosts(of: "a.service") == [1] }
      world[2].connection.set(.failing)
      // More than the store's history holds.
      for number in 0..<1_100 {
        _ = world.store.perform(
          .write(key: "/other", .set(value: "\(number)", isDirectory: false, ttl: .permanent, refresh: false))
        )
      }
      try await world.put("b.service", xfleet: "MachineID=\(world[2].id)\n")
      world[2].connection.set(.working)
      try await world.wait("it catches up", atMost: .seconds(2)) { world.hosts(of: "b.service") == [2] }
    }
  }

  @Test func `keys that a late write left behind are removed`() async throws {
    try await FleetWorld.with(1) { world in
      let late: [(RegistryLayout.Place, String)] = [
        (.target("ghost.service"), world[1].id), (.targetState("ghost.service"), "launched"),
        (.jobState("phantom.service"), world[1].id), (.unitState(unit: "ghost.service", machineID: world[1].id), "{}"),
        (.unitFile(UnitFile(options: []).hash), UnitFileRecord.value(of: UnitFile(options: []))),
      ]
      for (place, value) in late {
        _ = world.store.perform(
          .write(key: world.key(place), .set(value: value, isDirectory: false, ttl: .permanent, refresh: false))
        )
      }
      try await world.wait("they are gone", atMost: .seconds(10)) {
        ["job", "states", "unit"].allSatisfy { world.store.keys(below: "\(FleetWorld.prefix)/\($0)").isEmpty }
      }
      #expect(world[1].supervisor.log.isEmpty)
    }
  }
}
