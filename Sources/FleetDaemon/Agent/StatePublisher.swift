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
    let differences = view.read { image in
      let names =
        asked ?? Set(loaded.keys).union(failures.keys).union(image.unitsWithTraces(of: configuration.machineID))
      return names.sorted().flatMap { name in
        image.differences(of: name, loaded[name], failures[name], on: configuration.machineID)
      }
    }
    guard !differences.isEmpty else { return }
    let indexes = await BoundedTasks.run(differences, atOnce: Self.writesAtOnce) { difference in
      do throws(EtcdError) {
        KillPoint.pass("publisher-before-write", difference.unit)
        let index = try await perform(difference)
        KillPoint.pass("publisher-after-write", difference.unit)
        return index
      } catch {
        logger.debug(
          "unit state cannot be published",
          metadata: ["unit.name": "\(difference.unit)", "store.error": "\(error)"]
        )
        view.publishLater([difference.unit])
        return EtcdIndex.zero
      }
    }
    let newest = indexes.max() ?? .zero
    // The next comparison must not see the registry as it was before these writes.
    await view.waitUntil(newest, within: configuration.requestTimeout, clock: registry.store.clock)
  }

  private func perform(_ difference: PublishedDifference) async throws(EtcdError) -> EtcdIndex {
    let machineID = configuration.machineID
    switch difference {
    case .putState(let unit, let record): return try await registry.putUnitState(record, of: unit, on: machineID)
    case .removeState(let unit, let index): return await registry.removeUnitState(of: unit, on: machineID, at: index)
    case .setLaunched(let unit, let isLaunched):
      return try await registry.setLaunched(isLaunched, unit, on: machineID)
    }
  }
}
