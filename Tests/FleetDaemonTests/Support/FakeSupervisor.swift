// SPDX-License-Identifier: Apache-2.0
import FleetDaemon
import Synchronization
import Units

/// Runs units in name only, and remembers what it was asked.
final class FakeSupervisor: UnitSupervisor {
  struct Refused: Error {}

  private struct Contents {
    var units: [UnitName: SupervisedUnit] = [:]
    var log: [String] = []
    var unloadable: Set<String> = []
    var unstoppable: Set<String> = []
    var unrunnable: Set<UnitHash> = []
  }

  private let contents = Mutex(Contents())
  private let stream: AsyncStream<SupervisedUnitChange>
  private let continuation: AsyncStream<SupervisedUnitChange>.Continuation

  init() {
    (stream, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1_000))
  }

  /// What it was asked, such as `start a.service`.
  var log: [String] { contents.withLock { $0.log } }
  var running: [String] {
    contents.withLock { contents in
      contents.units.values.filter { $0.unitState.active == "active" }.map(\.name.rawValue).sorted()
    }
  }
  var loaded: [String] { contents.withLock { $0.units.keys.map(\.rawValue).sorted() } }

  /// Units whose file it cannot load.
  func refuseToLoad(_ name: String) { contents.withLock { _ = $0.unloadable.insert(name) } }
  /// Units that do not stop.
  func refuseToStop(_ name: String) { contents.withLock { _ = $0.unstoppable.insert(name) } }

  /// Files whose units fail when they are started.
  func refuseToRun(_ hash: UnitHash) { contents.withLock { _ = $0.unrunnable.insert(hash) } }

  func load(_ units: [UnitToLoad]) async -> [UnitName: String] {
    var failures: [UnitName: String] = [:]
    for unit in units {
      let isRefused = contents.withLock { contents in
        contents.log.append("load \(unit.name)")
        if contents.unloadable.contains(unit.name.rawValue) { return true }
        if unit.name.isTemplate { return false }
        contents.units[unit.name] = SupervisedUnit(
          name: unit.name,
          hash: unit.hash,
          unitState: SupervisedUnitState(load: "loaded", active: "inactive", sub: "dead"),
          isStartRequested: false
        )
        return false
      }
      if isRefused { failures[unit.name] = "bad unit file" } else { tell(unit.name) }
    }
    return failures
  }

  func unload(_ name: UnitName) async throws {
    try contents.withLock { contents in
      contents.log.append("unload \(name)")
      if contents.unstoppable.contains(name.rawValue) { throw Refused() }
      contents.units[name] = nil
    }
    tell(name)
  }

  func start(_ name: UnitName) async throws {
    let fails = contents.withLock { contents in
      contents.units[name].map { contents.unrunnable.contains($0.hash) } ?? false
    }
    try change(name, "start", fails ? "failed" : "active", fails ? "failed" : "running", isStartRequested: true)
  }
  func stop(_ name: UnitName) async throws { try change(name, "stop", "inactive", "dead", isStartRequested: false) }

  /// The unit dies by itself.
  func fail(_ name: UnitName) {
    contents.withLock { contents in
      contents.units[name]?.unitState = SupervisedUnitState(load: "loaded", active: "failed", sub: "failed")
    }
    tell(name)
  }

  func loadedUnits() async -> [SupervisedUnit] { contents.withLock { Array($0.units.values) } }
  func changes() -> AsyncStream<SupervisedUnitChange> { stream }

  private func change(
    _ name: UnitName,
    _ verb: String,
    _ active: String,
    _ sub: String,
    isStartRequested: Bool
  ) throws {
    try contents.withLock { contents in
      contents.log.append("\(verb) \(name)")
      guard contents.units[name] != nil else { throw Refused() }
      contents.units[name]?.unitState = SupervisedUnitState(load: "loaded", active: active, sub: sub)
      contents.units[name]?.isStartRequested = isStartRequested
    }
    tell(name)
  }

  private func tell(_ name: UnitName) {
    let unit = contents.withLock { $0.units[name] }
    continuation.yield(SupervisedUnitChange(name: name, unit: unit))
  }
}
