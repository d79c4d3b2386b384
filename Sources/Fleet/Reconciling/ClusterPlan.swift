// SPDX-License-Identifier: Apache-2.0

/// What a reconciler decided, and what it can say about it.
public struct ClusterPlan: Sendable {
  /// What has to be done, by unit name; at most one task a unit.
  public let tasks: [ClusterTask]
  /// Wanted units that no machine takes, by name.
  public let unplaced: [String]
  private let scheduler: Scheduler
  private let jobs: [Job]

  init(tasks: [ClusterTask], unplaced: [String], scheduler: Scheduler, jobs: [Job]) {
    self.tasks = tasks
    self.unplaced = unplaced
    self.scheduler = scheduler
    self.jobs = jobs
  }

  /// Why each present machine does not take a unit, by machine id, once the tasks are carried out.
  ///
  /// Machines that have it, or would take it, are left out; an unknown unit is refused by none.
  public func refusals(of name: String) -> [Refusal] {
    guard let job = jobs.first(where: { $0.name == name }) else { return [] }
    return scheduler.refusals(of: job).filter { refusal in
      scheduler.occupancies[refusal.machineID]?.jobs[name] == nil
    }
  }

  /// The machines that have a unit once the tasks are carried out, by id: one, or for a global unit many.
  public func machines(of name: String) -> [String] {
    scheduler.occupancies.filter { $0.value.jobs[name] != nil }.keys.sorted()
  }
}
