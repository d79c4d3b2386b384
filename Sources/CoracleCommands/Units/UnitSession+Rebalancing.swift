// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import Fleet
import FleetWire

extension UnitSession {
  /// `unit rebalance`: asks for it, and tells each move until no move helps any more.
  ///
  /// - Returns: 1 when a unit did not run where it was moved to.
  func rebalance(isBlocking: Bool, format: OutputFormat) async -> Int32 {
    do {
      let operations = try clusterOperations()
      var rebalancing = try await operations.beginRebalancing()
      guard isBlocking else {
        output.line(format == .json ? rebalancing.json.text : "Triggered rebalancing")
        return Self.done
      }
      let machines = await machineNames()
      var told = rebalancing.moveCount
      var obstacles: [String] = []
      while true {
        if format == .table {
          for move in rebalancing.moves.suffix(rebalancing.moveCount - told) { output.line(line(move, machines)) }
        }
        told = rebalancing.moveCount
        guard rebalancing.phase == .running else { break }
        try await sleep(Self.lookPause)
        let state = try await overOutages { () async throws(FleetAPIError) in
          try await operations.rebalancing(withPlan: false)
        }
        guard let last = state.last else { break }
        if !state.waitsFor.isEmpty, state.waitsFor != obstacles {
          output.errorLine("Waiting for the roll of \(state.waitsFor.joined(separator: " "))")
        }
        obstacles = state.waitsFor
        // Somebody asked for another one meanwhile.
        if last.moveCount < told { told = 0 }
        rebalancing = last
      }
      if format == .json { output.line(rebalancing.json.text) }
      guard rebalancing.phase != .stopped else {
        return report("Rebalancing stopped: \(rebalancing.reason ?? "a unit did not run where it was moved to")")
      }
      if format == .table {
        output.line(rebalancing.moveCount == 0 ? "No move helps" : "Rebalanced with \(rebalancing.moveCount) moves")
      }
      return Self.done
    } catch {
      return report("Error rebalancing: \(text(error))")
    }
  }

  /// `unit rebalance --dry-run`.
  func showRebalancingPlan(format: OutputFormat) async -> Int32 {
    do {
      let operations = try clusterOperations()
      let plan = try await operations.rebalancing(withPlan: true).plan
      if format == .json {
        output.line(JSONValue.array(plan.map(\.json)).text)
        return Self.done
      }
      let machines = await machineNames()
      for move in plan { output.line(line(move, machines)) }
      if plan.isEmpty { output.line("No move helps") }
      return Self.done
    } catch {
      return report("Error rebalancing: \(text(error))")
    }
  }

  /// `unit rebalance --automatic`.
  func setRebalancesAutomatically(_ isAutomatic: Bool) async -> Int32 {
    do {
      let operations = try clusterOperations()
      try await operations.setRebalancesAutomatically(isAutomatic)
      output.line("Machines are \(isAutomatic ? "" : "not ")evened out by themselves when one has come")
      return Self.done
    } catch {
      return report("Error rebalancing: \(text(error))")
    }
  }

  private func line(_ move: UnitMove, _ machines: MachineNames) -> String {
    "\(move.units.joined(separator: " ")): \(machines.text(move.from)) -> \(machines.text(move.to))"
  }
}
