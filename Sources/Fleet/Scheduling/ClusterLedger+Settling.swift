// SPDX-License-Identifier: Apache-2.0
import Units

/// The first part of a pass: who of those that are placed has to leave.
extension ClusterLedger {
  /// Takes back what the last pass decided: whatever of it is in the store by now has come in as a change.
  mutating func takeBack() {
    for (name, id) in put {
      unsettle(id)
      if let from = jobs[name]?.targetMachineID { unsettle(from) }
      if needsPlace(name) { offer(name) }
    }
    put = [:]
    evicted = [:]
  }

  /// Settles anew who has a place on each machine that something changed on.
  ///
  /// - Returns: Those machines, and which of them may now take a unit that they refused.
  mutating func settleMachines() -> (changed: Set<String>, freer: [String]) {
    let changed = Set(unsettled.keys)
    var freer: [String] = []
    // Each machine for itself, so the order does not matter.
    for (id, isFreer) in unsettled {
      if !isFreer, confirmMachine(id) { continue }
      if settleMachine(id) || isFreer { freer.append(id) }
    }
    unsettled = [:]
    return (changed, freer)
  }

  /// Takes over what is known of the units of a machine when they are the ones that were settled or put there.
  ///
  /// Those do not exclude each other, whichever came first, if only all their files are known. Returns whether it is so.
  private mutating func confirmMachine(_ id: String) -> Bool {
    guard let occupancy = occupancies[id], unableByMachine[id] == nil else { return false }
    let claimants = claims[id] ?? []
    guard occupancy.jobs.count == claimants.count + globals.count else { return false }
    var changes: [Job] = []
    for name in [claimants, globals].joined() {
      guard let job = jobs[name], let present = occupancy.jobs[name], present.requirements == job.requirements,
        present.isFileKnown, job.isFileKnown
      else { return false }
      if present != job { changes.append(job) }
    }
    for job in changes { occupancies[id]?.update(job) }
    noteUnable(claimants, [:], on: id)
    return true
  }

  /// Settles one machine; returns whether a unit left it, or changed.
  private mutating func settleMachine(_ id: String) -> Bool {
    guard let old = occupancies[id] else { return false }
    let claimants = claims[id] ?? []
    let claims = (Array(claimants) + Array(globals)).compactMap { jobs[$0] }
    let (new, refusals) = MachineOccupancy.settling(claims, on: old.machine)
    var isFreer = false
    for (name, job) in old.jobs where new.jobs[name]?.requirements != job.requirements {
      conflicts.count(job, on: id, by: -1)
      isFreer = true
    }
    for (name, job) in new.jobs where old.jobs[name]?.requirements != job.requirements {
      conflicts.count(job, on: id, by: 1)
    }
    occupancies[id] = new
    order.set(new.load, of: id)
    noteUnable(claimants, refusals, on: id)
    return isFreer
  }

  private mutating func noteUnable(_ claimants: Set<String>, _ refusals: [String: String], on id: String) {
    for name in unableByMachine[id] ?? [] where refusals[name] == nil { settle(name) }
    var names: Set<String> = []
    for (name, why) in refusals where claimants.contains(name) {
      unable[name] = why
      names.insert(name)
      if !refused.contains(name), !waitingForPeers.contains(name) { fresh.insert(name) }
    }
    unableByMachine[id] = names.isEmpty ? nil : names
    // Whoever was given up with a machine that is back has its place again.
    guard !fresh.isEmpty || !refused.isEmpty || !waitingForPeers.isEmpty else { return }
    for name in claimants where refusals[name] == nil { settle(name) }
  }

  /// Has the units of lost machines offered elsewhere, or leaves them when it is unknown whether those are lost.
  mutating func offerUnitsOfLostMachines() {
    for id in absentMachines {
      for name in claims[id] ?? [] {
        if !needsPlace(name) {
          settle(name)
        } else if !refused.contains(name), !waitingForPeers.contains(name) {
          fresh.insert(name)
        }
      }
    }
  }
}
