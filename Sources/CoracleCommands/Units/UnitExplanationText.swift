// SPDX-License-Identifier: Apache-2.0
import Fleet
import FleetWire

/// Why a unit is where it is, in lines.
enum UnitExplanationText {
  /// The lines of `unit explain`.
  static func lines(_ explanation: UnitExplanation, _ machines: MachineNames) -> [String] {
    let current = explanation.isGlobal ? "global" : explanation.currentState?.rawValue ?? "unknown"
    var lines = ["Unit \(explanation.name): wanted \(explanation.targetState.rawValue), is \(current)"]
    if let id = explanation.machineID { lines.append("Machine: \(machines.text(id))") }
    lines.append(explanation.summary)
    return lines + refusals(explanation.refusals, machines)
  }

  /// The lines for a unit that is not, or not yet, where it was wanted.
  ///
  /// - Parameters:
  ///   - unit: The unit as it is.
  ///   - explanation: What a node says about it, if it was asked.
  ///   - machines: Names of the machines.
  ///   - state: What the machine that has it says.
  /// - Returns: One line, and one for each machine that refuses.
  static func lines(
    _ unit: FleetUnit,
    _ explanation: UnitExplanation?,
    _ machines: MachineNames,
    _ state: FleetUnitState? = nil
  ) -> [String] {
    if let id = explanation?.machineID ?? unit.machineID {
      guard let state else {
        return ["Unit \(unit.name) is placed on \(machines.text(id)), which has not reported it yet"]
      }
      return ["Unit \(unit.name) is \(state.activeState) (\(state.subState)) on \(machines.text(id))"]
    }
    let summary = explanation?.summary ?? unit.reason ?? "the server does not say why"
    let reasons = explanation.map(\.refusals) ?? unit.refusals
    return ["Unit \(unit.name) is on no machine: \(summary)"] + refusals(reasons, machines)
  }

  private static func refusals(_ refusals: [FleetRefusal], _ machines: MachineNames) -> [String] {
    refusals.sorted { $0.machineID < $1.machineID }.map { "  \(machines.text($0.machineID)): \($0.reason)" }
  }
}
