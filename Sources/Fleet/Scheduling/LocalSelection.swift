// SPDX-License-Identifier: Apache-2.0
import Units

/// Which units one machine should have, decided by the machine itself with the engine's own rule.
public enum LocalSelection {
  /// The units a machine should have, by name.
  ///
  /// What the engine placed here is taken as it is: only the engine takes it away again. Global units join by the rule
  /// of ``ClusterReconciler``: eligible, and without conflict with anything that took its place earlier.
  ///
  /// - Parameters:
  ///   - jobs: At least the units placed on the machine and all global units.
  ///   - machine: The machine with its effective metadata.
  /// - Returns: Those it should have loaded or launched.
  public static func jobs(from jobs: [Job], on machine: Machine) -> [Job] {
    let claims = jobs.filter { $0.isWanted && ($0.requirements.isGlobal || $0.targetMachineID == machine.id) }
    let accepted = MachineOccupancy.settling(claims, on: machine).0.jobs
    return claims.filter { !$0.requirements.isGlobal || accepted[$0.name] != nil }.sorted { $0.name < $1.name }
  }
}
