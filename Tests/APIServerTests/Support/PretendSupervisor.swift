// SPDX-License-Identifier: Apache-2.0
import FleetDaemon
import Synchronization
import Units

/// Runs units in name only: what is started is running.
final class PretendSupervisor: UnitSupervisor {
  struct NotLoaded: Error {}

  private let units = Mutex<[UnitName: SupervisedUnit]>([:])
  private let stream: AsyncStream<SupervisedUnitChange>
  private let continuation: AsyncStream<SupervisedUnitChange>.Continuation

  init() {
    (stream, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1_000))
  }

  func load(_ units: [UnitToLoad]) async -> [UnitName: String] {
    for unit in units {
      let loaded = SupervisedUnit(
        name: unit.name,
        hash: unit.hash,
        unitState: SupervisedUnitState(load: "loaded", active: "inactive", sub: "dead"),
        isStartRequested: false
      )
      self.units.withLock { $0[unit.name] = loaded }
      continuation.yield(SupervisedUnitChange(name: unit.name, unit: loaded))
    }
    return [:]
  }

  func unload(_ name: UnitName) async throws {
    units.withLock { $0[name] = nil }
    continuation.yield(SupervisedUnitChange(name: name, unit: nil))
  }

  func start(_ name: UnitName) async throws { try set(name, "active", "running", isStarted: true) }
  func stop(_ name: UnitName) async throws { try set(name, "inactive", "dead", isStarted: false) }
  func loadedUnits() async -> [SupervisedUnit] { units.withLock { Array($0.values) } }
  func changes() -> AsyncStream<SupervisedUnitChange> { stream }

  private func set(_ name: UnitName, _ active: String, _ sub: String, isStarted: Bool) throws {
    let unit = units.withLock { units in
      units[name]?.unitState = SupervisedUnitState(load: "loaded", active: active, sub: sub)
      units[name]?.isStartRequested = isStarted
      return units[name]
    }
    guard let unit else { throw NotLoaded() }
    continuation.yield(SupervisedUnitChange(name: name, unit: unit))
  }
}
