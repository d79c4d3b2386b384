// SPDX-License-Identifier: Apache-2.0
import TestKit
import Testing

/// Gives a suite one cluster, for all of its tests: booting takes longer than most of them.
struct ClusterTrait: SuiteTrait, TestScoping {
  let shape: TestClusterShape

  @concurrent func provideScope(
    for test: Test,
    testCase: Test.Case?,
    performing function: @Sendable @concurrent () async throws -> Void
  ) async throws {
    try await SharedCluster.share(shape) { try await function() }
  }
}

extension Trait where Self == ClusterTrait {
  /// A cluster on loopback; tests find it by `SharedCluster.use`.
  static func cluster(_ shape: TestClusterShape) -> Self { ClusterTrait(shape: shape) }
}

/// A unit file whose program does nothing and ends when it is told to.
func sleeper(_ fleetLines: String = "", unitLines: String = "") -> String {
  "[Unit]\nDescription=Sleeps\n\(unitLines)\n[Service]\nExecStart=/bin/sleep 1000000\n"
    + (fleetLines.isEmpty ? "" : "\n[X-Fleet]\n\(fleetLines)\n")
}
