// SPDX-License-Identifier: Apache-2.0
public import Foundation
import Glibc

/// What a test cluster looks like.
public struct TestClusterShape: Sendable {
  /// How many machines boot.
  public var machines: Int
  /// How many of them become members; the others become workers.
  public var size: Int
  /// `coreos.fleet.agent-ttl`.
  public var agentTTL: String
  /// Lines put under `coreos.etcd2`, already indented by four blanks.
  public var etcdLines: String
  /// Lines put under the top level.
  public var ownLines: String

  /// Describes a cluster.
  public init(machines: Int, size: Int? = nil, agentTTL: String = "3s", etcdLines: String = "", ownLines: String = "") {
    self.machines = machines
    self.size = size ?? machines
    self.agentTTL = agentTTL
    self.etcdLines = etcdLines
    self.ownLines = ownLines
  }
}

/// Several nodes on loopback addresses of their own, booted by a discovery token from one more node.
public final class TestCluster {
  /// The machines, in order.
  public let nodes: [TestNode]
  /// A directory for files of the test.
  public let directory: URL
  private let seed: TestNode

  private init(nodes: [TestNode], directory: URL, seed: TestNode) {
    self.nodes = nodes
    self.directory = directory
    self.seed = seed
  }

  /// Boots a cluster, runs the body, and takes everything down; the logs are printed when the body fails.
  ///
  /// - Throws: What the body throws, or what went wrong while booting.
  public static func with<Value>(
    _ shape: TestClusterShape,
    _ body: (TestCluster) async throws -> Value
  ) async throws -> Value {
    try await withTestDirectory { directory in
      let cluster = try await prepare(shape, directory: directory)
      do {
        try await cluster.boot()
        let value = try await body(cluster)
        await cluster.tearDown()
        return value
      } catch {
        cluster.printLogs()
        await cluster.tearDown()
        throw error
      }
    }
  }

  private static func prepare(_ shape: TestClusterShape, directory: URL) async throws -> TestCluster {
    // Every cluster has a /24 of loopback to itself, so that suites do not meet.
    var generator = SystemRandomNumberGenerator()
    let network = "127.\(UInt8.random(in: 10...250, using: &generator)).\(UInt8.random(in: 1...250, using: &generator))"
    let seedData = directory.appendingPathComponent("seed.yaml")
    try seedUserData.write(to: seedData, atomically: true, encoding: .utf8)
    let seed = TestNode(
      number: 250,
      address: "\(network).250",
      directory: directory.appendingPathComponent("seed"),
      namespace: nil,
      userData: seedData
    )
    try seed.start()
    try await eventually("the discovery service answers", within: .seconds(30)) {
      try await succeed(["curl", "-sf", "\(seed.endpoint)/health"]).contains("true")
    }
    let url = try await succeed(["curl", "-sf", "\(seed.endpoint)/discovery/new?size=\(shape.size)"])
    let userData = directory.appendingPathComponent("user-data.yaml")
    try text(of: shape, discovery: url.trimmingCharacters(in: .whitespacesAndNewlines))
      .write(to: userData, atomically: true, encoding: .utf8)
    let nodes = (1...shape.machines).map { number in
      TestNode(
        number: number,
        address: "\(network).\(number)",
        directory: directory.appendingPathComponent("node\(number)"),
        namespace: nil,
        userData: userData
      )
    }
    return TestCluster(nodes: nodes, directory: directory, seed: seed)
  }

  private static let seedUserData = """
    #cloud-config
    coreos:
      etcd2:
        listen-client-urls: http://$private_ipv4:2379
        advertise-client-urls: http://$private_ipv4:2379
        listen-peer-urls: http://$private_ipv4:2380
        initial-advertise-peer-urls: http://$private_ipv4:2380
        initial-cluster: node250=http://$private_ipv4:2380
      units:
        - name: etcd2.service
          command: start

    """

  private static func text(of shape: TestClusterShape, discovery: String) -> String {
    """
    #cloud-config
    coreos:
      etcd2:
        discovery: \(discovery)
        advertise-client-urls: http://$public_ipv4:2379
        initial-advertise-peer-urls: http://$private_ipv4:2380
        listen-client-urls: http://$private_ipv4:2379,http://$private_ipv4:4001
        listen-peer-urls: http://$private_ipv4:2380,http://$private_ipv4:7001
    \(shape.etcdLines)
      fleet:
        public-ip: $public_ipv4
        agent-ttl: \(shape.agentTTL)
        metadata: "platform=test"
        listen-urls: http://$private_ipv4:49153
      units:
        - name: etcd2.service
          command: start
        - name: fleet.service
          command: start
    \(shape.ownLines)

    """
  }

  private func boot() async throws {
    for node in nodes { try node.start() }
    for node in nodes {
      try await eventually("node \(node.number) serves", within: .seconds(40)) {
        try await succeed(["curl", "-sf", "-m", "2", "\(node.endpoint)/health"]).contains("true")
      }
    }
    let count = nodes.count
    try await eventually("\(count) machines are listed", within: .seconds(40)) {
      let list = try await coracle(["machine", "list", "--no-legend"]).output
      return list.split(separator: "\n").count == count
    }
  }

  private func printLogs() {
    for node in nodes + [seed] {
      FileHandle.standardError.write(Data("--- log of node \(node.number)\n\(node.log.suffix(12_000))\n".utf8))
    }
  }

  private func tearDown() async {
    for node in nodes + [seed] { try? await node.powerOff() }
  }

  /// Runs `coracle` against one node (the first unless said otherwise).
  ///
  /// - Throws: When the command cannot be run or does not end.
  public func coracle(
    _ arguments: [String],
    on node: TestNode? = nil,
    input: String? = nil,
    within timeout: Duration = .seconds(60)
  ) async throws -> CommandOutput {
    let target = node ?? nodes[0]
    return try await run(
      target.onMachine([BuiltProgram.coracle.path] + arguments),
      environment: ["CORACLE_ENDPOINT": target.endpoint],
      directory: directory,
      input: input,
      within: timeout
    )
  }

  /// Writes a file into the cluster's directory, for instance a unit file.
  ///
  /// - Returns: Its path.
  /// - Throws: When it cannot be written.
  public func write(_ text: String, to name: String) throws -> String {
    let file = directory.appendingPathComponent(name)
    try text.write(to: file, atomically: true, encoding: .utf8)
    return file.path
  }
}
