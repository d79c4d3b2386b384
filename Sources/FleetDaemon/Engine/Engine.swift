// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import Fleet
import FleetWire
import Logging

/// Places units while this machine leads: woken by changes, it looks at what they concern and writes what has to change.
struct Engine: Sendable {
  let configuration: FleetConfiguration
  let registry: Registry
  let view: RegistryView
  let presence: Presence
  let lease: EngineLease
  let meter: EngineMeter
  let logger: Logger

  /// How many writes of one pass are under way at once.
  static let writesAtOnce = 64
  /// How often is looked at rolls and rebalancings that go on.
  static let watchInterval = Duration.milliseconds(500)

  func run() async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask {
        while !Task.isCancelled {
          // What has to last for a while is looked at more often than what is told when it changes.
          let interval = view.read(\.isWatchingTime) ? Self.watchInterval : configuration.reconcileInterval
          try? await registry.store.clock.sleep(for: min(interval, configuration.reconcileInterval))
          view.engineSignal.wake()
        }
      }
      var planner = EnginePlanner()
      for await _ in view.engineSignal.wakes {
        guard lease.isHeld, view.isLive else {
          planner.reset()
          view.forgetEngineChanges()
          continue
        }
        await pass(&planner)
      }
      await group.waitForAll()
    }
  }

  private func pass(_ planner: inout EnginePlanner) async {
    // Without the own machine the image is not one of a cluster this machine belongs to.
    guard view.read({ $0.machines[configuration.machineID] != nil }) else { return }
    KillPoint.pass("engine-before-plan")
    planner.follow(view.takeEngineChanges())
    let isSettled = presence.isStoreSettled
    let now = registry.store.clock.now()
    let plan = planner.plan(isSettled: isSettled, draining: view.read(\.machinesReadyToDrain))
    meter.passed(plan)
    let rubbish = view.read { image in
      planner.rubbish(in: image, isSettled: isSettled, at: now, after: configuration.reconcileInterval)
    }
    if !plan.tasks.isEmpty { KillPoint.pass("engine-after-plan") }
    await carryOut(plan.tasks)
    await BoundedTasks.run(rubbish.staleStates, atOnce: Self.writesAtOnce) { entry in
      guard isLost(entry.machineID) else { return }
      await registry.removeUnitState(of: entry.unit, on: entry.machineID, at: entry.index)
    }
    await remove(rubbish.leftovers)
    await goOn(&planner, isSettled: isSettled && presence.isStoreSettled, isQuiet: plan.tasks.isEmpty, at: now)
    for name in plan.newlyUnplaced {
      logger.info("no machine takes the unit", metadata: ["unit.name": "\(name)"])
    }
    // The events of these writes wake this loop again; that they were as many as one pass may do, does too.
    if plan.tasks.count >= EnginePlanner.placementsAtOnce { view.engineSignal.wake() }
  }

  /// Whether a machine that was taken for lost still is: earlier writes of a pass may have had to wait for long.
  private func isLost(_ machineID: String) -> Bool {
    presence.isStoreSettled && view.read { $0.machines[machineID] == nil }
  }

  private func carryOut(_ tasks: [ClusterTask]) async {
    guard !tasks.isEmpty else { return }
    let indexes = await BoundedTasks.run(tasks, atOnce: Self.writesAtOnce) { task in
      // What is left undone is planned anew at the next pass, if it is still to be done.
      if let lost = task.lostMachineID, !isLost(lost) { return EtcdIndex.zero }
      do throws(EtcdError) {
        KillPoint.pass("engine-before-write", task.job)
        let index = try await registry.carryOut(task)
        KillPoint.pass("engine-after-write", task.job)
        log(task, failure: nil)
        return index
      } catch {
        log(task, failure: error)
        return EtcdIndex.zero
      }
    }
    KillPoint.pass("engine-after-writes")
    let newest = indexes.max() ?? .zero
    await view.waitUntil(newest, within: configuration.requestTimeout, clock: registry.store.clock)
  }

  private func log(_ task: ClusterTask, failure: EtcdError?) {
    meter.carriedOut(task, isFailed: failure != nil)
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

  private func remove(_ leftovers: [Leftovers.Leftover]) async {
    await BoundedTasks.run(leftovers, atOnce: Self.writesAtOnce) { leftover in
      switch leftover {
      case .unit(let name):
        if let job = view.read({ $0.jobs[name] }), job.hash == nil { await registry.removeLeftovers(of: name, job) }
      case .file(let hash):
        await registry.removeFileIfUnused(hash)
      }
    }
  }
}
