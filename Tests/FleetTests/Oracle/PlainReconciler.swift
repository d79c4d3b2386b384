// SPDX-License-Identifier: Apache-2.0
import Units

@testable import Fleet

/// The oracle of ``ClusterLedger``: decides about a snapshot from scratch, in the plainest way.
///
/// Decides which unit belongs on which machine: a snapshot in, tasks with reasons out.
///
/// First every placed unit is checked (wanted? machine lost? still able?), then everything wanted that has no place is
/// given one, round after round until nothing more fits, so that units that must be together find each other in one
/// pass. Last, units that another one replaces move away, each only to a machine that can run it.
///
/// Invariant: reconciling the result of carrying out the tasks gives no tasks, so nothing flaps; nothing is decided
/// about units on a machine of which it is unknown whether it is lost.
/// Source: specs/fleet.md §5, §14.1, §14.8.
struct PlainReconciler {
  private let snapshot: ClusterSnapshot
  private var scheduler: PlainScheduler
  /// Why a unit lost its place.
  private var displaced: [String: String] = [:]
  /// Where a wanted unit that had no place, or lost it, was put.
  private var placed: [String: String] = [:]

  /// Decides about a snapshot.
  static func plan(for snapshot: ClusterSnapshot) -> PlainPlan {
    var reconciler = PlainReconciler(snapshot)
    reconciler.displaceUnwanted()
    reconciler.placeUnplaced()
    reconciler.evictReplaced()
    return PlainPlan(
      tasks: reconciler.tasks(),
      unplaced: reconciler.unplacedNames(),
      occupancies: reconciler.scheduler.occupancies
    )
  }

  private init(_ snapshot: ClusterSnapshot) {
    self.snapshot = snapshot
    scheduler = PlainScheduler([])
  }

  private func isPresent(_ machineID: String) -> Bool {
    var low = 0
    var high = snapshot.machines.count
    while low < high {
      let middle = (low + high) / 2
      if snapshot.machines[middle].id < machineID { low = middle + 1 } else { high = middle }
    }
    return low < snapshot.machines.count && snapshot.machines[low].id == machineID
  }

  private mutating func displaceUnwanted() {
    var claims: [String: [Job]] = [:]
    let globals = snapshot.jobs.filter { $0.requirements.isGlobal && $0.isWanted }
    for job in snapshot.jobs {
      guard let machineID = job.targetMachineID else { continue }
      if !job.isWanted {
        displaced[job.name] = "target state inactive"
      } else if isPresent(machineID) {
        claims[machineID, default: []].append(job)
      } else if snapshot.areAbsentMachinesLost, job.isFileKnown {
        displaced[job.name] = "target Machine(\(machineID)) went away"
      }
    }
    var occupancies: [MachineOccupancy] = []
    for machine in snapshot.machines {
      let settled = MachineOccupancy.settling((claims[machine.id] ?? []) + globals, on: machine)
      occupancies.append(settled.0)
      for job in claims[machine.id] ?? [] {
        guard let why = settled.refusals[job.name] else { continue }
        displaced[job.name] = "target Machine(\(machine.id)) unable to run unit: \(why)"
      }
    }
    scheduler = PlainScheduler(occupancies)
  }

  private mutating func placeUnplaced() {
    var waiting = snapshot.jobs.filter { job in
      let hasPlace = job.targetMachineID != nil && displaced[job.name] == nil
      return job.needsPlace && !hasPlace
    }
    var isPlacing = true
    while isPlacing {
      isPlacing = false
      var refused: [Job] = []
      for job in waiting {
        if let machineID = scheduler.machine(for: job) {
          put(job, on: machineID)
          isPlacing = true
        } else {
          refused.append(job)
        }
      }
      // Another round is worth while only for units that wait for one that was just placed.
      isPlacing = isPlacing && refused.contains { !$0.requirements.peers.isEmpty }
      waiting = refused
    }
  }

  private mutating func evictReplaced() {
    for machine in snapshot.machines {
      for replacing in scheduler.occupancies[machine.id]?.replacingJobs ?? [] {
        for victim in scheduler.occupancies[machine.id]?.replacedJobs(by: replacing) ?? [] {
          guard !victim.requirements.isGlobal,
            let refuge = scheduler.refuge(for: victim, from: machine.id)
          else { continue }
          scheduler.remove(victim.name, from: machine.id)
          displaced[victim.name] = "replaced by Unit(\(replacing.name))"
          put(victim, on: refuge)
        }
      }
    }
  }

  private mutating func put(_ job: Job, on machineID: String) {
    var newcomer = job
    newcomer.targetMachineID = machineID
    newcomer.placedAt = .max
    scheduler.place(newcomer, on: machineID)
    placed[job.name] = machineID
  }

  private func tasks() -> [ClusterTask] {
    snapshot.jobs.compactMap { job in
      switch (job.targetMachineID, placed[job.name]) {
      case (nil, let machineID?):
        .schedule(job: job.name, to: machineID, reason: "target state \(job.targetState) and unit not scheduled")
      case (let old?, let new?) where old != new:
        .move(job: job.name, from: old, to: new, reason: displaced[job.name] ?? "")
      case (let old?, nil):
        displaced[job.name].map { .unschedule(job: job.name, from: old, reason: $0) }
      default:
        nil
      }
    }
  }

  private func unplacedNames() -> [String] {
    snapshot.jobs.filter { job in
      let keepsPlace = job.targetMachineID != nil && displaced[job.name] == nil
      return job.needsPlace && !keepsPlace && placed[job.name] == nil
    }.map(\.name)
  }
}

/// What the oracle decided.
struct PlainPlan {
  var tasks: [ClusterTask]
  var unplaced: [String]
  var occupancies: [String: MachineOccupancy]
}
