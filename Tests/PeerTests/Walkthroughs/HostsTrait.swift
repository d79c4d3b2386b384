// SPDX-License-Identifier: Apache-2.0
import TestKit
import Testing

/// Gives a suite one cluster of hosts, for all of its tests: six Docker Engines take longer to start than most of them.
struct HostsTrait: SuiteTrait, TestScoping {
  let shape: TestClusterShape
  let images: [DockerImage]

  @concurrent func provideScope(
    for test: Test,
    testCase: Test.Case?,
    performing function: @Sendable @concurrent () async throws -> Void
  ) async throws {
    try await SharedCluster.share(shape, on: .hosts(images: images)) { try await function() }
  }
}

extension Trait where Self == HostsTrait {
  /// Hosts with a network namespace and a Docker Engine each; tests find them by `SharedCluster.use`.
  static func hosts(_ shape: TestClusterShape, images: [DockerImage]) -> Self {
    HostsTrait(shape: shape, images: images)
  }
}

/// The path of a walkthrough's unit file.
func unitFile(_ name: String) -> String { peerFile("Units/\(name)") }

extension Fleetctl {
  /// What `docker` prints on a unit's machine.
  func docker(_ words: [String], on node: TestNode) async throws -> String {
    try await cluster.engines[node.number - 1].docker(words)
  }

  /// Runs a program on a machine; `etcdctl` and `fleetctl` are ours.
  func command(_ words: String..., on node: Int) async throws -> CommandOutput {
    let program = ["etcdctl", "fleetctl"].contains(words[0]) ? try cluster.program(words[0]) : words[0]
    let patience = words[0] == "etcdctl" ? SecureCluster.patience : []
    return try await TestKit.run(cluster.nodes[node - 1].onMachine([program] + patience + words.dropFirst()))
  }
}
