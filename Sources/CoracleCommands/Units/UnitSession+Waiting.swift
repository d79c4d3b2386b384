// SPDX-License-Identifier: Apache-2.0
import Fleet
import FleetWire

extension UnitSession {
  /// How long a unit may take before it is said what it waits for.
  private static let patience: Duration = .seconds(2)

  /// Waits until units are in their target state and prints where they went; what takes long is told meanwhile.
  func settle(_ names: [String], target: JobState, word: String, _ waiting: Waiting) async -> Int32 {
    guard !names.isEmpty else { return Self.done }
    guard waiting.isBlocking else {
      for name in names { output.line("Triggered unit \(name) \(word)") }
      return Self.done
    }
    var pending = names
    var pause = PollPause(limit: waiting.limit, now: now)
    var told: [String: [String]] = [:]
    var nextTelling = Self.patience
    while true {
      let last: [FleetUnit]
      do {
        last = try await overOutages(limit: waiting.limit) { [pending] () async throws(FleetAPIError) in
          try await units(pending)
        }
      } catch {
        return report("Error waiting for units: \(text(error))")
      }
      let machines = await machineNames(for: last)
      for unit in last where unit.isGlobal || unit.currentState == target {
        pending.removeAll { $0 == unit.name }
        output.line(line(for: unit, target: target, word: word, machines))
      }
      for name in pending where !last.contains(where: { $0.name == name }) {
        pending.removeAll { $0 == name }
        report("Unit \(name) was destroyed by someone else")
      }
      if pending.isEmpty { return Self.done }
      let stuck = last.filter { pending.contains($0.name) }
      let now = pause.total
      guard let wait = pause.next() else { return await reportStuck(stuck, target: target) }
      if now >= nextTelling {
        await tell(of: stuck, machines, told: &told)
        nextTelling = now + Self.patience
      }
      guard (try? await sleep(wait)) != nil else { return await reportStuck(stuck, target: target) }
    }
  }

  private func line(for unit: FleetUnit, target: JobState, word: String, _ machines: MachineNames) -> String {
    if unit.isGlobal { return "Triggered global unit \(unit.name) \(word)" }
    guard target != .inactive else { return "Unit \(unit.name) inactive" }
    return "Unit \(unit.name) \(target.rawValue)" + (unit.machineID.map { " on \(machines.text($0))" } ?? "")
  }

  /// A few units are asked for one by one, many by one listing.
  private func units(_ names: [String]) async throws(FleetAPIError) -> [FleetUnit] {
    guard names.count <= 8 else {
      let wanted = Set(names)
      return try await fleet.units().filter { wanted.contains($0.name) }
    }
    var found: [FleetUnit] = []
    for name in names {
      if let unit = try await registered(name) { found.append(unit) }
    }
    return found
  }

  private func machineNames(for units: [FleetUnit]) async -> MachineNames {
    guard units.contains(where: { $0.machineID != nil }) else { return MachineNames([]) }
    return await machineNames()
  }

  // MARK: Reasons

  /// Says of each unit what it waits for, unless that was said already.
  private func tell(of units: [FleetUnit], _ machines: MachineNames, told: inout [String: [String]]) async {
    let states = (try? await states(of: units.filter { $0.machineID != nil }.map(\.name))) ?? []
    // Who refuses has an address as well as who has the unit.
    let named = units.contains { !$0.refusals.isEmpty } ? await machineNames() : machines
    for unit in units {
      let state = states.first { $0.name == unit.name && $0.machineID == unit.machineID }
      let lines = UnitExplanationText.lines(unit, nil, named, state)
      guard told[unit.name] != lines else { continue }
      told[unit.name] = lines
      output.errorLine("Waiting: \(lines.joined(separator: "\n"))")
    }
  }

  /// Says of each unit that did not get there why, machine by machine.
  private func reportStuck(_ units: [FleetUnit], target: JobState) async -> Int32 {
    let machines = await machineNames()
    let states = (try? await states(of: units.filter { $0.machineID != nil }.map(\.name))) ?? []
    for unit in units {
      report(
        "Error waiting for units: timed out waiting for unit \(unit.name) to report state \(target.rawValue)"
      )
      let explanation = unit.machineID == nil ? try? await inspection.explain(unit.name) : nil
      let state = states.first { $0.name == unit.name && $0.machineID == unit.machineID }
      for line in UnitExplanationText.lines(unit, explanation, machines, state) { report(line) }
    }
    return Self.failed
  }
}

/// The waits between looks at a unit: short at first, then a quarter of a second, up to a limit in all.
///
/// The looks count too: a node that has lost its store may take seconds to say so.
struct PollPause {
  private let limit: Duration?
  private let now: UnitSession.Clock
  private let start: ContinuousClock.Instant
  private var waited = Duration.zero
  private var pause = Duration.milliseconds(10)

  /// What has passed so far, or should have by the waits that were given.
  var total: Duration { max(waited, now() - start) }

  init(limit: Duration?, now: @escaping UnitSession.Clock) {
    self.limit = limit
    self.now = now
    start = now()
  }

  /// The next wait; nil when the limit is reached.
  mutating func next() -> Duration? {
    let passed = total
    if let limit, passed >= limit { return nil }
    let wait = min(pause, limit.map { $0 - passed } ?? pause)
    pause = min(pause * 2, .milliseconds(250))
    waited += wait
    return wait
  }
}
