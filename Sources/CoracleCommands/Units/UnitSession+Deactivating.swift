// SPDX-License-Identifier: Apache-2.0
import Fleet
import FleetWire

extension UnitSession {
  /// `stop` and `unload`: takes units down to the target state and waits for it.
  func deactivate(_ arguments: [String], target: JobState, _ waiting: Waiting) async -> Int32 {
    let verb = target == .loaded ? "stop" : "unload"
    guard !arguments.isEmpty else {
      output.errorLine("No units given")
      return Self.done
    }
    guard let found = await existing(arguments) else { return Self.failed }
    var status = Self.done
    var unsettled: [String] = []
    for unit in found {
      let current = unit.isGlobal ? unit.desiredState : unit.currentState ?? .inactive
      if target == .loaded, current == .inactive, unit.desiredState == .inactive {
        status = report("Unable to stop unit \(unit.name) in state inactive")
        continue
      }
      // What was asked for and is not reached yet counts as well, else it would be reached after all.
      guard current > target || unit.desiredState > target else { continue }
      unsettled.append(unit.name)
    }
    let changed = await setTarget(target, of: unsettled, verb: verb)
    if changed.count < unsettled.count { status = Self.failed }
    let settled = await settle(changed, target: target, word: verb, waiting)
    if settled == Self.done, waiting.isBlocking, !changed.isEmpty {
      output.errorLine("Successfully \(verb.past) units [\(changed.joined(separator: " "))].")
    }
    return max(status, settled)
  }

  /// The units of the cluster that arguments name, others are left out; nil when it cannot be asked, which is reported.
  func existing(_ arguments: [String]) async -> [FleetUnit]? {
    do {
      let units = try await fleet.units()
      let byName = Dictionary(units.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
      let found = try await references(arguments, among: units).compactMap { byName[$0.name] }
      if found.isEmpty { output.errorLine("Units not found in registry") }
      return found
    } catch {
      report("Error retrieving list of units from repository: \(text(error))")
      return nil
    }
  }

  /// `destroy`: removes units, and waits until no machine has them any more.
  func destroy(_ arguments: [String], _ waiting: Waiting) async -> Int32 {
    guard !arguments.isEmpty else {
      output.errorLine("No units given")
      return Self.done
    }
    guard let references = await resolved(arguments) else { return Self.failed }
    let names = references.map(\.name)
    let errors = await concurrently(names) { name in
      do throws(FleetAPIError) {
        try await fleet.destroyUnit(named: name)
        return nil as FleetAPIError?
      } catch {
        return error
      }
    }
    var status = Self.done
    var destroyed: [String] = []
    for (name, error) in zip(names, errors) {
      switch error {
      case nil: destroyed.append(name)
      case .notFound: break
      case .some(let error): status = report("Error destroying units: \(text(error))")
      }
    }
    if waiting.isBlocking { await waitUntilGone(destroyed, limit: waiting.limit ?? Self.longestGoodbye) }
    for name in destroyed { output.line("Destroyed \(name)") }
    return status
  }

  private static let longestGoodbye: Duration = .seconds(10)

  private func waitUntilGone(_ names: [String], limit: Duration) async {
    guard !names.isEmpty else { return }
    var pause = PollPause(limit: min(limit, Self.longestGoodbye), now: now)
    while true {
      let lingering = (try? await states(of: names)) ?? []
      if lingering.isEmpty { return }
      guard let wait = pause.next(), (try? await sleep(wait)) != nil else {
        for unitState in lingering {
          output.errorLine("Unit \(unitState.name) is still being stopped on \(unitState.machineID.prefix(8))...")
        }
        return
      }
    }
  }
}
