// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import Fleet
@_spi(Simulation) import FleetDaemon
import FleetWire
import Units

/// The agent and the publisher of each machine, and the units they have to do with.
extension SimulatedFleet {
  // MARK: The agent

  func wakeAgent(_ machine: FleetMachine) {
    guard machine.isNodeUp, !machine.isAgentWoken else { return }
    machine.isAgentWoken = true
    after(draw(0...2), on: machine) { [unowned self] in
      machine.isAgentWoken = false
      reconcile(machine)
    }
  }

  private func reconcile(_ machine: FleetMachine) {
    if brokenRule == .blindAgents, !machine.isFollowing {
      for unit in machine.units.keys.sorted() where !machine.busy.contains(unit) { unload(unit, machine) }
    }
    let registry = machine.view.registry
    guard machine.isFollowing, machine.isRegistered, registry.isPresent(machine.id) else { return }
    var plan = registry.agentPlan(on: machine.id, current: machine.currentUnits, busy: machine.busy)
    if brokenRule == .startAtOnce { plan.starts += plan.waits }
    guard !plan.isEmpty else { return }
    for task in plan.unloads { unload(task.unit, machine) }
    for task in plan.loads {
      guard let name = try? UnitName(task.unit), let hash = registry.hash(of: task.unit) else { continue }
      machine.units[task.unit] = SupervisedUnit(name: name, hash: hash, unitState: .dead, isStartRequested: false)
    }
    for task in plan.stops { stop(task.unit, machine) { machine in machine.units[task.unit]?.unitState = .dead } }
    for task in plan.starts { start(task.unit, machine) }
    publish(machine)
  }

  private func start(_ unit: String, _ machine: FleetMachine) {
    machine.units[unit]?.isStartRequested = true
    machine.units[unit]?.unitState = .starting
    trace.add(now, "m\(machine.number)", "starts \(unit)")
    checker.started(unit, on: machine, mayRunTwice: mayRunTwice(unit), among: machines, at: now)
    after(draw(20...200)) { [unowned self] in
      guard machine.units[unit]?.unitState == .starting else { return }
      machine.units[unit]?.unitState = .running
      publish(machine)
    }
  }

  private func unload(_ unit: String, _ machine: FleetMachine) {
    stop(unit, machine) { machine in machine.units[unit] = nil }
  }

  /// Stops a unit, which takes its time; the node may die meanwhile, the stop goes on.
  private func stop(_ unit: String, _ machine: FleetMachine, _ end: @escaping (FleetMachine) -> Void) {
    guard let present = machine.units[unit] else { return }
    machine.busy.insert(unit)
    guard present.unitState != .dead else { return ended(unit, machine, end) }
    trace.add(now, "m\(machine.number)", "stops \(unit)")
    checkNeed(toStop: unit, of: present.hash, on: machine)
    machine.units[unit]?.isStartRequested = false
    machine.units[unit]?.unitState = .stopping
    publish(machine)
    after(draw(50...2_000)) { [unowned self] in
      guard machine.units[unit]?.unitState == .stopping else { return }
      ended(unit, machine, end)
    }
  }

  private func ended(_ unit: String, _ machine: FleetMachine, _ end: (FleetMachine) -> Void) {
    checker.ended(unit, on: machine.number)
    machine.busy.remove(unit)
    end(machine)
    publish(machine)
    wakeAgent(machine)
  }

  /// A unit that belongs where it is, and has for some time, is not stopped.
  private func checkNeed(toStop unit: String, of hash: UnitHash, on machine: FleetMachine) {
    guard let wish = wishes[unit], wish.isLaunched, wish.hash == hash else { return }
    let settled = now - FleetChecker.graceMilliseconds
    guard wish.since < settled else { return }
    let isPlacedHere =
      wish.isGlobal || (truth.target(of: unit) == machine.id && placedAt[unit] ?? 0 < settled)
    if isPlacedHere {
      checker.report("nothing without need", "machine \(machine.number) stops \(unit), which belongs to it")
    }
  }

  /// Whether a unit may be on several machines: it is global, or being handed over, or has been a moment ago.
  func mayRunTwice(_ unit: String) -> Bool {
    if globals.contains(unit) || truth.currentMove?.units.contains(unit) ?? false { return true }
    return givenAt[unit].map { now - $0 < FleetChecker.graceMilliseconds } ?? false
  }

  // MARK: The publisher

  func publish(_ machine: FleetMachine) {
    guard machine.isNodeUp, machine.isFollowing, machine.isRegistered else { return }
    machine.isPublisherWoken = true
    guard !machine.isPublishing else { return }
    machine.isPublishing = true
    after(1, on: machine) { [unowned self] in publishNow(machine) }
  }

  private func publishNow(_ machine: FleetMachine) {
    machine.isPublisherWoken = false
    let writes = machine.view.registry.publications(on: machine.id, units: machine.units)
    guard !writes.isEmpty else { return machine.isPublishing = false }
    var open = writes.count
    var newest = EtcdIndex.zero
    for (key, write) in writes {
      send(key, write, from: machine) { [unowned self] answer in
        open -= 1
        if case .success(let event) = answer { newest = max(newest, event.etcdIndex) }
        if open == 0 { endPublishing(machine, newest) }
      }
    }
  }

  private func endPublishing(_ machine: FleetMachine, _ index: EtcdIndex) {
    whenSeen(index, by: machine) { [unowned self] in
      machine.isPublishing = false
      if machine.isPublisherWoken { publish(machine) }
    }
  }
}
