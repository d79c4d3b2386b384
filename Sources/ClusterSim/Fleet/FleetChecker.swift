// SPDX-License-Identifier: Apache-2.0
import Units

/// What a fleet promises, checked against what really runs where.
///
/// - *never two*: no unit is started on a machine while another machine runs it that has been able to hear of it.
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

  mutating func report(_ rule: String, _ detail: String) {
    if violation == nil { violation = Violation(rule: rule, detail: detail) }
  }

  /// A unit's processes start.
  mutating func started(
    _ unit: String,
    on machine: FleetMachine,
    isGlobal: Bool,
    among machines: [FleetMachine],
    at now: Int
  ) {
    startCount += 1
    if !isGlobal {
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
  mutating func movedAway(_ unit: String, from machine: FleetMachine, ttlMilliseconds ttl: Int, at now: Int) {
    moveCount += 1
    // That it was silent for a whole TTL is the store's own rule. Part of that may have been the store's fault, but
    // when all of it was, or nearly so, the machine is not lost.
    let absence = machine.absence(since: now - ttl - Self.graceMilliseconds, until: now)
    if absence < ttl / 20 {
      report(
        "nothing without need",
        "\(unit) is taken from machine \(machine.number), which was out of reach for \(absence) ms only"
      )
    }
  }

  /// Nobody runs a unit twice for long.
  mutating func look(at machines: [FleetMachine], isGlobal: (String) -> Bool, now: Int) {
    for (unit, hosts) in running.sorted(by: { $0.key < $1.key }) where hosts.count > 1 && !isGlobal(unit) {
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
