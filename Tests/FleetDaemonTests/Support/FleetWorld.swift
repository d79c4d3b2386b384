// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import Fleet
import FleetDaemon
import FleetWire
import Logging
import Testing
import Units

/// Some machines over one store, all on one clock that the test turns.
struct FleetWorld: Sendable {
  let clock: ManualClock
  let store: InMemoryStore
  let machines: [TestMachine]

  static let prefix = RegistryLayout.defaultPrefix
  /// As in fleet's own tests.
  static let ttl = Duration.seconds(3)
  /// Less than any loop waits for without being woken; on a calm computer no time of the clock passes at all.
  static let atOnce = Duration.milliseconds(500)

  /// Runs the machines while the body runs, once all of them are registered and one leads.
  static func with(_ count: Int, _ body: @Sendable (FleetWorld) async throws -> Void) async throws {
    let clock = ManualClock()
    let store = InMemoryStore(clock: clock)
    let machines = (1...count).map { TestMachine(number: $0, clock: clock, store: store) }
    let world = FleetWorld(clock: clock, store: store, machines: machines)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for machine in machines { group.addTask { await machine.live() } }
      try await world.wait("all machines are ready") {
        machines.allSatisfy { $0.fleet.isReady } && machines.contains { $0.fleet.isEngineLeader }
      }
      // Long enough for everybody to believe that an absent machine is lost.
      await world.pass(ttl + .seconds(1))
      do {
        try await body(world)
      } catch {
        group.cancelAll()
        throw error
      }
      group.cancelAll()
    }
  }

  subscript(number: Int) -> TestMachine { machines[number - 1] }

  var leader: TestMachine? { machines.first { $0.isAlive && $0.fleet.isEngineLeader } }

  /// Lets time pass.
  func pass(_ duration: Duration) async {
    let end = clock.now() + duration
    while clock.now() < end { await step() }
  }

  /// Lets time pass until the condition holds; returns how long it took.
  @discardableResult
  func wait(
    _ what: String,
    atMost limit: Duration = .seconds(20),
    _ condition: () async throws -> Bool
  ) async throws -> Duration {
    let start = clock.now()
    await quiet()
    while !(try await condition()) {
      guard clock.now() - start < limit else {
        Issue.record("waited \(limit) of the clock for: \(what)")
        throw CancellationError()
      }
      await step()
    }
    return clock.now() - start
  }

  private func step() async {
    clock.advance(by: .milliseconds(50))
    store.expire()
    await quiet()
  }

  /// Waits until nobody does anything any more without time passing.
  private func quiet() async {
    var calmRounds = 0
    var before = -1
    while calmRounds < 15 {
      for _ in 0..<20 { await Task.yield() }
      try? await Task.sleep(for: .microseconds(100))
      let now = clock.sleepCount &* 31 &+ store.operationCount
      calmRounds = now == before ? calmRounds + 1 : 0
      before = now
    }
  }

  // MARK: What clients do

  func put(
    _ name: String,
    xfleet: String = "",
    state: String = "launched",
    exec: String = "/bin/true",
    on number: Int = 1
  ) async throws {
    let file = try UnitFile(parsing: "[Service]\nExecStart=\(exec)\n[X-Fleet]\n\(xfleet)")
    let request = FleetUnitRequest(name: name, options: file.options, desiredState: state)
    _ = try await self[number].fleet.api.putUnit(named: name, request)
  }

  func set(_ name: String, _ state: String, on number: Int = 1) async throws {
    _ = try await self[number].fleet.api.putUnit(named: name, FleetUnitRequest(desiredState: state))
  }

  /// The numbers of the machines that run a unit.
  func hosts(of name: String) -> [Int] {
    machines.filter { $0.isAlive && $0.supervisor.running.contains(name) }.map(\.number)
  }

  func key(_ place: RegistryLayout.Place) -> String { RegistryLayout().key(place) }
}

/// One machine: a fleet service with its own way to the store and its own units.
final class TestMachine: Sendable {
  let number: Int
  let id: String
  let connection: StoreConnection
  let supervisor = FakeSupervisor()
  let fleet: FleetService
  private let death = DeathSwitch()

  init(number: Int, clock: ManualClock, store: InMemoryStore, instanceToken: String? = nil) {
    self.number = number
    id = String(repeating: "\(number)", count: 32)
    connection = StoreConnection(store)
    let configuration = FleetConfiguration(
      machineID: id,
      instanceToken: instanceToken ?? "token-\(number)",
      publicIP: "10.0.0.\(number)",
      clientURL: "http://10.0.0.\(number):2379",
      metadata: ["number": "\(number)"],
      agentTTL: FleetWorld.ttl
    )
    var logger = Logger(label: "fleet")
    logger.logLevel = .critical
    fleet = FleetService(
      configuration: configuration,
      keys: connection,
      supervisor: supervisor,
      clock: clock,
      logger: logger
    )
  }

  var isAlive: Bool { !death.isThrown }

  func live() async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await self.fleet.run() }
      group.addTask { await self.death.wait() }
      await group.next()
      group.cancelAll()
    }
  }

  /// The machine is gone between two instructions: nothing it would still send arrives.
  func powerOff() {
    connection.set(.silent)
    death.throwSwitch()
  }
}
