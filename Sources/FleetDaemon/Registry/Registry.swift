// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import Fleet
import FleetWire
import Units

/// What fleet writes into the store.
///
/// Every write is conditional or idempotent, so that it may be repeated.
struct Registry: Sendable {
  let layout: RegistryLayout
  let store: StoreCaller
  let view: RegistryView

  // MARK: Placement

  /// Carries out what the engine decided, unless the unit changed meanwhile.
  ///
  /// - Returns: The store's index afterwards; zero when the unit had changed.
  func carryOut(_ task: ClusterTask) async throws(EtcdError) -> EtcdIndex {
    do {
      let (key, write) = task.write(in: layout)
      return try await store.write(key, write)
    } catch  where [.nodeExists, .testFailed, .keyNotFound].contains(error.code) {
      return .zero
    }
  }

  /// Removes what is left of a unit that has no object any more.
  func removeLeftovers(of unit: String, _ job: JobImage) async {
    let leaves: [(RegistryLayout.Place, EtcdIndex?)] = [
      (.targetState(unit), job.targetState?.index), (.target(unit), job.target?.index),
      (.jobState(unit), job.launchedBy?.index),
    ]
    for case (let place, let index?) in leaves {
      let comparison = Comparison(previousIndex: index)
      _ = try? await store.write(layout.key(place), .compareAndDelete(comparison: comparison))
    }
    // Fails, as it should, when the unit has come back.
    _ = try? await store.write(layout.jobDirectory(unit), .delete(isDirectory: true, recursive: false))
  }

  // MARK: States

  /// Publishes what a machine says about a unit.
  func putUnitState(_ record: UnitStateRecord, of unit: String, on machineID: String) async throws(EtcdError)
    -> EtcdIndex
  {
    let key = layout.key(.unitState(unit: unit, machineID: machineID))
    let value = record.value(machineID: machineID)
    return try await store.write(key, .set(value: value, isDirectory: false, ttl: .permanent, refresh: false))
  }

  /// Removes what a machine said about a unit, unless it said something new; failures do not matter.
  @discardableResult
  func removeUnitState(of unit: String, on machineID: String, at index: EtcdIndex) async -> EtcdIndex {
    let key = layout.key(.unitState(unit: unit, machineID: machineID))
    let removed = try? await store.write(
      key,
      .compareAndDelete(comparison: Comparison(previousIndex: index))
    )
    // The last one closes the door; with others still there the store refuses.
    let closed = try? await store.write(
      layout.stateDirectory(unit),
      .delete(isDirectory: true, recursive: false)
    )
    return closed ?? removed ?? .zero
  }

  /// Says, or no longer says, that a machine has started a unit.
  func setLaunched(_ isLaunched: Bool, _ unit: String, on machineID: String) async throws(EtcdError) -> EtcdIndex {
    let key = layout.key(.jobState(unit))
    do {
      let write: KeysWrite =
        isLaunched
        ? .set(value: machineID, isDirectory: false, ttl: .permanent, refresh: false)
        : .compareAndDelete(comparison: Comparison(previousValue: machineID))
      let index = try await store.write(key, write)
      guard !isLaunched, view.read({ $0.jobs[unit]?.hash == nil }) else { return index }
      return try await store.write(layout.jobDirectory(unit), .delete(isDirectory: true, recursive: false))
    } catch  where [.keyNotFound, .testFailed, .directoryNotEmpty].contains(error.code) {
      return .zero
    }
  }

  // MARK: Machines

  /// Overrides one key of a machine's metadata; an empty value hides the key.
  func setMetadata(_ key: String, to value: String, of machineID: String) async throws(EtcdError) -> EtcdIndex {
    let place = RegistryLayout.Place.machineMetadata(machineID: machineID, key: key)
    return try await store.write(
      layout.key(place),
      .set(value: value, isDirectory: false, ttl: .permanent, refresh: false)
    )
  }
}

extension ClusterTask {
  /// The one conditional write that carries a task out.
  func write(in layout: RegistryLayout) -> (key: String, write: KeysWrite) {
    let key = layout.key(.target(job))
    switch self {
    case .schedule(_, let machineID, _):
      return (key, .create(value: machineID, isDirectory: false, ttl: .permanent))
    case .unschedule(_, let machineID, _):
      return (key, .compareAndDelete(comparison: Comparison(previousValue: machineID)))
    case .move(_, let from, let to, _):
      let comparison = Comparison(previousValue: from)
      return (key, .compareAndSwap(value: to, comparison: comparison, ttl: .permanent, refresh: false))
    }
  }
}
