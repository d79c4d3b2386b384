// SPDX-License-Identifier: Apache-2.0
import CloudConfig
import ServiceLifecycle
import UnitRunner

/// Tells the service manager when the node serves, and when it begins to end.
struct ReadinessService: Service {
  let node: PreparedNode
  let manager: ServiceManagerLink
  let store: Eventual<NodeStore>
  let supervision: UnitSupervision

  func run() async throws {
    do {
      let status = try await cancelWhenGracefulShutdown { try await becomeReady() }
      await manager.isReady(status)
      try await gracefulShutdown()
    } catch is CancellationError {}
    await manager.isStopping()
  }

  /// Waits for the units and for the store.
  ///
  /// - Returns: What the node is now.
  private func becomeReady() async throws -> String {
    try await supervision.waitUntilReady()
    guard node.plan.etcd != nil || node.plan.fleet != nil else { return "running units of the cloud-config" }
    if store.current == nil { await manager.isStarting("finding the cluster; units of this machine are looked after") }
    switch try await store.wait() {
    case .member: return "member \(node.memberName) of the cluster"
    case .worker: return "worker of the cluster"
    case .remote: return "using the store of other machines"
    }
  }
}
