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
    var unsettled: [String] = []
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
        if desired != target { unsettled.append(reference.name) }
        changed.append(reference.name)
      }
    }
    let refused = Set(unsettled).subtracting(await setTarget(target, of: unsettled, verb: target.verb))
    if !refused.isEmpty { status = Self.failed }
    changed.removeAll(where: refused.contains)
    let settled = await settle(changed, target: target, word: target.verb, waiting)
    if target == .launched, waiting.isBlocking { await warnOfFailures(changed) }
    return max(status, settled)
  }

  /// Says what is wanted of a unit.
  ///
  /// - Returns: Whether it could be said; if not, it is reported.
  func setTarget(_ target: JobState, of name: String, verb: String) async -> Bool {
    await !setTarget(target, of: [name], verb: verb).isEmpty
  }

  /// Says what is wanted of units, of several at once.
  ///
  /// - Returns: Those of which it could be said, in their order; each of the others is reported.
  func setTarget(_ target: JobState, of names: [String], verb: String) async -> [String] {
    let errors = await concurrently(names) { name in
      do throws(FleetAPIError) {
        _ = try await fleet.putUnit(named: name, FleetUnitRequest(name: name, desiredState: target.rawValue))
        return nil as FleetAPIError?
      } catch {
        return error
      }
    }
    for case let error? in errors { report("Error \(verb.participle) units: \(text(error))") }
    return zip(names, errors).filter { $0.1 == nil }.map(\.0)
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
