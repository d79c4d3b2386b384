// SPDX-License-Identifier: Apache-2.0
import Fleet
import FleetWire

extension UnitSession {
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
    guard let references = await resolved(arguments) else { return Self.failed }
    let presences = await concurrently(references) { await ensure($0, target: target, replace: replace) }
    var status = Self.done
    var changed: [String] = []
    for (reference, presence) in zip(references, presences) {
      switch presence {
      case .failed(let message):
        report(message)
        status = Self.failed
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
    let settled = await settle(changed, target: target, word: target.verb, waiting)
    if target == .launched, waiting.isBlocking { await warnOfFailures(changed) }
    return max(status, settled)
  }

  /// Says what is wanted of a unit.
  ///
  /// - Returns: Whether it could be said; if not, it is reported.
  func setTarget(_ target: JobState, of name: String, verb: String) async -> Bool {
    do {
      _ = try await fleet.putUnit(named: name, FleetUnitRequest(name: name, desiredState: target.rawValue))
      return true
    } catch {
      report("Error \(verb.participle) units: \(text(error))")
      return false
    }
  }

  /// A unit counts as launched once its start was asked for; one that has failed by then is told.
  private func warnOfFailures(_ names: [String]) async {
    guard let states = try? await states(of: names) else { return }
    let failed = states.filter { $0.activeState == "failed" }
    guard !failed.isEmpty else { return }
    let machines = await machineNames()
    for state in failed {
      output.errorLine("WARNING: Unit \(state.name) has failed on \(machines.text(state.machineID)); see its status")
    }
  }

  /// The states of a few units are asked for one by one, of many by one listing.
  func states(of names: [String]) async throws(FleetAPIError) -> [FleetUnitState] {
    guard names.count <= 8 else {
      let wanted = Set(names)
      return try await fleet.states(matching: FleetStateFilter()).filter { wanted.contains($0.name) }
    }
    var states: [FleetUnitState] = []
    for name in names { states += try await fleet.states(matching: FleetStateFilter(unitName: name)) }
    return states
  }
}

extension JobState {
  /// The command that wants this state.
  var verb: String {
    switch self {
    case .inactive: "unload"
    case .loaded: "load"
    case .launched: "start"
    }
  }
}

extension String {
  /// `stop` as `stopping`, `start` as `starting`.
  var participle: String { hasSuffix("p") ? self + "ping" : self + "ing" }
  /// `stop` as `stopped`, `unload` as `unloaded`.
  var past: String { hasSuffix("p") ? self + "ped" : self + "ed" }
}
