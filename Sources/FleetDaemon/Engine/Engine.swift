// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import Fleet
import FleetWire
import Logging

/// Places units while this machine leads: woken by changes, it looks at the whole cluster and writes what has to change.
struct Engine: Sendable {
  let configuration: FleetConfiguration
  let registry: Registry
  let view: RegistryView
  let presence: Presence
  let lease: EngineLease
  let logger: Logger

  /// How many writes of one pass are under way at once.
  static let writesAtOnce = 64

  func run() async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask {
        while !Task.isCancelled {
          try? await registry.store.clock.sleep(for: configuration.reconcileInterval)
          view.engineSignal.wake()
        }
      }
      var leftovers = Leftovers()
      var unplaced: [String] = []
      for await _ in view.engineSignal.wakes {
        guard lease.isHeld, view.isLive else {
          leftovers = Leftovers()
          continue
        }
        await pass(&leftovers, &unplaced)
      }
      await group.waitForAll()
    }
  }

  private func pass(_ leftovers: inout Leftovers, _ unplaced: inout [String]) async {
    let image = view.image
    // Without the own machine the image is not one of a cluster this machine belongs to.
    guard image.machines[configuration.machineID] != nil else { return }
    let isSettled = presence.isStoreSettled
    let plan = ClusterReconciler.plan(for: image.snapshot(areAbsentMachinesLost: isSettled))
    await carryOut(plan.tasks)
    if isSettled { await removeStatesOfLostMachines(image) }
    await removeLeftovers(image, &leftovers)
    if plan.unplaced != unplaced {
      unplaced = plan.unplaced
      for name in unplaced {
        logger.info("no machine takes the unit", metadata: ["unit.name": "\(name)"])
      }
    }
  }

  private func carryOut(_ tasks: [ClusterTask]) async {
    guard !tasks.isEmpty else { return }
    let indexes = await BoundedTasks.run(tasks, atOnce: Self.writesAtOnce) { task in
      do throws(EtcdError) {
        let index = try await registry.carryOut(task)
        log(task, failure: nil)
        return index
      } catch {
        log(task, failure: error)
        return EtcdIndex.zero
      }
    }
    let newest = indexes.max() ?? .zero
    await view.waitUntil(newest, within: configuration.requestTimeout, clock: registry.store.clock)
  }

  private func log(_ task: ClusterTask, failure: EtcdError?) {
    var metadata: Logger.Metadata = ["unit.name": "\(task.job)", "task.reason": "\(task.reason)"]
    switch task {
    case .schedule(_, let to, _): metadata["machine.to"] = "\(to)"
    case .unschedule(_, let from, _): metadata["machine.from"] = "\(from)"
    case .move(_, let from, let to, _):
      metadata["machine.from"] = "\(from)"
      metadata["machine.to"] = "\(to)"
    }
    if let failure {
      metadata["store.error"] = "\(failure)"
      logger.warning("engine could not carry out a task", metadata: metadata)
    } else {
      logger.notice("engine carried out a task", metadata: metadata)
    }
  }

  /// What a lost machine said about its units is no longer true.
  private func removeStatesOfLostMachines(_ image: RegistryImage) async {
    var stale: [(unit: String, machineID: String, index: EtcdIndex)] = []
    for (unit, byMachine) in image.unitStates {
      for (id, unitState) in byMachine where image.machines[id] == nil {
        stale.append((unit, id, unitState.index))
      }
    }
    await BoundedTasks.run(stale, atOnce: Self.writesAtOnce) { entry in
      await registry.removeUnitState(of: entry.unit, on: entry.machineID, at: entry.index)
    }
  }

  private func removeLeftovers(_ image: RegistryImage, _ leftovers: inout Leftovers) async {
    let now = registry.store.clock.now()
    let due = leftovers.due(in: image, at: now, after: configuration.reconcileInterval)
    await BoundedTasks.run(due, atOnce: Self.writesAtOnce) { leftover in
      switch leftover {
      case .unit(let name):
        if let job = image.jobs[name] { await registry.removeLeftovers(of: name, job) }
      case .file(let hash):
        await registry.removeFileIfUnused(hash)
      }
    }
  }
}
