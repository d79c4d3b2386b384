// SPDX-License-Identifier: Apache-2.0
import FleetDaemon
import UnitRunner
import Units

/// The unit runner as fleet's agent sees it.
///
/// Units that the cloud-config brought are the node's own and hidden from fleet, which would unload what it did not place.
struct FleetUnitSupervisor: UnitSupervisor {
  let supervision: UnitSupervision
  /// Names of the node's own units.
  let localUnits: Set<UnitName>
  /// Whose records are removed before a unit is stopped.
  let records: UnitRecords

  func load(_ units: [UnitToLoad]) async -> [UnitName: String] {
    var problems: [UnitName: String] = [:]
    for unit in units where localUnits.contains(unit.name) {
      problems[unit.name] = "this machine's cloud-config has a unit of that name"
    }
    let fleets = units.filter { !localUnits.contains($0.name) }
    let more = await supervision.load(fleets.map { UnitToRun(name: $0.name, file: $0.file) })
    return problems.merging(more) { first, _ in first }
  }

  func unload(_ name: UnitName) async throws {
    guard !localUnits.contains(name) else { return }
    try await withdrawing(name) { try await supervision.unload(name) }
  }

  func start(_ name: UnitName) async throws {
    await records.restore(name)
    try await supervision.start(name)
  }

  func stop(_ name: UnitName) async throws {
    try await withdrawing(name) { try await supervision.stop(name) }
  }

  /// Whoever reads the records is to have let go of the unit before it stops.
  private func withdrawing(_ name: UnitName, _ stop: () async throws -> Void) async throws {
    await records.withdraw(name)
    do {
      try await stop()
    } catch {
      await records.restore(name)
      throw error
    }
  }

  func expect(_ names: Set<UnitName>) async {
    supervision.expect(names.union(localUnits))
  }

  func loadedUnits() async -> [SupervisedUnit] {
    await supervision.units().filter { !localUnits.contains($0.name) }.map(SupervisedUnit.init(loaded:))
  }

  func changes() -> AsyncStream<SupervisedUnitChange> {
    let changes = supervision.changes()
    let localUnits = localUnits
    return AsyncStream(bufferingPolicy: .bufferingNewest(1_000)) { continuation in
      let forwarding = Task {
        for await change in changes where !localUnits.contains(change.name) {
          continuation.yield(
            SupervisedUnitChange(name: change.name, unit: change.unit.map(SupervisedUnit.init(loaded:)))
          )
        }
        continuation.finish()
      }
      continuation.onTermination = { _ in forwarding.cancel() }
    }
  }
}

extension SupervisedUnit {
  /// What the runner knows of a unit, in fleet's words.
  init(loaded unit: LoadedUnit) {
    self.init(
      name: unit.name,
      hash: unit.hash,
      unitState: SupervisedUnitState(
        load: unit.activity.load.rawValue,
        active: unit.activity.active.rawValue,
        sub: unit.activity.sub.rawValue
      ),
      isStartRequested: unit.isStartRequested
    )
  }
}
