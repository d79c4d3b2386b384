// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import Fleet
@_spi(Simulation) import FleetDaemon
import FleetWire

/// Presence, the lease and the engine of each machine, as their production shells do it.
extension SimulatedFleet {
  // MARK: Machines come and go

  func powerOn(_ machine: FleetMachine) {
    guard !machine.isPowered else { return }
    machine.isPowered = true
    startNode(machine)
  }

  func powerOff(_ machine: FleetMachine) {
    guard machine.isPowered else { return }
    trace.add(now, "m\(machine.number)", "loses power")
    for unit in machine.units.keys.sorted() { checker.ended(unit, on: machine.number) }
    (machine.units, machine.busy) = ([:], [])
    stopNode(machine)
    machine.isPowered = false
  }

  /// The node's process dies; its units run on.
  func stopNode(_ machine: FleetMachine) {
    guard machine.isNodeUp else { return }
    trace.add(now, "m\(machine.number)", "node dies")
    machine.isNodeUp = false
    machine.forget()
    noteReach(of: machine)
  }

  func startNode(_ machine: FleetMachine) {
    guard machine.isPowered, !machine.isNodeUp else { return }
    trace.add(now, "m\(machine.number)", "node starts")
    machine.isNodeUp = true
    machine.forget()
    noteReach(of: machine)
    follow(machine)
    showPresence(machine)
    every(machine.configuration.rhythm.lease.wholeMilliseconds, on: machine) { [unowned self] in leaseTurn(machine) }
    every(Self.tick, on: machine) { [unowned self] in
      wakeAgent(machine)
      publish(machine)
      pass(machine)
    }
  }

  func cutOff(_ machine: FleetMachine, _ isCutOff: Bool) {
    guard machine.isCutOff != isCutOff else { return }
    trace.add(now, "m\(machine.number)", isCutOff ? "is cut off" : "is connected again")
    machine.isCutOff = isCutOff
    noteReach(of: machine)
    // Whoever is cut off may go on for a while with what it saw; once connected, it looks anew.
    if !isCutOff || sharesView || random.chance(50) { machine.isFollowing = false }
  }

  func setStore(_ condition: FleetStore.Condition) {
    trace.add(now, "store", "is \(condition)")
    store.condition = condition
    if condition == .failing { for machine in machines { machine.isFollowing = false } }
    for machine in machines { noteReach(of: machine) }
  }

  private func noteReach(of machine: FleetMachine) {
    if machine.isReachable, let since = machine.unreachableSince {
      machine.absences = machine.absences.suffix(20) + [since..<now]
      machine.unreachableSince = nil
    } else if !machine.isReachable, machine.unreachableSince == nil {
      machine.unreachableSince = now
    }
    let isConnected = machine.isReachable && store.condition == .working
    if !isConnected {
      machine.connectedSince = nil
    } else if machine.connectedSince == nil {
      machine.connectedSince = now
    }
  }

  private func every(_ interval: Int, on machine: FleetMachine, _ action: @escaping () -> Void) {
    after(draw(0...interval), on: machine) { [unowned self] in
      action()
      repeatTick(interval, on: machine, action)
    }
  }

  private func repeatTick(_ interval: Int, on machine: FleetMachine, _ action: @escaping () -> Void) {
    after(interval, on: machine) { [unowned self] in
      action()
      repeatTick(interval, on: machine, action)
    }
  }

  /// Lists the registry and watches it, again whenever that ends.
  private func follow(_ machine: FleetMachine) {
    after(50, on: machine) { [unowned self] in
      if !machine.isFollowing, machine.isReachable, store.condition == .working {
        if !sharesView {
          machine.view.registry.list(store.listing(at: now), at: store.etcdIndex)
          machine.view.busyUntil = now
        }
        machine.isFollowing = true
        machine.engine.reset()
        wakeAgent(machine)
        publish(machine)
        leaseTurn(machine)
      }
      follow(machine)
    }
  }

  private var sharesView: Bool { machines.count > 1 && machines[0].view === machines[1].view }

  // MARK: Presence

  private func showPresence(_ machine: FleetMachine, isPatient: Bool = true) {
    guard machine.isRegistered else { return register(machine) }
    let rhythm = machine.configuration.rhythm
    let patience = isPatient ? rhythm.patience.wholeMilliseconds : 0
    let refresh = KeyRefresh(
      key: store.layout.key(.machine(machine.id)),
      ttlSeconds: machine.configuration.lives.presence
    )
    let timeout = patience + rhythm.timeout.wholeMilliseconds
    let sentAt = time
    let goOn: (Result<Event, EtcdError>?) -> Void = { [unowned self] answer in
      // Expired: registered anew at once, and never counted as gone by its own agent.
      if case .failure = answer { register(machine) } else { noteAnswer(answer, machine, sentAt: sentAt) }
    }
    if isPatient {
      sendRefresh(refresh, patience: patience, from: machine, timeout: timeout, goOn)
    } else {
      let write = KeysWrite.update(value: nil, ttl: .seconds(refresh.ttlSeconds), refresh: true)
      send(refresh.key, write, from: machine, timeout: timeout, goOn)
    }
  }

  private func register(_ machine: FleetMachine) {
    let key = store.layout.key(.machine(machine.id))
    let ttl = TTLChange.seconds(machine.configuration.lives.presence)
    let value = machine.configuration.presenceValue
    let set = KeysWrite.set(value: value, isDirectory: false, ttl: ttl, refresh: false)
    let timeout = machine.configuration.rhythm.timeout.wholeMilliseconds
    let sentAt = time
    send(key, set, from: machine, timeout: timeout) { [unowned self] answer in
      if case .success = answer, !machine.isRegistered {
        machine.isRegistered = true
        wakeAgent(machine)
        publish(machine)
      }
      noteAnswer(answer, machine, sentAt: sentAt)
    }
  }

  private func noteAnswer(_ answer: Result<Event, EtcdError>?, _ machine: FleetMachine, sentAt: Duration) {
    let rhythm = machine.configuration.rhythm
    switch answer {
    case .success: machine.stability.storeAnswered(at: time)
    case .failure: break
    case nil: machine.stability.storeFailed(at: time, sentAt: sentAt)
    }
    let pause = answer == nil ? rhythm.retry : rhythm.pause
    after(pause.wholeMilliseconds, on: machine) { [unowned self] in showPresence(machine, isPatient: answer != nil) }
  }

  // MARK: The lease

  func isLeading(_ machine: FleetMachine) -> Bool {
    if brokenRule == .manyLeaders { return machine.isFollowing }
    return machine.leaseHeldSince.map { now - $0 <= Int(machine.configuration.lives.lease) * 1_000 } ?? false
  }

  func leaseTurn(_ machine: FleetMachine) {
    guard machine.isFollowing, machine.isRegistered else { return machine.leaseHeldSince = nil }
    let holder = machine.view.registry.leaseHolder
    guard let write = machine.configuration.leaseWrite(holder: holder) else { return machine.leaseHeldSince = nil }
    guard holder == nil, !isLeading(machine) else { return take(write, machine) }
    let place = machine.view.registry.machineIDs.count { $0 < machine.id }
    after(min(15 * place, 300), on: machine) { [unowned self] in
      if machine.view.registry.leaseHolder == nil { take(write, machine) }
    }
  }

  private func take(_ write: KeysWrite, _ machine: FleetMachine) {
    let key = store.layout.key(.engineLease)
    let timeout = machine.configuration.rhythm.timeout.wholeMilliseconds
    let sentAt = time
    send(key, write, from: machine, timeout: timeout) { [unowned self] answer in
      switch answer {
      case .success:
        let wasLeading = isLeading(machine)
        machine.leaseHeldSince = now
        machine.stability.storeAnswered(at: time)
        guard !wasLeading else { return }
        trace.add(now, "m\(machine.number)", "leads")
        pass(machine)
      case .failure: machine.leaseHeldSince = nil
      case nil: machine.stability.storeFailed(at: time, sentAt: sentAt)
      }
    }
  }

  // MARK: The engine

  func note(_ wakes: RegistryWakes, on machine: FleetMachine) {
    machine.engine.note(wakes)
    pass(machine)
  }

  func pass(_ machine: FleetMachine) {
    guard isLeading(machine), machine.isFollowing else { return machine.engine.reset() }
    guard machine.view.registry.isPresent(machine.id) else { return }
    machine.isEngineWoken = true
    guard !machine.isPassing else { return }
    machine.isPassing = true
    machine.isEngineWoken = false
    let isSettled = isSettled(machine)
    let start = ContinuousClock.now
    var tasks = machine.engine.plan(machine.view.registry, isSettled: isSettled)
    planningTime += ContinuousClock.now - start
    if brokenRule == .leaveBehind { tasks.removeAll { $0.lostMachineID != nil } }
    let stale = isSettled ? machine.engine.staleStates(machine.view.registry, at: time) : []
    if isSettled, tasks.isEmpty, stale.isEmpty, let step = machine.engine.rebalance(machine.view.registry, at: time) {
      return carryOut(step.record, step.tasks, on: machine)
    }
    carryOut(tasks[...], stale, on: machine, newest: .zero)
  }

  /// A step of a rebalancing: what is to be known first, and then the rest.
  private func carryOut(
    _ record: (key: String, write: KeysWrite)?,
    _ tasks: [ClusterTask],
    on machine: FleetMachine
  ) {
    guard let (key, write) = record else { return carryOut(tasks[...], [], on: machine, newest: .zero) }
    engineStep(machine)
    send(key, write, from: machine) { [unowned self] answer in
      guard case .success(let event) = answer else { return endPass(machine, .zero) }
      carryOut(tasks[...], [], on: machine, newest: event.etcdIndex)
    }
  }

  private func carryOut(
    _ tasks: ArraySlice<ClusterTask>,
    _ stale: [(key: String, write: KeysWrite)],
    on machine: FleetMachine,
    newest: EtcdIndex
  ) {
    let tasks = tasks.drop { mayNotBeCarriedOut($0, by: machine) }
    let batch = tasks.prefix(Self.writesAtOnce).prefix { !mayNotBeCarriedOut($0, by: machine) }
    guard !batch.isEmpty || !stale.isEmpty else { return endPass(machine, newest) }
    var open = batch.count + stale.count
    var newest = newest
    let close: (Result<Event, EtcdError>?) -> Void = { [unowned self] answer in
      open -= 1
      if case .success(let event) = answer { newest = max(newest, event.etcdIndex) }
      if open == 0 { carryOut(tasks.dropFirst(batch.count), [], on: machine, newest: newest) }
    }
    for task in batch {
      var (key, write) = task.carryingOut(in: store.layout)
      if brokenRule == .manyLeaders, let to = task.destination {
        write = .set(value: to, isDirectory: false, ttl: .permanent, refresh: false)
      }
      engineStep(machine)
      send(key, write, from: machine, applied: { [unowned self] in applied(task, $0, machine) }, close)
    }
    for (key, write) in stale { send(key, write, from: machine, close) }
  }

  private func isSettled(_ machine: FleetMachine) -> Bool {
    brokenRule == .believeAbsence || machine.stability.isSettled(at: time)
  }

  /// Whether a machine that was lost when it was decided may not be by now.
  private func mayNotBeCarriedOut(_ task: ClusterTask, by machine: FleetMachine) -> Bool {
    guard let lost = task.lostMachineID else { return false }
    return !isSettled(machine) || machine.view.registry.isPresent(lost)
  }

  private func applied(_ task: ClusterTask, _ result: Result<Event, EtcdError>, _ machine: FleetMachine) {
    guard case .success = result else { return }
    trace.add(now, "m\(machine.number)", "engine: \(task)")
    if case .schedule = task { plannedPlacements += 1 }
    if let from = task.lostMachineID, let host = machines.first(where: { $0.id == from }) {
      plannedPlacements += task.destination == nil ? 0 : 1
      checker.movedAway(task.job, from: host, ttlMilliseconds: ttlMilliseconds, at: now)
    }
    engineStep(machine)
  }

  /// One step of a placement, at which the engine may be killed.
  private func engineStep(_ machine: FleetMachine) {
    engineSteps += 1
    guard engineSteps == killEngineAtStep else { return }
    trace.add(now, "m\(machine.number)", "engine killed at step \(engineSteps)")
    powerOff(machine)
    after(20_000) { [unowned self] in powerOn(machine) }
  }

  /// The next pass sees what this one wrote.
  private func endPass(_ machine: FleetMachine, _ index: EtcdIndex) {
    whenSeen(index, by: machine) { [unowned self] in
      machine.isPassing = false
      if machine.isEngineWoken { pass(machine) }
    }
  }

  /// Goes on once a machine sees what was written, or when that takes too long.
  func whenSeen(_ index: EtcdIndex, by machine: FleetMachine, _ goOn: @escaping () -> Void) {
    let deadline = now + Self.requestTimeout
    func wait() {
      guard machine.view.registry.index < index, now < deadline, machine.isFollowing else { return goOn() }
      after(5, on: machine, wait)
    }
    wait()
  }
}

extension ClusterTask {
  fileprivate var destination: String? {
    switch self {
    case .schedule(_, let to, _), .move(_, _, let to, _): to
    case .unschedule: nil
    }
  }
}
