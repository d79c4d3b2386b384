// SPDX-License-Identifier: Apache-2.0
public import Foundation
import Glibc

/// What joins the machines of a test cluster.
public enum TestClusterNetwork: Sendable {
  /// An address of their own on loopback; units are processes.
  case loopback
  /// A network namespace and a real Docker Engine each, with these images imported (name, changes).
  case hosts(images: [DockerImage])
}

/// An image that a test imports from busybox.
public struct DockerImage: Sendable {
  /// The image's name.
  public var name: String
  /// Changes in Dockerfile form, such as `EXPOSE 80`.
  public var changes: [String]

  /// Describes an image.
  public init(_ name: String, changes: [String] = []) {
    self.name = name
    self.changes = changes
  }
}

/// What a test cluster looks like.
public struct TestClusterShape: Sendable {
  /// How many machines boot.
  public var machines: Int
  /// How many of them become members; the others become workers.
  public var size: Int
  /// How many of them, the last, are not started at first.
  public var spares: Int
  /// Further flags of every node.
  public var nodeArguments: [String]
  /// `coreos.fleet.agent-ttl`.
  public var agentTTL: String
  /// Lines put under `coreos.etcd2`, already indented by four blanks.
  public var etcdLines: String
  /// Lines put under `coreos.fleet`, already indented by four blanks.
  public var fleetLines: String
  /// Lines put under the top level.
  public var ownLines: String
  /// Further flags of every Docker Engine.
  public var engineArguments: [String] = []

  /// Describes a cluster.
  public init(
    machines: Int,
    size: Int? = nil,
    spares: Int = 0,
    nodeArguments: [String] = [],
    agentTTL: String = "6s",
    etcdLines: String = "",
    fleetLines: String = "",
    ownLines: String = ""
  ) {
    self.machines = machines
    self.size = size ?? machines - spares
    self.spares = spares
    self.nodeArguments = nodeArguments
    self.agentTTL = agentTTL
    self.etcdLines = etcdLines
    self.fleetLines = fleetLines
    self.ownLines = ownLines
  }
}

/// Several machines booted by a discovery token that one more machine hosts.
public final class TestCluster {
  /// The machines, in order.
  public let nodes: [TestNode]
  /// A directory for files of the test.
  public let directory: URL
  /// The engines of the machines, in order; empty on loopback.
  public private(set) var engines: [DockerDaemon] = []
  /// The hosts' network; nil on loopback.
  public private(set) var network: TestNetwork?
  private let seed: TestNode

  private init(nodes: [TestNode], directory: URL, seed: TestNode, network: TestNetwork?) {
    self.nodes = nodes
    self.directory = directory
    self.seed = seed
    self.network = network
  }

  /// Boots a cluster, runs the body, and takes everything down; the logs are printed when the body fails.
  ///
  /// - Throws: What the body throws, or what went wrong while booting.
  public static func with<Value>(
    _ shape: TestClusterShape,
    on kind: TestClusterNetwork = .loopback,
    _ body: (TestCluster) async throws -> Value
  ) async throws -> Value {
    try await withTestDirectory { directory in
      let cluster = try await lay(out: shape, on: kind, directory: directory)
      do {
        if case .hosts(let images) = kind { try await cluster.startEngines(images, shape.engineArguments) }
        try await cluster.boot(shape)
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

  /// Boots machines that hold no store: what they are told of one stands in `shape.fleetLines`.
  ///
  /// - Throws: What the body throws, or what went wrong while booting.
  public static func withWorkers<Value>(
    _ shape: TestClusterShape,
    directory: URL,
    _ body: (TestCluster) async throws -> Value
  ) async throws -> Value {
    let cluster = try await lay(out: shape, on: .loopback, directory: directory)
    do {
      let text = """
        #cloud-config
        coreos:
          fleet:
            public-ip: $public_ipv4
            agent-ttl: \(shape.agentTTL)
            metadata: "platform=test"
            listen-urls: http://$private_ipv4:49153
        \(shape.fleetLines)
          units:
            - name: fleet.service
              command: start
        \(shape.ownLines)

        """
      try text.write(to: cluster.nodes[0].userData, atomically: true, encoding: .utf8)
      for node in cluster.nodes {
        node.port = 49153
        node.extraArguments = shape.nodeArguments
        try node.start()
      }
      try await cluster.waitUntilListed(cluster.nodes)
      let value = try await body(cluster)
      await cluster.tearDown()
      return value
    } catch {
      cluster.printLogs()
      await cluster.tearDown()
      throw error
    }
  }

  private static func lay(
    out shape: TestClusterShape,
    on kind: TestClusterNetwork,
    directory: URL
  ) async throws -> TestCluster {
    var network: TestNetwork?
    if case .hosts = kind { network = try await TestNetwork.make(hosts: shape.machines) }
    // On loopback every cluster has a /24 to itself, so that suites do not meet.
    let prefix = network?.prefix ?? "127.\(Int.random(in: 10...250)).\(Int.random(in: 1...250))"
    let nodes = (1...shape.machines).map { number in
      TestNode(
        number: number,
        address: "\(prefix).\(number)",
        directory: directory.appendingPathComponent("node\(number)"),
        namespace: network?.namespace(of: number),
        userData: directory.appendingPathComponent("user-data.yaml")
      )
    }
    let seed = TestNode(
      number: 254,
      address: "\(prefix).254",
      directory: directory.appendingPathComponent("seed"),
      namespace: network?.switchNamespace,
      userData: directory.appendingPathComponent("seed.yaml")
    )
    return TestCluster(nodes: nodes, directory: directory, seed: seed, network: network)
  }

  private func startEngines(_ images: [DockerImage], _ arguments: [String]) async throws {
    // All at once: an engine waits for itself most of the time.
    for node in nodes {
      let engine = try DockerDaemon.launch(
        directory: directory.appendingPathComponent("engine\(node.number)"),
        namespace: node.namespace,
        arguments: arguments
      )
      engines.append(engine)
      node.docker = engine.url
    }
    for engine in engines {
      try await engine.waitUntilReady()
      try await engine.importImages(images)
    }
  }

  private static let seedUserData = """
    #cloud-config
    coreos:
      etcd2:
        listen-client-urls: http://$private_ipv4:2379
        advertise-client-urls: http://$private_ipv4:2379
        listen-peer-urls: http://$private_ipv4:2380
        initial-advertise-peer-urls: http://$private_ipv4:2380
        initial-cluster: node254=http://$private_ipv4:2380
      units:
        - name: etcd2.service
          command: start

    """

  private static func text(of shape: TestClusterShape, discovery: String, listen: String) -> String {
    """
    #cloud-config
    coreos:
      etcd2:
        discovery: \(discovery)
        advertise-client-urls: http://$public_ipv4:2379
        initial-advertise-peer-urls: http://$private_ipv4:2380
        listen-client-urls: http://\(listen):2379,http://\(listen):4001
        listen-peer-urls: http://$private_ipv4:2380,http://$private_ipv4:7001
    \(shape.etcdLines)
      fleet:
        public-ip: $public_ipv4
        agent-ttl: \(shape.agentTTL)
        metadata: "platform=test"
        listen-urls: http://\(listen):49153
    \(shape.fleetLines)
      flannel:
        interface: $public_ipv4
      update:
        reboot-strategy: off
      units:
        - name: etcd2.service
          command: start
        - name: fleet.service
          command: start
        - name: docker-tcp.socket
          command: start
          enable: true
          content: |
            [Unit]
            Description=Docker Socket for the API

            [Socket]
            ListenStream=2375
            Service=docker.service
            BindIPv6Only=both

            [Install]
            WantedBy=sockets.target
    \(shape.ownLines)

    """
  }

  private func boot(_ shape: TestClusterShape) async throws {
    try Self.seedUserData.write(to: seed.userData, atomically: true, encoding: .utf8)
    try seed.start()
    try await eventually("the discovery service answers") {
      try await get("/health", from: seed).contains("true")
    }
    let url = try await get("/discovery/new?size=\(shape.size)", from: seed)
    // Hosts have their ports to themselves; on loopback the machines share them and keep to their addresses.
    let listen = network == nil ? "$private_ipv4" : "0.0.0.0"
    try Self.text(of: shape, discovery: url.trimmingCharacters(in: .whitespacesAndNewlines), listen: listen)
      .write(to: nodes[0].userData, atomically: true, encoding: .utf8)
    for node in nodes { node.extraArguments = shape.nodeArguments }
    let started = nodes.dropLast(shape.spares)
    for node in started { try node.start() }
    for node in started {
      try await eventually("node \(node.number) serves") {
        try await get("/health", from: node).contains("true")
      }
    }
    try await waitUntilListed(Array(started))
  }

  /// Waits until these machines, and no others, are in the fleet.
  ///
  /// - Throws: ``DeadlinePassed``.
  public func waitUntilListed(_ machines: [TestNode]) async throws {
    let wanted = machines.map(\.machineID).sorted()
    try await eventually("machines \(machines.map(\.number)) are listed") {
      let list = try await coracle(["machine", "list", "--no-legend", "--full"], on: machines.first).output
      return list.split(separator: "\n").map { $0.split(separator: "\t").first.map(String.init) ?? "" } == wanted
    }
  }

  /// Prints what the nodes have logged.
  public func printLogs() {
    for node in nodes + [seed] {
      FileHandle.standardError.write(Data("--- log of node \(node.number)\n\(node.log.suffix(12_000))\n".utf8))
    }
  }

  /// Takes the power from a machine: its node, its units and its Docker Engine.
  ///
  /// - Throws: ``DeadlinePassed`` when they do not end.
  public func powerOff(_ node: TestNode) async throws {
    try await node.powerOff()
    if node.number <= engines.count { try await engines[node.number - 1].powerOff() }
  }

  /// Starts a machine again after ``powerOff(_:)``, and waits until all machines are listed.
  ///
  /// - Throws: When it does not come up.
  public func powerOn(_ node: TestNode) async throws {
    if node.number <= engines.count { try await engines[node.number - 1].restart() }
    try node.start()
    try await waitUntilListed(nodes)
  }

  private func tearDown() async {
    for node in nodes + [seed] { try? await node.powerOff() }
    for engine in engines { await engine.stop() }
    await network?.remove()
  }

  /// Ends the machine that hosts the discovery service.
  ///
  /// - Throws: ``DeadlinePassed``.
  public func stopDiscoveryService() async throws {
    try await seed.powerOff()
  }

  /// The body of an HTTP answer of a node, asked on that machine.
  ///
  /// - Throws: ``CommandFailed`` for an HTTP error or no answer within twenty seconds.
  public func get(_ path: String, from node: TestNode) async throws -> String {
    try await succeed(node.onMachine(["curl", "-sf", "-m", "20", "\(node.endpoint)\(path)"]))
  }

  /// Runs `coracle` against one node (the first unless said otherwise).
  ///
  /// - Throws: When the command cannot be run or does not end.
  public func coracle(
    _ arguments: [String],
    on node: TestNode? = nil,
    input: String? = nil,
    within timeout: Duration = .seconds(180)
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

  /// Our binary under another name, as the links beside it are.
  ///
  /// - Returns: The link's path.
  /// - Throws: When the link cannot be made.
  public func program(_ name: String) throws -> String {
    let link = directory.appendingPathComponent(name)
    if !FileManager.default.fileExists(atPath: link.path) {
      try FileManager.default.createSymbolicLink(at: link, withDestinationURL: BuiltProgram.coracle)
    }
    return link.path
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
