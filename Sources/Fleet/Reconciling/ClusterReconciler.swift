// SPDX-License-Identifier: Apache-2.0

/// Decides about a snapshot as a whole, by the rules of ``ClusterLedger``: for whoever asks once.
public enum ClusterReconciler {
  /// Decides about a snapshot.
  public static func plan(for snapshot: ClusterSnapshot) -> ClusterPlan {
    var ledger = ClusterLedger(snapshot)
    let pass = ledger.plan()
    return ClusterPlan(tasks: pass.tasks, ledger: ledger)
  }

  /// The moves that a rebalancing of a snapshot would make.
  public static func rebalancingPlan(for snapshot: ClusterSnapshot) -> [UnitMove] {
    ClusterLedger(snapshot).rebalancingPlan()
  }
}
