// SPDX-License-Identifier: Apache-2.0
@_spi(Simulation) import FleetDaemon
import Units

/// What a fleet promises, checked against what really runs where.
///
/// - *never two*: no unit is started on a machine while another machine runs it that has been able to hear of it, but
///   for one that a rebalancing hands over.
/// - *nothing without need*: no unit is taken from a machine that was there, and no unit is stopped that belongs.
/// - *none lost*, *convergence*: once faults stop, each wanted unit runs once, where it is placed.
struct FleetChecker {
  private(set) var violation: Violation?
  /// Where processes of units are, by unit, with the time of their start.
  private(set) var running: [String: [Int: Int]] = [:]
  private(set) var startCount = 0
  private(set) var moveCount = 0

  /// How long a machine that is back may take to hear that a unit of its is elsewhere by now, and to stop it.
  static let graceMilliseconds = 6_000

  /// What a request, its answer and the news of it to the engine may take.
  private static let latencyMilliseconds = 500

  mutating func report(_ rule: String, _ detail: String) {
    if violation == nil { violation = Violation(rule: rule, detail: detail) }
  }

  /// A unit's processes start.
  mutating func started(
    _ unit: String,
    on machine: FleetMachine,
    mayRunTwice: Bool,
    among machines: [FleetMachine],
    at now: Int
  ) {
    startCount += 1
    if !mayRunTwice {
      for number in (running[unit] ?? [:]).keys.sorted() where number != machine.number {
        let other = machines[number]
        guard Self.hasBeenConnected(machine, at: now), Self.hasBeenConnected(other, at: now) else { continue }
        report("never two", "\(unit) starts on machine \(machine.number) while it runs on machine \(number)")
      }
    }
    running[unit, default: [:]][machine.number] = now
  }

  /// A unit's processes are gone.
  mutating func ended(_ unit: String, on number: Int) {
    running[unit]?[number] = nil
    if running[unit]?.isEmpty ?? false { running[unit] = nil }
  }

  /// The engine took a unit from a machine because that went away.
  ///
  /// That it was silent for a whole TTL is the store's own rule. When the store was out for part of that time, the engine
  /// waits until every machine that is there has had time for a refresh and a second try (``StoreStability``), and takes
  /// the rest for lost. So a machine may lose its units that was out of reach by its own fault for only a moment, if it was
  /// the moment of that second try: the store was silent for 5 s of a TTL of 6 s, and the machine was cut off 1.2 s after
  /// its end, 0.3 s before it would have tried again (seed 933). Nobody could have known that it would be back; to wait for
  /// a whole TTL of its own would keep units down for that long whenever a machine dies with the store's leader.
  ///
  /// What must not be: that all of the silence was the store's fault, or nearly so, or that the machine has been within
  /// reach of a store that works for as long as a lost refresh and a second try take.
  mutating func movedAway(_ unit: String, from machine: FleetMachine, ttlMilliseconds ttl: Int, at now: Int) {
    moveCount += 1
    let absence = machine.absence(since: now - ttl - Self.graceMilliseconds, until: now)
    if absence < ttl / 20 {
      report(
        "nothing without need",
        "\(unit) is taken from machine \(machine.number), which was out of reach for \(absence) ms only"
      )
    }
    let rhythm = machine.configuration.rhythm
    let secondTry = (rhythm.patience + rhythm.timeout + rhythm.retry).wholeMilliseconds + Self.latencyMilliseconds
    if let since = machine.connectedSince, now - since > secondTry {
      report(
        "nothing without need",
        "\(unit) is taken from machine \(machine.number), which has been in reach again for \(now - since) ms"
      )
    }
  }

  /// Nobody runs a unit twice for long.
  mutating func look(at machines: [FleetMachine], mayRunTwice: (String) -> Bool, now: Int) {
    for (unit, hosts) in running.sorted(by: { $0.key < $1.key }) where hosts.count > 1 && !mayRunTwice(unit) {
      let connected = hosts.filter { number, started in
        machines[number].connectedSince.map { now - max($0, started) > 2 * Self.graceMilliseconds } ?? false
      }
      if connected.count > 1 { report("never two", "\(unit) runs on machines \(connected.keys.sorted())") }
    }
  }

  private static func hasBeenConnected(_ machine: FleetMachine, at now: Int) -> Bool {
    machine.connectedSince.map { now - $0 > graceMilliseconds } ?? false
  }
}
