// SPDX-License-Identifier: Apache-2.0
import Fleet
import FleetWire
import Units

extension UnitExplanation {
  /// Explains where a unit is, or why it is nowhere, from what the engine would decide.
  init(of unit: FleetUnit, isGlobal: Bool, by plan: ClusterPlan, machineIDs: [String]) {
    let refusals = plan.refusals(of: unit.name).map {
      FleetRefusal(machineID: $0.machineID, reason: $0.reason)
    }
    self.init(
      name: unit.name,
      targetState: unit.desiredState,
      currentState: unit.currentState,
      isGlobal: isGlobal,
      machineID: unit.machineID,
      summary: Self.summary(of: unit, isGlobal: isGlobal, plan, machineIDs),
      refusals: unit.machineID == nil && unit.desiredState != .inactive ? refusals : []
    )
  }

  private static func summary(
    of unit: FleetUnit,
    isGlobal: Bool,
    _ plan: ClusterPlan,
    _ machineIDs: [String]
  ) -> String {
    if (try? UnitName(unit.name))?.isTemplate ?? false {
      return "a template does not run itself; start an instance of it"
    }
    if unit.desiredState == .inactive { return "target state inactive: no machine is wanted" }
    if let machineID = unit.machineID {
      return machineIDs.contains(machineID)
        ? "placed on Machine(\(machineID))"
        : "placed on Machine(\(machineID)), which is not present; it moves once the machine is known to be lost"
    }
    let takers = plan.machines(of: unit.name)
    if isGlobal { return "global: runs on \(takers.count) of \(machineIDs.count) machines" }
    if machineIDs.isEmpty { return "no machine is present" }
    if let taker = takers.first { return "about to be placed on Machine(\(taker))" }
    return machineIDs.count == 1
      ? "the only machine does not take the unit" : "none of the \(machineIDs.count) machines takes the unit"
  }
}
