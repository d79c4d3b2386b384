// SPDX-License-Identifier: Apache-2.0
import Fleet
import FleetWire
import Units

extension UnitSession {
  // MARK: Load and start

  /// `load` and `start`: makes the units that are missing, says what is wanted of all, and waits for it.
  func activate(
    _ arguments: [String],
    target: JobState,
    replace: Bool,
    _ waiting: Waiting
  ) async -> Int32 {
    guard !arguments.isEmpty else {
      output.errorLine("No units given")
      return Self.done
    }
    let references = unique(arguments)
    let presences = await concurrently(references) { await ensure($0, target: target, replace: replace) }
    var status = Self.done
    var changed: [String] = []
    for (reference, presence) in zip(references, presences) {
      switch presence {
      case .failed: status = Self.failed
      case .created:
        output.line("Unit \(reference.name) inactive")
        changed.append(reference.name)
      case .present(let desired, let current):
        // A global unit has no state of its own to wait for.
        if desired == target, current == target || current == nil { continue }
        if desired != target, await !setTarget(target, of: reference.name, verb: target.verb) {
          status = Self.failed
          continue
        }
        changed.append(reference.name)
      }
    }
    return max(status, await settle(changed, target: target, word: target.verb, waiting))
  }

  private func setTarget(_ target: JobState, of name: String, verb: String) async -> Bool {
    do {
      _ = try await fleet.putUnit(named: name, FleetUnitRequest(name: name, desiredState: target.rawValue))
      return true
    } catch {
      report("Error \(verb.participle) units: \(text(error))")
      return false
    }
  }

  // MARK: Stop, unload, destroy

  /// `stop` and `unload`: takes units down to the target state and waits for it.
  func deactivate(_ arguments: [String], target: JobState, _ waiting: Waiting) async -> Int32 {
    let verb = target == .loaded ? "stop" : "unload"
    guard !arguments.isEmpty else {
      output.errorLine("No units given")
      return Self.done
    }
    let found: [FleetUnit]
    do {
      let names = unique(arguments).map(\.name)
      let units = try await fleet.units()
      found = names.compactMap { name in units.first { $0.name == name } }
    } catch {
      return report("Error retrieving list of units from repository: \(text(error))")
    }
    guard !found.isEmpty else {
      output.errorLine("Units not found in registry")
      return Self.done
    }
    var status = Self.done
    var changed: [String] = []
    for unit in found {
      let current = unit.isGlobal ? unit.desiredState : unit.currentState ?? .inactive
      if target == .loaded, current == .inactive, unit.desiredState == .inactive {
        status = report("Unable to stop unit \(unit.name) in state inactive")
        continue
      }
      // What was asked for and is not reached yet counts as well, else it would be reached after all.
      guard current > target || unit.desiredState > target else { continue }
      if await !setTarget(target, of: unit.name, verb: verb) {
        status = Self.failed
        continue
      }
      changed.append(unit.name)
    }
    let settled = await settle(changed, target: target, word: verb, waiting)
    if settled == Self.done, waiting.isBlocking, !changed.isEmpty {
      output.errorLine("Successfully \(verb.past) units [\(changed.joined(separator: " "))].")
    }
    return max(status, settled)
  }

  /// `destroy`: removes units, and waits until no machine has them any more.
  func destroy(_ arguments: [String], _ waiting: Waiting) async -> Int32 {
    guard !arguments.isEmpty else {
      output.errorLine("No units given")
      return Self.done
    }
    var status = Self.done
    var destroyed: [String] = []
    for name in unique(arguments).map(\.name) {
      do {
        try await fleet.destroyUnit(named: name)
        destroyed.append(name)
      } catch {
        if case .notFound = error { continue }
        status = report("Error destroying units: \(text(error))")
      }
    }
    if waiting.isBlocking { await waitUntilGone(destroyed, limit: waiting.limit ?? Self.longestGoodbye) }
    for name in destroyed { output.line("Destroyed \(name)") }
    return status
  }

  private static let longestGoodbye: Duration = .seconds(10)

  private func waitUntilGone(_ names: [String], limit: Duration) async {
    var pause = PollPause(limit: min(limit, Self.longestGoodbye))
    while true {
      let states = (try? await fleet.states(matching: FleetStateFilter())) ?? []
      let lingering = states.filter { names.contains($0.name) }
      if lingering.isEmpty { return }
      guard let wait = pause.next(), (try? await sleep(wait)) != nil else {
        for unitState in lingering {
          output.errorLine("Unit \(unitState.name) is still being stopped on \(unitState.machineID.prefix(8))...")
        }
        return
      }
    }
  }

  // MARK: Waiting

  /// Waits until units are in their target state and prints where they went.
  private func settle(_ names: [String], target: JobState, word: String, _ waiting: Waiting) async -> Int32 {
    guard !names.isEmpty else { return Self.done }
    guard waiting.isBlocking else {
      for name in names { output.line("Triggered unit \(name) \(word)") }
      return Self.done
    }
    var pending = names
    var pause = PollPause(limit: waiting.limit)
    var last: [FleetUnit] = []
    while true {
      do {
        last = try await units(pending)
      } catch {
        return report("Error waiting for units: \(text(error))")
      }
      let machines = await machineNames(for: last)
      for unit in last {
        guard unit.isGlobal || unit.currentState == target else { continue }
        pending.removeAll { $0 == unit.name }
        output.line(line(for: unit, target: target, word: word, machines))
      }
      for name in pending where !last.contains(where: { $0.name == name }) {
        pending.removeAll { $0 == name }
        report("Unit \(name) was destroyed by someone else")
      }
      if pending.isEmpty { return Self.done }
      guard let wait = pause.next(), (try? await sleep(wait)) != nil else { break }
    }
    return await reportStuck(last.filter { pending.contains($0.name) }, target: target)
  }

  private func line(for unit: FleetUnit, target: JobState, word: String, _ machines: MachineNames) -> String {
    if unit.isGlobal { return "Triggered global unit \(unit.name) \(word)" }
    guard target != .inactive else { return "Unit \(unit.name) inactive" }
    return "Unit \(unit.name) \(target.rawValue)" + (unit.machineID.map { " on \(machines.text($0))" } ?? "")
  }

  /// A few units are asked for one by one, many by one listing.
  private func units(_ names: [String]) async throws -> [FleetUnit] {
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
    return MachineNames((try? await fleet.machines()) ?? [])
  }

  /// Says of each unit that did not get there why, machine by machine.
  private func reportStuck(_ units: [FleetUnit], target: JobState) async -> Int32 {
    let machines = MachineNames((try? await fleet.machines()) ?? [])
    for unit in units {
      report(
        "Error waiting for units: timed out waiting for unit \(unit.name) to report state \(target.rawValue)"
      )
      let explanation = try? await inspection.explain(unit.name)
      for line in UnitExplanationText.lines(unit, explanation, machines) { report(line) }
    }
    return Self.failed
  }
}

/// The waits between looks at a unit: short at first, then a quarter of a second, up to a limit in all.
struct PollPause {
  private let limit: Duration?
  private var total = Duration.zero
  private var pause = Duration.milliseconds(10)

  init(limit: Duration?) {
    self.limit = limit
  }

  /// The next wait; nil when the limit is reached.
  mutating func next() -> Duration? {
    if let limit, total >= limit { return nil }
    let wait = min(pause, limit.map { $0 - total } ?? pause)
    pause = min(pause * 2, .milliseconds(250))
    total += wait
    return wait
  }
}

extension JobState {
  /// The command that wants this state.
  fileprivate var verb: String {
    switch self {
    case .inactive: "unload"
    case .loaded: "load"
    case .launched: "start"
    }
  }
}

extension String {
  fileprivate var participle: String { hasSuffix("p") ? self + "ping" : self + "ing" }
  fileprivate var past: String { hasSuffix("p") ? self + "ped" : self + "ed" }
}
