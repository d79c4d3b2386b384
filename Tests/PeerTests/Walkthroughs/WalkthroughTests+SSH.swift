// SPDX-License-Identifier: Apache-2.0
import Foundation
import TestKit
import Testing

extension WalkthroughTests {
  /// A laptop beside the machines: `127.0.0.1:2222` there is port 22 of the first machine, as Vagrant has it.
  private struct Laptop {
    let cluster: TestCluster
    let network: TestNetwork
    let agent: TestAgent
    let home: URL

    func run(
      _ words: [String],
      environment: [String: String] = [:],
      input: String? = nil
    ) async throws -> CommandOutput {
      let variables = ["HOME": home.path, "SSH_AUTH_SOCK": agent.socket, "FLEETCTL_SSH_USERNAME": SSHServer.username]
      return try await TestKit.run(
        ["nsenter", "--net=/run/netns/\(network.switchNamespace)", "setsid", "--wait", try cluster.program("fleetctl")]
          + words,
        environment: variables.merging(environment) { $1 },
        directory: cluster.directory,
        input: input
      )
    }

    func forwardPort() async throws {
      let first = cluster.nodes[0].address
      try await succeed([
        "nsenter", "--net=/run/netns/\(network.switchNamespace)", "sh", "-ec",
        """
        echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet
        iptables -t nat -A OUTPUT -d 127.0.0.1 -p tcp --dport 2222 -j DNAT --to-destination \(first):22
        iptables -t nat -A POSTROUTING -d \(first) -p tcp --dport 22 -j MASQUERADE
        """,
      ])
    }
  }

  @Test func `1 2 a laptop asks through a tunnel, and works on a unit's machine`() async throws {
    try await SharedCluster.use { cluster, fleet in
      let home = cluster.directory.appendingPathComponent("laptop")
      try FileManager.default.createDirectory(at: home, withIntermediateDirectories: true)
      let laptop = Laptop(
        cluster: cluster,
        network: try #require(cluster.network),
        agent: try await TestAgent(directory: home),
        home: home
      )
      try await laptop.forwardPort()
      let key = home.appendingPathComponent("key").path
      try await succeed(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key])
      var servers: [Int: SSHServer] = [:]
      func serve(_ node: TestNode) async throws {
        guard servers[node.number] == nil else { return }
        let server = try await SSHServer(directory: home.appendingPathComponent("sshd\(node.number)"), of: node)
        try server.authorize(key + ".pub")
        try await server.start()
        servers[node.number] = server
      }
      do {
        try await serve(cluster.nodes[0])
        try await tunnel(laptop, fleet, key)
        try await fleet.expect(["start", unitFile("python-test.service")])
        try await fleet.waitUntilActive(["python-test.service"])
        let machine = try await fleet.machine(of: "python-test.service")
        // A simple service is active before its program has done anything.
        try await eventually("the container runs") {
          try await fleet.docker(["ps", "--format", "{{.Names}}"], on: machine) == "python-service\n"
        }
        try await serve(machine)
        try await work(on: machine, laptop)
      } catch {
        for server in servers.values { try? await server.stop() }
        await laptop.agent.stop()
        throw error
      }
      for server in servers.values { try await server.stop() }
      await laptop.agent.stop()
    }
  }

  private func tunnel(_ laptop: Laptop, _ fleet: Fleetctl, _ key: String) async throws {
    let words = ["--tunnel", "127.0.0.1:2222", "list-machines"]
    let locked = try await laptop.run(words, input: "yes\n")
    #expect(locked.status == 1 && locked.output.isEmpty, "\(locked)")
    #expect(locked.errors.contains("key"), "\(locked)")
    try await laptop.agent.add(key)
    let machines = try await fleet.expect(["list-machines"]).output
    let through = try await laptop.run(words)
    #expect(through.output == machines && through.status == 0, "\(through)")
    let byVariable = try await laptop.run(["list-machines"], environment: ["FLEETCTL_TUNNEL": "127.0.0.1:2222"])
    #expect(byVariable.output == machines, "\(byVariable)")
  }

  private func work(on machine: TestNode, _ laptop: Laptop) async throws {
    let tunnel = ["FLEETCTL_TUNNEL": "127.0.0.1:2222"]
    let listed = try await laptop.run(
      ["ssh", String(machine.machineID.prefix(8)), "docker", "ps", "--format", "'{{.Names}} {{.Ports}}'"],
      environment: tunnel,
      input: "yes\n"
    )
    #expect(listed.output.hasPrefix("python-service 0.0.0.0:"), "\(listed)")
    let port = listed.output.split(separator: ":").dropFirst().first?.prefix { $0.isNumber } ?? ""
    try await eventually("the published port answers there") {
      try await laptop.run(
        ["ssh", "--unit", "python-test.service", "curl", "-s", "http://127.0.0.1:\(port)/"],
        environment: tunnel
      ).output == "hello\n"
    }
    for (words, text) in [(["status"], "active (running)"), (["journal"], "docker")] {
      let told = try await laptop.run(words + ["python-test"], environment: tunnel)
      #expect(told.status == 0 && told.output.contains(text), "\(told)")
    }
  }
}
