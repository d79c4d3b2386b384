// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import Fleet
import FleetWire
import Testing
import Units

@testable import FleetDaemon

/// Whole machines over one store: what happens to units when things go well.
@Suite struct FleetServiceTests {
  @Test func `a started unit is running, published and launched at once`() async throws {
    try await FleetWorld.with(3) { world in
      try await world.put("a.service")
      let elapsed = try await world.wait("the unit is launched") {
        try await world[2].fleet.api.unit(named: "a.service").currentState == .launched
      }
      #expect(elapsed <= FleetWorld.atOnce)
      let unit = try await world[3].fleet.api.unit(named: "a.service")
      #expect(unit.machineID == world[1].id)
      #expect(unit.desiredState == .launched && unit.reason == nil && unit.refusals.isEmpty)
      let states = try await world[2].fleet.api.states(matching: FleetStateFilter())
      #expect(
        states == [
          FleetUnitState(
            name: "a.service",
            hash: unit.file.hash.description,
            machineID: world[1].id,
            loadState: "loaded",
            activeState: "active",
            subState: "running"
          )
        ]
      )
      #expect(world[1].supervisor.log == ["load a.service", "start a.service"])
    }
  }

  @Test func `the states go up and down as asked`() async throws {
    try await FleetWorld.with(2) { world in
      try await world.put("a.service", state: "inactive")
      #expect(try await world[1].fleet.api.unit(named: "a.service").currentState == .inactive)
      for (wanted, expected) in [("loaded", JobState.loaded), ("launched", .launched), ("loaded", .loaded)] {
        try await world.set("a.service", wanted)
        let elapsed = try await world.wait("the unit is \(wanted)") {
          try await world[2].fleet.api.unit(named: "a.service").currentState == expected
        }
        #expect(elapsed <= FleetWorld.atOnce)
      }
      try await world.set("a.service", "inactive")
      try await world.wait("the unit is gone") {
        try await world[1].fleet.api.states(matching: FleetStateFilter()).isEmpty && world[1].supervisor.loaded.isEmpty
      }
      let unit = try await world[1].fleet.api.unit(named: "a.service")
      #expect(unit.currentState == .inactive && unit.machineID == nil)
      let asked = ["load", "start", "stop", "unload"].map { "\($0) a.service" }
      #expect(world[1].supervisor.log == asked)
    }
  }

  @Test func `destroying units leaves no keys behind, however often`() async throws {
    try await FleetWorld.with(2) { world in
      for round in 1...10 {
        try await world.put("a.service")
        try await world.put("b@\(round).service", exec: "/bin/\(round)")
        try await world.wait("both are running") {
          world.machines.flatMap(\.supervisor.running).count == 2
        }
        try await world[1].fleet.api.destroyUnit(named: "a.service")
        try await world[2].fleet.api.destroyUnit(named: "b@\(round).service")
        try await world.wait("both are gone") { world.machines.flatMap(\.supervisor.loaded).isEmpty }
      }
      try await world.wait("the states are gone") {
        world.store.keys(below: FleetWorld.prefix + "/states").isEmpty
      }
      await world.pass(.seconds(5))
      for directory in ["job", "states", "unit"] {
        #expect(world.store.keys(below: "\(FleetWorld.prefix)/\(directory)") == [], "\(directory)")
      }
    }
  }

  @Test func `a machine that is behind answers for what the store holds`() async throws {
    try await FleetWorld.with(1) { world in
      try await world.put("gone.service", state: "inactive")
      let file = try UnitFile(parsing: "[Service]\nExecStart=/bin/true\n[X-Fleet]\n")
      world.store.setHoldingBack(true)
      let directory = RegistryLayout().jobDirectory("gone.service")
      _ = world.store.perform(.write(key: directory, .delete(isDirectory: true, recursive: true)))
      await #expect(throws: FleetAPIError.conflict("unit does not exist and options field empty")) {
        try await world.set("gone.service", "launched")
      }
      let record = JobRecord(name: "new.service", hash: file.hash).value
      let write = KeysWrite.create(value: record, isDirectory: false, ttl: .permanent)
      _ = world.store.perform(.write(key: world.key(.job("new.service")), write))
      let request = FleetUnitRequest(name: "new.service", options: file.options, desiredState: "launched")
      async let outcome = world[1].fleet.api.putUnit(named: "new.service", request)
      try await world.wait("the unit that is there already is wanted") {
        world.store.value(world.key(.targetState("new.service"))) == "launched"
      }
      world.store.setHoldingBack(false)
      #expect(try await outcome == .changed)
    }
  }

  @Test func `a socket's template is there before the socket`() async throws {
    try await FleetWorld.with(1) { world in
      try await world.put("each@.service", state: "inactive")
      for (name, accepts) in [("each.socket", "yes"), ("other.socket", "no")] {
        let file = try UnitFile(parsing: "[Socket]\nListenStream=/\(name)\nAccept=\(accepts)")
        let request = FleetUnitRequest(name: name, options: file.options, desiredState: "launched")
        _ = try await world[1].fleet.api.putUnit(named: name, request)
        try await world.wait("\(name) runs") { world.hosts(of: name) == [1] }
      }
      #expect(
        world[1].supervisor.log == [
          "load each@.service", "load each.socket", "start each.socket", "load other.socket", "start other.socket",
        ]
      )
    }
  }

  @Test func `destroying what is not there is 404`() async throws {
    try await FleetWorld.with(1) { world in
      await #expect(throws: FleetAPIError.unitDoesNotExist) {
        try await world[1].fleet.api.destroyUnit(named: "a.service")
      }
    }
  }

  @Test func `a unit with a new file is unloaded and runs again with it, in its place`() async throws {
    try await FleetWorld.with(2) { world in
      try await world.put("a.service", exec: "/bin/a")
      try await world.wait("it runs") { world.hosts(of: "a.service") == [1] }
      try await world.put("a.service", exec: "/bin/b")
      try await world.wait("it runs again") { world[1].supervisor.log.count == 5 }
      let asked = ["load", "start", "unload", "load", "start"].map { "\($0) a.service" }
      #expect(world[1].supervisor.log == asked)
      let files = world.store.keys(below: FleetWorld.prefix + "/unit")
      #expect(files.count == 1, "the old file is removed")
    }
  }

  @Test func `files are loaded before anything starts`() async throws {
    try await FleetWorld.with(1) { world in
      for name in ["c", "b", "a"] { try await world.put("\(name).service", state: "inactive") }
      // All three become wanted before the agent looks.
      world[1].connection.set(.failing)
      await world.pass(.milliseconds(200))
      for name in ["a", "b", "c"] {
        _ = world.store.perform(
          .write(
            key: world.key(.targetState("\(name).service")),
            .update(value: "launched", ttl: .permanent, refresh: false)
          )
        )
        _ = world.store.perform(
          .write(
            key: world.key(.target("\(name).service")),
            .create(value: world[1].id, isDirectory: false, ttl: .permanent)
          )
        )
      }
      world[1].connection.set(.working)
      try await world.wait("all run") { world[1].supervisor.running.count == 3 }
      #expect(world[1].supervisor.log.prefix(3) == ["load a.service", "load b.service", "load c.service"])
    }
  }

  @Test func `one unit that cannot be loaded or stopped does not hold up the others`() async throws {
    try await FleetWorld.with(1) { world in
      world[1].supervisor.refuseToLoad("bad.service")
      world[1].supervisor.refuseToStop("stuck.service")
      try await world.put("bad.service")
      try await world.put("stuck.service")
      try await world.wait("it runs") { world.hosts(of: "stuck.service") == [1] }
      try await world[1].fleet.api.destroyUnit(named: "stuck.service")
      try await world.put("good.service")
      let elapsed = try await world.wait("it runs") { world.hosts(of: "good.service") == [1] }
      #expect(elapsed <= FleetWorld.atOnce)
      let states = try await world[1].fleet.api.states(matching: FleetStateFilter(unitName: "bad.service"))
      #expect(states.map(\.loadState) == ["error"])
      let tries = world[1].supervisor.log.filter { $0 == "unload stuck.service" }.count
      await world.pass(.seconds(13))
      let later = world[1].supervisor.log.filter { $0 == "unload stuck.service" }.count
      #expect(later - tries == 2, "it is tried again, but not all the time")
    }
  }

  @Test func `a unit that dies is published and left where it is`() async throws {
    try await FleetWorld.with(2) { world in
      try await world.put("a.service")
      try await world.wait("it runs") { world.hosts(of: "a.service") == [1] }
      world[1].supervisor.fail(try UnitName("a.service"))
      try await world.wait("it is published as failed") {
        try await world[2].fleet.api.states(matching: FleetStateFilter()).map(\.activeState) == ["failed"]
      }
      await world.pass(.seconds(5))
      let unit = try await world[2].fleet.api.unit(named: "a.service")
      #expect(unit.machineID == world[1].id && unit.currentState == .launched)
      #expect(world[1].supervisor.log == ["load a.service", "start a.service"])
    }
  }

  @Test func `a global unit runs everywhere it may`() async throws {
    try await FleetWorld.with(3) { world in
      try await world.put("g.service", xfleet: "Global=true\nMachineMetadata=number=1\nMachineMetadata=number=3\n")
      try await world.wait("it runs on two machines") { world.hosts(of: "g.service") == [1, 3] }
      let unit = try await world[1].fleet.api.unit(named: "g.service")
      #expect(unit.currentState == nil && unit.machineID == nil)
      let explanation = try await world[2].fleet.explain("g.service")
      #expect(explanation.summary == "global: runs on 2 of 3 machines")
      #expect(
        explanation.refusals == [
          FleetRefusal(machineID: world[2].id, reason: "local Machine metadata insufficient")
        ]
      )
      try await world[2].fleet.api.patchMachines([
        MachineMetadataOperation(operation: "add", path: "/\(world[2].id)/metadata/number", value: "3")
      ])
      try await world.wait("it runs on the machine that fits now") { world.hosts(of: "g.service") == [1, 2, 3] }
    }
  }

  @Test func `a unit leaves a machine whose metadata is removed`() async throws {
    try await FleetWorld.with(2) { world in
      try await world.put("a.service", xfleet: "MachineMetadata=number=2\n")
      try await world.wait("it runs") { world.hosts(of: "a.service") == [2] }
      try await world[1].fleet.api.patchMachines([
        MachineMetadataOperation(operation: "remove", path: "/\(world[2].id)/metadata/number")
      ])
      try await world.wait("it stops") { world.hosts(of: "a.service").isEmpty }
      #expect(try await world[1].fleet.api.machines().map(\.metadata) == [["number": "1"], [:]])
      let unit = try await world[1].fleet.api.unit(named: "a.service")
      #expect(unit.reason == "none of the 2 machines takes the unit")
      #expect(unit.refusals.map(\.reason) == Array(repeating: "local Machine metadata insufficient", count: 2))
    }
  }

  @Test func `three hundred units at once are spread and running at once`() async throws {
    try await FleetWorld.with(3) { world in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<300 { group.addTask { try await world.put("u@\(number).service", on: number % 3 + 1) } }
        try await group.waitForAll()
      }
      let elapsed = try await world.wait("all run") {
        try await world[1].fleet.api.states(matching: FleetStateFilter()).filter { $0.activeState == "active" }.count
          == 300
      }
      #expect(elapsed <= FleetWorld.atOnce)
      #expect(world.machines.map { $0.supervisor.running.count } == [100, 100, 100])
    }
  }

  @Test func `an idle cluster writes nothing but presence and lease`() async throws {
    try await FleetWorld.with(3) { world in
      for number in 0..<30 { try await world.put("u@\(number).service") }
      try await world.wait("all run") { world.machines.flatMap(\.supervisor.running).count == 30 }
      await world.pass(.seconds(2))
      let before = world.store.writtenKeys.count
      await world.pass(.seconds(9))
      let written = Set(world.store.writtenKeys[before...])
      let presence = world.machines.map { world.key(.machine($0.id)) }
      #expect(written == Set(presence + [world.key(.engineLease)]))
    }
  }

  @Test func `configured metadata may change while the node runs`() async throws {
    try await FleetWorld.with(2) { world in
      world[2].fleet.setMetadata(["number": "9"])
      let elapsed = try await world.wait("everybody sees it") {
        try await world[1].fleet.api.machines().last?.metadata == ["number": "9"]
      }
      #expect(elapsed <= FleetWorld.atOnce)
    }
  }

  @Test func `the status of a unit is asked of its machine`() async throws {
    try await FleetWorld.with(2) { world in
      try await world.put("a.service", xfleet: "MachineID=\(world[2].id)\n")
      try await world.wait("it runs") { world.hosts(of: "a.service") == [2] }
      let location = try await world[1].fleet.location(of: "a.service")
      #expect(location == UnitLocation(machineID: world[2].id, isLocal: false, clientURL: "http://10.0.0.2:2379"))
      #expect(try await world[2].fleet.location(of: "a.service").isLocal)
    }
  }
}
