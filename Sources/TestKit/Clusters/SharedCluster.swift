// SPDX-License-Identifier: Apache-2.0

/// The cluster that all tests of a suite use, one after another.
public enum SharedCluster {
  // Suites that share a cluster are serialized, so no two tests use it at once.
  private struct Holder: @unchecked Sendable {
    let cluster: TestCluster
  }

  @TaskLocal private static var holder: Holder?

  /// Boots a cluster that tests within `body` find by ``use(_:)``, and takes it down afterwards.
  ///
  /// - Throws: What the body throws, or what went wrong while booting.
  public static func share(
    _ shape: TestClusterShape,
    on kind: TestClusterNetwork = .loopback,
    _ body: () async throws -> Void
  ) async throws {
    try await TestCluster.with(shape, on: kind) { cluster in try await share(cluster, body) }
  }

  /// Has tests within `body` find a cluster by ``use(_:)``.
  ///
  /// - Throws: What the body throws.
  public static func share(_ cluster: TestCluster, _ body: () async throws -> Void) async throws {
    try await $holder.withValue(Holder(cluster: cluster), operation: body)
  }

  /// Runs one test on the suite's cluster; its units are destroyed afterwards.
  ///
  /// - Parameter body: The test, with `fleetctl` for the first machine.
  /// - Throws: What the body throws, after the nodes' logs were printed.
  public static func use(_ body: (TestCluster, Fleetctl) async throws -> Void) async throws {
    guard let cluster = holder?.cluster else {
      throw CommandFailed(description: "the suite has no cluster of its own")
    }
    let fleet = Fleetctl(cluster)
    do {
      try await body(cluster, fleet)
      try await fleet.clear()
    } catch {
      cluster.printLogs()
      // The next test finds an empty fleet all the same, if that can be had.
      try? await fleet.clear()
      throw error
    }
  }
}
