// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import Fleet
import FleetWire
import Logging
import Units

/// Publishes what this machine's units do, on change only.
///
/// It compares what the supervisor says with what the registry holds, unit by unit, and writes the difference; so a
/// write that failed, a state that somebody removed, and a node that was away all come right by looking again. Many
/// changes of one unit while a write is under way become one. There are no heartbeats: when a machine is lost, the
/// engine removes its states. Source: specs/fleet.md §6.3, §14.3.
struct StatePublisher: Sendable {
  let configuration: FleetConfiguration
  let registry: Registry
  let view: RegistryView
  let presence: Presence
  let agent: Agent
  let supervisor: any UnitSupervisor
  let logger: Logger

  /// How many writes are under way at once.
  static let writesAtOnce = 64

  func run() async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask {
        for await change in supervisor.changes() { view.publish(change.name.rawValue) }
      }
      group.addTask {
        // The stream of changes may drop some, and a write may have failed.
        while !Task.isCancelled {
          try? await registry.store.clock.sleep(for: configuration.reconcileInterval)
          view.publishAllLater()
          view.publisherSignal.wake()
        }
      }
      for await _ in view.publisherSignal.wakes {
        guard view.isLive, presence.isRegistered else { continue }
        await publish()
      }
      await group.waitForAll()
    }
  }

  private func publish() async {
    let asked = view.takeUnitsToPublish()
    let loaded = Dictionary(await supervisor.loadedUnits().map { ($0.name.rawValue, $0) }) { first, _ in first }
    let failures = agent.loadFailures
    let writes = view.read { image in
      let names = asked ?? Set(loaded.keys).union(failures.keys).union(image.unitsWithOwnTraces)
      return names.sorted().flatMap { name in
        differences(name, unit: loaded[name], failure: failures[name], image)
      }
    }
    guard !writes.isEmpty else { return }
    let indexes = await BoundedTasks.run(writes, atOnce: Self.writesAtOnce) { write in
      do throws(EtcdError) {
        return try await perform(write)
      } catch {
        logger.debug(
          "unit state cannot be published",
          metadata: ["unit.name": "\(write.unit)", "store.error": "\(error)"]
        )
        view.publishLater([write.unit])
        return EtcdIndex.zero
      }
    }
    let newest = indexes.max() ?? .zero
    // The next comparison must not see the registry as it was before these writes.
    await view.waitUntil(newest, within: configuration.requestTimeout, clock: registry.store.clock)
  }

  private enum Write: Sendable {
    case putState(unit: String, UnitStateRecord)
    case removeState(unit: String, at: EtcdIndex)
    case setLaunched(unit: String, Bool)

    var unit: String {
      switch self {
      case .putState(let unit, _), .removeState(let unit, _), .setLaunched(let unit, _): unit
      }
    }
  }

  private func differences(
    _ name: String,
    unit: SupervisedUnit?,
    failure: Agent.LoadFailure?,
    _ image: RegistryImage
  ) -> [Write] {
    var writes: [Write] = []
    let published = image.unitStates[name]?[configuration.machineID]
    let record =
      unit.map { unit in
        UnitStateRecord(
          loadState: unit.unitState.load,
          activeState: unit.unitState.active,
          subState: unit.unitState.sub,
          hash: unit.hash.description
        )
      }
      ?? failure.map { failure in
        UnitStateRecord(
          loadState: "error",
          activeState: "inactive",
          subState: "dead",
          hash: failure.hash.description
        )
      }
    switch (record, published) {
    case (let record?, let published) where record != published?.value: writes.append(.putState(unit: name, record))
    case (nil, let published?): writes.append(.removeState(unit: name, at: published.index))
    default: break
    }
    let job = image.jobs[name]
    let isPlacedHere = job?.hash != nil && job?.target?.value == configuration.machineID
    let isLaunched = isPlacedHere && (unit?.isStartRequested ?? false)
    if isLaunched != (job?.launchedBy?.value == configuration.machineID) {
      writes.append(.setLaunched(unit: name, isLaunched))
    }
    return writes
  }

  private func perform(_ write: Write) async throws(EtcdError) -> EtcdIndex {
    let machineID = configuration.machineID
    switch write {
    case .putState(let unit, let record): return try await registry.putUnitState(record, of: unit, on: machineID)
    case .removeState(let unit, let index): return await registry.removeUnitState(of: unit, on: machineID, at: index)
    case .setLaunched(let unit, let isLaunched):
      return try await registry.setLaunched(isLaunched, unit, on: machineID)
    }
  }
}

extension RegistryImage {
  /// Units about which the own machine has published something.
  fileprivate var unitsWithOwnTraces: [String] {
    unitStates.filter { $0.value[machineID] != nil }.map(\.key)
      + jobs.filter { $0.value.launchedBy?.value == machineID }.map(\.key)
  }
}
