// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import Fleet
@_spi(Simulation) import FleetDaemon
import FleetWire
@_spi(Simulation) import Raft
import Units

/// A fleet whose engine and agents are production's cores, over a simulated store, network and clock.
///
/// Units: all times are milliseconds since the start.
final class SimulatedFleet {
  /// A rule that is broken on purpose.
  enum BrokenRule: String, CaseIterable {
    /// A machine whose presence is gone is lost at once, whatever the store did.
    case believeAbsence = "believe-absence"
    /// Agents start what is placed with them without waiting until another machine has stopped it.
    case startAtOnce = "start-at-once"
    /// Agents that cannot see the registry stop what they do not see wanted.
    case blindAgents = "blind-agents"
    /// Units of lost machines are left there.
    case leaveBehind = "leave-behind"
    /// Everybody leads, and overwrites what others wrote.
    case manyLeaders = "many-leaders"
  }

  /// What is wanted of a unit.
  struct Wish {
    var file: UnitFile
    var hash: UnitHash
    var isGlobal: Bool
    var isLaunched: Bool
    /// Since when it is as it is.
    var since: Int
  }

  let machines: [FleetMachine]
  let ttl: Duration
  let brokenRule: BrokenRule?
  private let sharedView: FleetView?
  var store = FleetStore()
  /// The registry without any delay.
  var truth: RegistryCore
  /// When each unit's place last changed.
  var placedAt: [String: Int] = [:]
  /// When units were last being handed over by a rebalancing: they may run twice meanwhile.
  var givenAt: [String: Int] = [:]
  var wishes: [String: Wish] = [:]
  /// Units that run on every machine, destroyed ones included.
  var globals: Set<String> = []
  var agenda = FleetAgenda()
  var checker = FleetChecker()
  var trace: Trace
  var random: SplitMix64
  private(set) var now = 0
  /// Steps of engines: writes on their way, and writes that took effect.
  var engineSteps = 0
  /// Kills the engine's machine at this step.
  var killEngineAtStep: Int?
  /// The time that decisions of engines took of the real computer.
  var planningTime = Duration.zero
  /// Places that engines decided on.
  var plannedPlacements = 0

  static let writesAtOnce = 64
  static let requestTimeout = 3_000
  static let tick = 2_000

  init(seed: UInt64, machineCount: Int, ttl: Duration, sharesView: Bool, breaking rule: BrokenRule?, keepsTrace: Bool) {
    self.ttl = ttl
    brokenRule = rule
    random = SplitMix64(seed: seed)
    trace = Trace(keepsLines: keepsTrace)
    let layout = store.layout
    truth = RegistryCore(layout: layout)
    let shared = sharesView ? FleetView(layout: layout) : nil
    sharedView = shared
    machines = (0..<machineCount).map {
      FleetMachine(number: $0, ttl: ttl, view: shared ?? FleetView(layout: layout))
    }
  }

  var ttlMilliseconds: Int { ttl.wholeMilliseconds }
  var time: Duration { .milliseconds(now) }

  // MARK: Time

  func after(_ delay: Int, _ action: @escaping () -> Void) { agenda.add(at: now + max(delay, 0), action) }

  /// Does something later if the node's process still lives then.
  func after(_ delay: Int, on machine: FleetMachine, _ action: @escaping () -> Void) {
    let life = machine.life
    after(delay) { if machine.life == life, machine.isPowered, machine.isNodeUp { action() } }
  }

  func draw(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }

  /// Lets time pass until a moment, or until a rule is violated.
  func run(until end: Int) {
    while checker.violation == nil, let next = agenda.nextTime, next <= end {
      now = next
      agenda.next()?()
    }
    now = max(now, end)
  }

  /// Begins what goes on without end: expiry, and a look at the whole.
  func begin() {
    repeatedly(every: 100) { [unowned self] in spread(store.expire(at: now)) }
    repeatedly(every: 1_000) { [unowned self] in
      checker.look(at: machines, mayRunTwice: { [unowned self] in mayRunTwice($0) }, now: now)
    }
  }

  private func repeatedly(every interval: Int, _ action: @escaping () -> Void) {
    action()
    after(interval) { [unowned self] in repeatedly(every: interval, action) }
  }

  // MARK: The store

  /// Sends a write; the answer is nil when it is unknown what became of it.
  func send(
    _ key: String,
    _ write: KeysWrite,
    from machine: FleetMachine,
    timeout: Int = requestTimeout,
    applied: @escaping (Result<Event, EtcdError>) -> Void = { _ in },
    _ answered: @escaping (Result<Event, EtcdError>?) -> Void
  ) {
    let sentAt = now
    func lose(failing: Bool = false) {
      after(failing ? 5 : sentAt + timeout - now, on: machine) { answered(nil) }
    }
    guard !machine.isCutOff, store.condition == .working else { return lose(failing: store.condition == .failing) }
    after(draw(1...8)) { [unowned self] in
      // What left the machine arrives, even when its sender is gone by now.
      guard store.condition == .working else { return lose() }
      let (result, events) = store.apply(key, write, at: now)
      spread(events)
      applied(result)
      after(draw(1...8)) { [unowned self] in
        guard !machine.isCutOff else { return lose() }
        after(0, on: machine) { answered(result) }
      }
    }
  }

  /// Sends a refresh that the store may keep back; the answer is nil when it is unknown what became of it.
  func sendRefresh(
    _ refresh: KeyRefresh,
    patience: Int,
    from machine: FleetMachine,
    timeout: Int,
    _ answered: @escaping (Result<Event, EtcdError>?) -> Void
  ) {
    var isAnswered = false
    func answer(_ result: Result<Event, EtcdError>?) {
      guard !isAnswered else { return }
      isAnswered = true
      answered(result)
    }
    guard !machine.isCutOff, store.condition != .failing else { return after(5, on: machine) { answer(nil) } }
    after(timeout, on: machine) { answer(nil) }
    after(draw(1...8)) { [unowned self] in
      guard store.condition == .working else { return }
      let member = machine.number % FleetStore.memberCount
      store.gather(refresh, patience: patience, at: now, by: member) { [unowned self] result in
        after(draw(1...8)) { [unowned self] in
          if !machine.isCutOff { after(0, on: machine) { answer(result) } }
        }
      }
      after(patience) { [unowned self] in
        for (waiter, result) in store.applyRefreshes(at: now) { waiter(result) }
      }
    }
  }

  /// A write of a client.
  func write(_ place: RegistryLayout.Place, _ write: KeysWrite) {
    spread(store.apply(store.layout.key(place), write, at: now).1)
  }

  /// Tells everybody of events.
  func spread(_ events: [Event]) {
    for event in events {
      let wakes = truth.apply(event)
      for unit in wakes.units { placedAt[unit] = now }
      for unit in truth.currentMove?.units ?? [] { givenAt[unit] = now }
      if let sharedView {
        deliver(event, to: sharedView, machines)
      } else {
        for machine in machines where machine.isFollowing && !machine.isCutOff {
          deliver(event, to: machine.view, [machine])
        }
      }
    }
  }

  private func deliver(_ event: Event, to view: FleetView, _ followers: [FleetMachine]) {
    view.busyUntil = max(view.busyUntil, now + draw(1...20))
    let life = followers.first?.life
    agenda.add(at: view.busyUntil) { [unowned self] in
      if sharedView == nil {
        guard let machine = followers.first, machine.isFollowing, machine.life == life else { return }
        guard event.etcdIndex > view.registry.index else { return }
      }
      let before = Set([event.node.key].compactMap(unit).compactMap { view.registry.target(of: $0) })
      let wakes = view.registry.apply(event)
      var concerned = before.union(wakes.units.compactMap { view.registry.target(of: $0) }).union(wakes.machines)
      if let unit = unit(of: event.node.key) {
        if let target = view.registry.target(of: unit) { concerned.insert(target) }
        if let move = view.registry.currentMove, move.units.contains(unit) { concerned.insert(move.from) }
      } else if let move = view.registry.currentMove {
        concerned.formUnion([move.from, move.to])
      }
      let concernsAll = wakes.units.contains { view.registry.isGlobal($0) }
      for machine in followers where machine.isFollowing {
        if !wakes.units.isEmpty || !wakes.machines.isEmpty || wakes.wakesEngine { note(wakes, on: machine) }
        if wakes.concernsLease { leaseTurn(machine) }
        if concernsAll || concerned.contains(machine.id) { wakeAgent(machine) }
      }
    }
  }

  /// The unit that a key is about.
  private func unit(of key: String) -> String? {
    let parts = key.dropFirst(store.layout.prefix.count + 1).split(separator: "/")
    return parts.count > 1 && ["job", "states"].contains(parts[0]) ? String(parts[1]) : nil
  }
}

extension Duration {
  var wholeMilliseconds: Int {
    let (seconds, attoseconds) = components
    return Int(seconds) * 1_000 + Int(attoseconds / 1_000_000_000_000_000)
  }
}
