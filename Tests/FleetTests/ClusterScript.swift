// SPDX-License-Identifier: Apache-2.0
import Units

@testable import Fleet

/// A cluster that carries out what the reconciler says at once: for tests that tell a story.
struct ClusterScript {
  var machines: [String: Machine] = [:]
  var jobs: [String: Job] = [:]
  var areAbsentMachinesLost = true
  private var index: UInt64 = 0

  init(_ machineIDs: String...) {
    for id in machineIDs { machines[id] = Machine(id: id) }
  }

  var snapshot: ClusterSnapshot {
    ClusterSnapshot(
      jobs: Array(jobs.values),
      machines: Array(machines.values),
      areAbsentMachinesLost: areAbsentMachinesLost
    )
  }

  mutating func start(_ names: String..., xfleet: String = "") throws {
    for name in names { try set(name, xfleet: xfleet, .launched) }
  }

  mutating func set(_ name: String, xfleet: String, _ targetState: JobState) throws {
    index += 1
    let file = try UnitFile(parsing: "[X-Fleet]\n" + xfleet)
    let requirements = UnitRequirements(of: file, unitName: name)
    jobs[name] = Job(
      name: name,
      requirements: requirements,
      targetState: targetState,
      targetMachineID: jobs[name]?.targetMachineID,
      placedAt: jobs[name]?.placedAt ?? index,
      isTemplate: try UnitName(name).isTemplate
    )
  }

  mutating func stop(_ name: String) { jobs[name]?.targetState = .inactive }
  mutating func destroy(_ name: String) { jobs[name] = nil }

  /// One pass of the engine.
  @discardableResult
  mutating func pass() -> [ClusterTask] {
    let tasks = ClusterReconciler.plan(for: snapshot).tasks
    for task in tasks {
      index += 1
      switch task {
      case .schedule(let job, let machine, _), .move(let job, _, let machine, _):
        jobs[job]?.targetMachineID = machine
        jobs[job]?.placedAt = index
      case .unschedule(let job, _, _):
        jobs[job]?.targetMachineID = nil
      }
    }
    return tasks
  }

  /// Passes until nothing is left to do; how many had something to do.
  @discardableResult
  mutating func settle(maximumPasses: Int = 10) -> Int {
    for count in 0..<maximumPasses where pass().isEmpty { return count }
    return maximumPasses
  }

  func machine(of name: String) -> String? { jobs[name]?.targetMachineID }

  /// Units placed on a machine, global ones included.
  func units(on id: String) -> [String] {
    guard let machine = machines[id] else { return [] }
    return LocalSelection.jobs(from: Array(jobs.values), on: machine).map(\.name)
  }
}
