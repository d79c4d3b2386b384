// SPDX-License-Identifier: Apache-2.0

/// What has to be done about a snapshot, and what can be said about it.
public struct ClusterPlan: Sendable {
  /// What has to be done, by unit name; at most one task a unit.
  public let tasks: [ClusterTask]
  private let ledger: ClusterLedger

  init(tasks: [ClusterTask], ledger: ClusterLedger) {
    self.tasks = tasks
    self.ledger = ledger
  }

  /// Wanted units that no machine takes, by name.
  public var unplaced: [String] { ledger.unplaced }

  /// Why each present machine does not take a unit: ``ClusterLedger/refusals(of:)``.
  public func refusals(of name: String) -> [Refusal] { ledger.refusals(of: name) }

  /// The machines that have a unit once the tasks are carried out: ``ClusterLedger/machines(of:)``.
  public func machines(of name: String) -> [String] { ledger.machines(of: name) }
}
