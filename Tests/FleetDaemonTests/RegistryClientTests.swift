// SPDX-License-Identifier: Apache-2.0
import APIClients
import EtcdStore
import EtcdWire
import Fleet
import FleetDaemon
import FleetWire
import Testing
import Units

/// `fleetctl --driver=etcd` beside machines that run: both sides see what the other writes.
@Suite struct RegistryClientTests {
  private func request(_ exec: String, _ xfleet: String = "", state: String = "launched") throws -> FleetUnitRequest {
    let file = try UnitFile(parsing: "[Service]\nExecStart=\(exec)\n[X-Fleet]\n\(xfleet)")
    return FleetUnitRequest(options: file.options, desiredState: state)
  }

  @Test func `units written as keys run, and leave nothing behind when they are destroyed`() async throws {
    try await FleetWorld.with(2) { world in
      let client = RegistryClient(keys: StoreConnection(world.store))
      let before = world.store.keys(below: FleetWorld.prefix)
      #expect(try await client.putUnit(named: "a.service", request("/bin/true")) == .created)
      try await world.wait("a runs") {
        try await client.unit(named: "a.service").currentState == .launched && !world.hosts(of: "a.service").isEmpty
      }
      try await world.wait("a is published") { try await client.states(matching: FleetStateFilter()).count == 1 }
      let fromAPI = try await world[1].fleet.api.units()
      #expect(try await client.units() == fromAPI)
      #expect(try await client.unit(named: "a.service") == fromAPI[0])
      let states = try await world[1].fleet.api.states(matching: FleetStateFilter())
      #expect(try await client.states(matching: FleetStateFilter(unitName: "a.service")) == states)
      #expect(try await client.machines() == world[2].fleet.api.machines())

      #expect(try await client.putUnit(named: "a.service", FleetUnitRequest(desiredState: "loaded")) == .changed)
      try await world.wait("a is loaded") { try await client.unit(named: "a.service").currentState == .loaded }
      try await client.destroyUnit(named: "a.service")
      let empty = Set(["job", "states", "unit"].map { "\(FleetWorld.prefix)/\($0)" })
      try await world.wait("nothing is left") {
        Set(world.store.keys(below: FleetWorld.prefix)).subtracting(before).isSubset(of: empty)
      }
      await #expect(throws: FleetAPIError.unitDoesNotExist) { try await client.destroyUnit(named: "a.service") }
      await #expect(throws: FleetAPIError.unitDoesNotExist) { try await client.unit(named: "a.service") }
    }
  }

  @Test func `a file is kept while another unit has it`() async throws {
    try await FleetWorld.with(1) { world in
      let client = RegistryClient(keys: StoreConnection(world.store))
      for name in ["a.service", "b.service"] {
        _ = try await client.putUnit(named: name, request("/bin/true", state: "inactive"))
      }
      let file = try UnitFile(options: request("/bin/true").options)
      let key = world.key(.unitFile(file.hash))
      try await client.destroyUnit(named: "a.service")
      #expect(world.store.value(key) != nil)
      _ = try await client.putUnit(named: "b.service", request("/bin/false", state: "inactive"))
      #expect(world.store.value(key) == nil)
      #expect(try await client.unit(named: "b.service").file.serialized().contains("/bin/false"))
    }
  }

  @Test func `the rules of the API hold without a server`() async throws {
    try await FleetWorld.with(1) { world in
      let client = RegistryClient(keys: StoreConnection(world.store))
      await #expect(throws: FleetAPIError.conflict("unit does not exist and options field empty")) {
        try await client.putUnit(named: "a.service", FleetUnitRequest(desiredState: "launched"))
      }
      await #expect(throws: FleetAPIError.badRequest("MachineID cannot be used with Conflicts")) {
        try await client.putUnit(named: "a.service", request("/bin/true", "MachineID=x\nConflicts=y"))
      }
      _ = try await client.putUnit(named: "t@.service", request("/bin/true", state: "inactive"))
      await #expect(throws: FleetAPIError.badRequest("cannot activate template \"t@.service\"")) {
        try await client.putUnit(named: "t@.service", FleetUnitRequest(desiredState: "launched"))
      }
    }
  }

  @Test func `a global unit has no state, and metadata is changed by key`() async throws {
    try await FleetWorld.with(2) { world in
      let client = RegistryClient(keys: StoreConnection(world.store))
      let id = world[1].id
      _ = try await client.putUnit(named: "g.service", request("/bin/true", "Global=true\nMachineMetadata=role=web"))
      #expect(try await client.unit(named: "g.service").currentState == nil)
      try await client.patchMachines([.init(operation: "add", path: "/\(id)/metadata/role", value: "web")])
      #expect(try await client.machines().first?.metadata == ["number": "1", "role": "web"])
      try await world.wait("g runs where it fits") { world.hosts(of: "g.service") == [1] }
      try await client.patchMachines([.init(operation: "remove", path: "/\(id)/metadata/number")])
      #expect(try await client.machines().first?.metadata == ["role": "web"])
      #expect(try await client.newestVersion() == SemanticVersion("1.0.0"))
    }
  }

  @Test func `a store that does not answer is told as such`() async throws {
    try await FleetWorld.with(1) { world in
      let connection = StoreConnection(world.store)
      connection.set(.failing)
      await #expect(throws: FleetAPIError.unreachable("no leader")) {
        try await RegistryClient(keys: connection).units()
      }
    }
  }
}
