// SPDX-License-Identifier: Apache-2.0
import Fleet
import FleetWire

extension UnitSession {
  /// `restart`: stops units and starts them again, one after the other, so that not all are away at once.
  ///
  /// A unit that is loaded and not started is started; its machine must have it, as for systemd's restart.
  func restart(_ arguments: [String], _ waiting: Waiting) async -> Int32 {
    guard !arguments.isEmpty else {
      output.errorLine("No units given")
      return Self.done
    }
    guard let found = await existing(arguments) else { return Self.failed }
    var status = Self.done
    for unit in found {
      if !unit.isGlobal, unit.currentState == .inactive || unit.desiredState == .inactive {
        status = report("Unable to restart unit \(unit.name) in state inactive")
      } else if await !restart(unit, waiting) {
        status = Self.failed
      } else {
        output.errorLine("Unit(\(unit.name)) was restarted.")
      }
    }
    return status
  }

  private func restart(_ unit: FleetUnit, _ waiting: Waiting) async -> Bool {
    if unit.isGlobal ? unit.desiredState == .launched : unit.currentState == .launched {
      guard await setTarget(.loaded, of: unit.name, verb: "restart") else { return false }
      guard await settle([unit.name], target: .loaded, word: "stop", waiting) == Self.done,
        await waitUntilDown(unit.name, waiting)
      else {
        // It was to run before, so it is to run still.
        _ = await setTarget(.launched, of: unit.name, verb: "restart")
        return false
      }
    }
    guard await setTarget(.launched, of: unit.name, verb: "restart") else { return false }
    return await settle([unit.name], target: .launched, word: "start", waiting) == Self.done
  }

  /// Waits until no machine has a process of the unit any more, which is later than its machine's promise to stop it.
  private func waitUntilDown(_ name: String, _ waiting: Waiting) async -> Bool {
    var pause = PollPause(limit: waiting.limit, now: now)
    while true {
      let states: [FleetUnitState]
      do {
        states = try await overOutages(limit: waiting.limit) { () async throws(FleetAPIError) in
          try await fleet.states(matching: FleetStateFilter(unitName: name))
        }
      } catch {
        report("Error waiting for units: \(text(error))")
        return false
      }
      let running = states.filter { !["inactive", "failed", ""].contains($0.activeState) }
      guard let first = running.first else { return true }
      guard let wait = pause.next(), (try? await sleep(wait)) != nil else {
        let what = "\(first.activeState) (\(first.subState)) on \(first.machineID.prefix(8))..."
        report("Error waiting for units: unit \(name) does not stop: it is \(what)")
        return false
      }
    }
  }
}
