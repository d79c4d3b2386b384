// SPDX-License-Identifier: Apache-2.0
import Units

/// What one pass over a ledger decided.
public struct ClusterPass: Sendable, Equatable {
  /// What has to be done, by unit name; at most one task a unit.
  public var tasks: [ClusterTask]
  /// Wanted units that no machine takes, and that were not known to be such, by name.
  public var newlyUnplaced: [String]
}

extension ClusterLedger {
  /// Decides what has to be done about everything that changed, and whatever was not carried out before.
  ///
  /// First every placed unit is checked (wanted? machine lost? still able?), then everything wanted that has no place is
  /// given one. Last, units that another one replaces move away, each only to a machine that can run it.
  ///
  /// Invariant: planning the result of carrying out the tasks gives no tasks, so nothing flaps; nothing is decided
  /// about units on a machine of which it is unknown whether it is lost.
  ///
  /// - Parameters:
  ///   - limit: How many units get a place at most; the others get theirs at the next pass.
  ///   - draining: Machines that are being drained, and from each of which one unit may move now.
  /// - Returns: What is to be done, and what turned out to have no place.
  public mutating func plan(placingAtMost limit: Int = .max, draining: [String] = []) -> ClusterPass {
    takeBack()
    let (changed, freer) = settleMachines()
    offerUnitsOfLostMachines()
    let newlyUnplaced = place(changed: changed, freer: freer, atMost: limit)
    evictReplaced(from: changed.union(put.values).union(crowdedMachines))
    drain(draining)
    return ClusterPass(tasks: tasks(), newlyUnplaced: newlyUnplaced)
  }

  private mutating func evictReplaced(from machineIDs: Set<String>) {
    crowdedMachines = []
    for id in machineIDs.filter({ occupancies[$0]?.hasReplacedJobs ?? false }).sorted() {
      for replacing in occupancies[id]?.replacingJobs ?? [] {
        for victim in occupancies[id]?.replacedJobs(by: replacing) ?? [] where !victim.requirements.isGlobal {
          guard let refuge = refuge(for: victim, from: id) else { continue }
          evict(victim.name, from: id, to: refuge, because: "replaced by Unit(\(replacing.name))")
        }
      }
      if occupancies[id]?.hasReplacedJobs ?? false { crowdedMachines.insert(id) }
    }
  }

  /// Moves a unit away from where it could stay.
  mutating func evict(_ name: String, from id: String, to refuge: String, because reason: String) {
    guard let job = jobs[name], let present = occupancies[id]?.jobs[name] else { return }
    conflicts.count(present, on: id, by: -1)
    occupancies[id]?.remove(name)
    order.set(occupancies[id]?.load, of: id)
    // Others may take what it leaves, at the next pass.
    unsettle(id, isFreer: true)
    evicted[name] = reason
    place(job, on: refuge)
  }

  /// The machine a unit that has to leave should go to: able, and with nobody whom it would itself send away.
  ///
  /// So an eviction never causes another, and evictions cannot go round in circles.
  func refuge(for job: Job, from machineID: String) -> String? {
    let barriers = conflicts.barriers(to: job)
    return order.first { candidate in
      guard candidate != machineID, !barriers.keepAway(from: candidate) else { return false }
      guard let occupancy = occupancies[candidate], occupancy.accepts(job) else { return false }
      return occupancy.replacedJobs(by: job).isEmpty
    }
  }

  private func tasks() -> [ClusterTask] {
    var names = unwanted.union(put.keys).union(unable.keys)
    if areAbsentMachinesLost {
      for id in absentMachines { names.formUnion(claims[id] ?? []) }
    }
    return names.sorted().compactMap { name in
      guard let job = jobs[name] else { return nil }
      switch (job.targetMachineID, put[name]) {
      case (nil, let machineID?):
        return .schedule(job: name, to: machineID, reason: "target state \(job.targetState) and unit not scheduled")
      case (let old?, let new?) where old != new:
        return .move(job: name, from: old, to: new, reason: displacement(of: name) ?? "")
      case (let old?, nil) where !fresh.contains(name):
        return displacement(of: name).map { .unschedule(job: name, from: old, reason: $0) }
      default:
        return nil
      }
    }
  }
}
