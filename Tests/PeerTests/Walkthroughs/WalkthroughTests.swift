// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import TestKit
import Testing

/// Six hosts, and what their image registry would have.
enum WalkthroughHosts {
  static let shape = TestClusterShape(
    machines: 6,
    size: 3,
    // Long enough for a node that is killed to be back in time on a starved computer.
    agentTTL: "6s",
    ownLines: "coracle:\n  registrator: { enabled: true, ttl: 5 }"
  )

  static let images = [
    DockerImage("busybox"),
    // A service that handles SIGTERM as Python's servers do: it ends with status 0.
    DockerImage(
      "jlordiales/python-micro-service",
      changes: [
        "EXPOSE 5000",
        #"CMD ["/bin/sh", "-c", "trap 'exit 0' TERM; httpd -f -p 5000 -h /www & wait"]"#,
      ]
    ),
    DockerImage("library/haproxy:1.5", changes: [#"CMD ["httpd", "-f", "-p", "80", "-h", "/www"]"#]),
    DockerImage("gliderlabs/registrator:latest", changes: [#"ENTRYPOINT ["/bin/sh", "-c", "sleep 100000"]"#]),
    DockerImage("coreos/apache"),
    DockerImage("jpweb/nginx-presence", changes: [#"CMD ["sleep", "100000"]"#]),
    DockerImage("nginx:1.0.0", changes: ["EXPOSE 80", #"CMD ["httpd", "-f", "-p", "80", "-h", "/www"]"#]),
    DockerImage("dumbserve", changes: ["EXPOSE 8080", #"CMD ["httpd", "-f", "-p", "8080", "-h", "/www"]"#]),
  ]
}

/// The walkthroughs of CoreOS users, with their unit files unedited, on real Docker Engines: one for each machine.
///
/// Numbers are those of the walkthroughs; docs/RELIABILITY.md has the table.
@Suite(.serialized, .hosts(WalkthroughHosts.shape, images: WalkthroughHosts.images))
struct WalkthroughTests {
  // MARK: 1. A first cluster

  @Test func `1 six machines boot one document, and the first three become the store`() async throws {
    try await SharedCluster.use { cluster, fleet in
      let clock = ContinuousClock()
      #expect(try await fleet.command("etcdctl", "set", "/key3", "value3", "--ttl", "15", on: 3).output == "value3\n")
      let begin = clock.now
      #expect(try await fleet.command("etcdctl", "get", "/key3", on: 3).output == "value3\n")
      #expect(try await fleet.command("etcdctl", "set", "/key1", "value1", on: 1).output == "value1\n")
      try await eventually("the second machine reads it") {
        try await fleet.command("etcdctl", "get", "/key1", on: 2).output == "value1\n"
      }
      let url = "http://127.0.0.1:4001/v2/keys/key2"
      let put = try await fleet.command("curl", "-sL", "-X", "PUT", url, "-d", "value=\"value2\"", on: 2)
      #expect(put.output.contains(#""action":"set""#), "\(put)")
      for number in 1...6 {
        try await eventually("machine \(number) reads the second key") {
          try await fleet.command("curl", "-sL", url, on: number).output.contains("value2")
        }
      }
      for (node, flags) in [(3, ["--sort"]), (6, ["--sort", "--recursive", "--quorum"])] {
        let listed = try await TestKit.run(
          cluster.nodes[node - 1].onMachine([try cluster.program("etcdctl"), "ls"] + flags)
        )
        let keys = listed.output.split(separator: "\n").filter { $0.hasPrefix("/key") }
        #expect(keys == ["/key1", "/key2", "/key3"], "\(listed)")
      }
      let members = try await fleet.command("etcdctl", "member", "list", on: 4)
      #expect(members.output.split(separator: "\n").count == 3, "\(members)")

      let asked = ["--endpoint", "http://127.0.0.1:49153", "list-machines"]
      let machines = try await fleet.command("fleetctl", asked[0], asked[1], asked[2], on: 1)
      #expect(machines.output.split(separator: "\n").count == 7, "\(machines)")
      for node in cluster.nodes {
        #expect(
          machines.output.contains("\(node.machineID.prefix(8))...\t\(node.address)\tplatform=test"),
          "\(machines)"
        )
        let same = try await fleet.command("fleetctl", asked[0], asked[1], asked[2], on: node.number)
        #expect(same.output == machines.output, "\(same)")
      }

      // Fifteen seconds are what the key was given; to ask earlier would only repeat the answer of before.
      try await Task.sleep(until: begin + .milliseconds(14_500), clock: clock)
      try await eventually("the third key's time is over", within: .seconds(15)) {
        try await fleet.command("etcdctl", "get", "/key3", on: 5).status == 4
      }
      for key in ["/key1", "/key2"] { _ = try await fleet.command("etcdctl", "rm", key, on: 1) }
    }
  }

  @Test func `1 docker-tcp.socket makes each engine reachable, for its own machine alone`() async throws {
    try await SharedCluster.use { cluster, fleet in
      let host = cluster.nodes[5]
      func docker(_ words: String..., input: String? = nil, at place: String = "127.0.0.1:2375") async throws -> String
      {
        try await succeed(host.onMachine(["docker", "-H", "tcp://\(place)"] + words), input: input)
      }
      #expect(try await docker("run", "-i", "--rm", "busybox", "cat", input: "typed\n") == "typed\n")
      #expect(try await docker("ps", "-q", at: "[::1]:2375").isEmpty)
      for (node, name) in [(host, host.address), (cluster.nodes[0], host.address)] {
        let asked = try await TestKit.run(node.onMachine(["curl", "-s", "-m", "5", "http://\(name):2375/_ping"]))
        #expect(asked.status == 7, "\(asked)")
      }
      #expect(host.log.contains("the Docker Engine's socket is reachable"), "\(host.log.suffix(2_000))")

      try await host.end(SIGTERM)
      let closed = try await TestKit.run(host.onMachine(["curl", "-s", "http://127.0.0.1:2375/_ping"]))
      #expect(closed.status == 7, "\(closed)")
      try host.start()
      try await eventually("it is reachable again") { try await docker("ps", "-q").isEmpty }
      try await cluster.waitUntilListed(cluster.nodes)

      let file = try cluster.write("[Socket]\nListenStream=2375\nService=docker.service\n", to: "docker-tcp.socket")
      let refused = try await fleet.run(["start", "--no-block", file])
      let reason = "put this socket under coreos.units of its cloud-config"
      #expect(refused.errors.contains(reason), "\(refused)")
    }
  }

  // MARK: 2. One service

  @Test func `2 one service is submitted, started, healed and moved when its machine dies`() async throws {
    try await SharedCluster.use { cluster, fleet in
      try await fleet.expect(["submit", unitFile("python-test.service")])
      #expect(try await fleet.column(["list-unit-files"]) == ["python-test.service"])
      #expect(
        try await fleet.expect(["cat", "python-test"]).output.contains("docker run --name python-service -P")
      )
      let start = try await fleet.expect(["start", "python-test"])
      #expect(start.output.contains("Unit python-test.service launched on "), "\(start)")
      try await fleet.wait(for: ["python-test.service": "active/running"])

      let home = try await fleet.machine(of: "python-test.service")
      let status = try await fleet.expect(["status", "python-test"])
      for text in ["active (running)", "ExecStartPre", "docker pull jlordiales/python-micro-service", "Main"] {
        #expect(status.output.contains(text), "\(text) in \(status)")
      }
      // A simple service is active before its program has done anything, as with systemd.
      try await eventually("the container runs") {
        try await fleet.docker(["ps", "--format", "{{.Names}}"], on: home) == "python-service\n"
      }
      let port = try await publishedPort(fleet, home)
      // The container's server is one that starts a shell for each request, and may be late.
      try await eventually("the published port answers") {
        try await succeed(home.onMachine(["curl", "-sf", "http://127.0.0.1:\(port)/"])) == "hello\n"
      }

      let first = try await fleet.docker(["inspect", "-f", "{{.Id}}", "python-service"], on: home)
      _ = try await fleet.docker(["kill", "python-service"], on: home)
      try await eventually("a killed container runs again") {
        let now = try await fleet.docker(["inspect", "-f", "{{.Id}} {{.State.Running}}", "python-service"], on: home)
        return now.hasSuffix(" true\n") && !now.hasPrefix(first.dropLast())
      }
      try await fleet.wait(for: ["python-test.service": "active/running"])
      _ = try await fleet.docker(["stop", "-t", "2", "python-service"], on: home)
      try await eventually("a stopped container is not restarted") {
        try await fleet.states()["python-test.service"].map { !$0.hasPrefix("act") } ?? false
      }
      try await holds("no container runs", for: .seconds(1)) {
        try await fleet.docker(["ps", "-q"], on: home).isEmpty
      }

      try await fleet.expect(["stop", "python-test"])
      try await fleet.expect(["start", "python-test"])
      try await fleet.wait(for: ["python-test.service": "active/running"])
      try await loseMachine(of: "python-test.service", cluster, fleet)
    }
  }

  private func publishedPort(_ fleet: Fleetctl, _ home: TestNode) async throws -> Substring {
    try await fleet.docker(["port", "python-service", "5000/tcp"], on: home)
      .split(separator: "\n")[0].split(separator: ":").last ?? ""
  }

  /// Powers a unit's machine off, waits until the unit runs on another, and powers the machine on again.
  func loseMachine(of unit: String, _ cluster: TestCluster, _ fleet: Fleetctl) async throws {
    let lost = try await fleet.machine(of: unit)
    let witness = try #require(cluster.nodes.first { $0.number != lost.number })
    let survivors = Fleetctl(cluster, on: witness)
    try await cluster.powerOff(lost)
    try await eventually("\(unit) runs on another machine") {
      let homes = try await survivors.active()[unit] ?? []
      return homes.count == 1 && homes != [lost.number]
    }
    try await cluster.powerOn(lost)
  }

  // MARK: 3. Many

  @Test func `3 a template's instances are spread over six machines`() async throws {
    try await SharedCluster.use { cluster, fleet in
      let listed = try await fleet.expect(["list-machines", "--no-legend", "--full"]).output
      for node in cluster.nodes {
        #expect(listed.contains("\(node.machineID)\t\(node.address)\tplatform=test"), "\(listed)")
      }
      try await fleet.expect(["submit", unitFile("python-test.service")])
      try await fleet.expect(["destroy", "python-test.service"])
      // The plain unit's file serves as the template, as the walkthrough has it.
      let template = try cluster.write(
        try String(contentsOfFile: unitFile("python-test.service"), encoding: .utf8),
        to: "python-test@.service"
      )
      try await fleet.expect(["submit", template])
      try await fleet.expect(["start", "python-test@1", "python-test@2", "python-test@random"])
      try await fleet.expect(["start"] + (3...5).map { "python-test@\($0)" })
      let instances = ["1", "2", "3", "4", "5", "random"].map { "python-test@\($0).service" }
      let homes = try await fleet.waitUntilActive(instances)
      #expect(Set(homes.values) == Set(1...6))
    }
  }

  // MARK: 4. Together and apart

  @Test func `4 units that belong together land together, and conflicting ones apart`() async throws {
    try await SharedCluster.use { cluster, fleet in
      let plain = try String(contentsOfFile: unitFile("python-test.service"), encoding: .utf8)
      let together = try cluster.write(
        plain + "\n[X-Fleet]\nMachineOf=hello-world@%i.service\n",
        to: "python-test@.service"
      )
      try await fleet.expect(["submit", together, unitFile("hello-world@.service")])
      try await fleet.expect(["start", "python-test@1", "hello-world@1"])
      try await fleet.expect(["start"] + (2...4).flatMap { ["hello-world@\($0)", "python-test@\($0)"] })
      let homes = try await fleet.waitUntilActive(
        (1...4).flatMap { ["hello-world@\($0).service", "python-test@\($0).service"] }
      )
      for number in 1...4 {
        #expect(homes["hello-world@\(number).service"] == homes["python-test@\(number).service"])
      }

      try await fleet.expect(["destroy", "hello-world@4"])
      try await eventually("the follower has left its machine") {
        let states = try await fleet.states()
        return states["python-test@4.service"] == nil && states["hello-world@4.service"] == nil
      }

      let apart = try cluster.write(
        plain.replacingOccurrences(of: "python-service", with: "python-apart")
          + "\n[X-Fleet]\nConflicts=hello-world@*.service\nConflicts=apart@*.service\n",
        to: "apart@.service"
      )
      try await fleet.expect(["submit", apart])
      try await fleet.expect(["start", "apart@1", "apart@2", "apart@3"])
      var apartHomes: Set<Int> = []
      for number in 1...3 { apartHomes.insert(try await fleet.machine(of: "apart@\(number).service").number) }
      #expect(apartHomes.count == 3)
      for number in 1...3 {
        #expect(!apartHomes.contains(try await fleet.machine(of: "hello-world@\(number).service").number))
      }
      let refused = try await cluster.coracle(["unit", "start", "--timeout", "2", "apart@4"])
      #expect(refused.status == 1, "\(refused)")
      for node in cluster.nodes { #expect(refused.errors.contains(node.machineID.prefix(8)), "\(refused)") }
      #expect(refused.errors.contains("conflict"), "\(refused)")
      let explanation = try await cluster.coracle(["unit", "explain", "apart@4"])
      #expect(explanation.output.contains("conflict"), "\(explanation)")
    }
  }
}
