// SPDX-License-Identifier: Apache-2.0
import Units

extension MachineOccupancy {
  /// Settles who of those that claim a place on a machine has it.
  ///
  /// Among units that conflict the one that took its place earlier stays; a unit whose peer has no place loses its own.
  ///
  /// - Parameters:
  ///   - claims: The units placed on the machine, and every global unit, all wanted, in any order.
  ///   - machine: The machine.
  /// - Returns: The occupancy, and why each of the others has no place, by name.
  static func settling(_ claims: [Job], on machine: Machine) -> (MachineOccupancy, refusals: [String: String]) {
    var occupancy = MachineOccupancy(machine: machine)
    var refusals: [String: String] = [:]
    for job in claims.sorted(by: Job.isSenior) {
      // Of a unit whose file cannot be read nothing is known, so it keeps its place.
      if job.isFileKnown, let reason = machine.refusal(of: job) ?? occupancy.conflict(of: job) {
        refusals[job.name] = reason
      } else {
        occupancy.add(job)
      }
    }
    // Each round takes at least one unit away, so there are at most as many rounds as units.
    let withPeers = occupancy.jobs.values.filter { $0.isFileKnown && !$0.requirements.peers.isEmpty }.sorted {
      $0.name < $1.name
    }
    var isSettled = withPeers.isEmpty
    while !isSettled {
      isSettled = true
      for job in withPeers where occupancy.jobs[job.name] != nil {
        guard let reason = occupancy.missingPeer(of: job) else { continue }
        refusals[job.name] = reason
        occupancy.remove(job.name)
        isSettled = false
      }
    }
    return (occupancy, refusals)
  }
}
