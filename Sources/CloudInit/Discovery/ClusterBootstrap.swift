// SPDX-License-Identifier: Apache-2.0
public import CloudConfig
public import Logging

/// Decides once whether this node is a member or a worker, and of which cluster.
///
/// Concurrency: ``run()`` may wait for the other machines for as long as it takes; cancel its task to give up.
public struct ClusterBootstrap: Sendable {
  /// Settings of the store.
  public var plan: EtcdPlan
  /// This node's member name.
  public var name: String
  /// The node's data directory.
  public var dataDirectory: String
  /// Makes the way to a discovery URL.
  public var discovery: @Sendable (_ url: String) throws -> any DiscoveryEndpoint
  /// Waits between two tries.
  public var sleep: @Sendable (Duration) async throws -> Void
  /// Where the steps are told.
  public var logger: Logger

  /// Makes a bootstrap.
  public init(
    plan: EtcdPlan,
    name: String,
    dataDirectory: String,
    discovery: @escaping @Sendable (_ url: String) throws -> any DiscoveryEndpoint,
    sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) },
    logger: Logger
  ) {
    self.plan = plan
    self.name = name
    self.dataDirectory = dataDirectory
    self.discovery = discovery
    self.sleep = sleep
    self.logger = logger
  }

  /// Reads what was decided on an earlier boot, or decides and keeps it.
  ///
  /// - Throws: ``CloudInitError`` when the plan contradicts itself or the token is unusable; `CancellationError`.
  public func run() async throws -> MembershipRecord {
    throw CloudInitError(.configuration, "cannot form a cluster yet")
  }
}
