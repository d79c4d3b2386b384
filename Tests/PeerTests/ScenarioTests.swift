// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import TestKit
import Testing

/// The walkthroughs of CoreOS users, with their unit files unedited, on real Docker Engines: one for each machine.
@Suite(.serialized) struct ScenarioTests {
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
  ]

  @Test func `six machines boot one document, and the first three become the store`() async throws {
    try await TestCluster.with(TestClusterShape(machines: 6, size: 3), on: .hosts(images: [])) { cluster in
      func on(_ node: Int, _ words: String...) async throws -> CommandOutput {
        let program = [words[0] == "curl" ? "curl" : try cluster.program(words[0])]
        return try await run(cluster.nodes[node - 1].onMachine(program + words.dropFirst()))
      }
      #expect(try await on(1, "etcdctl", "set", "/key1", "value1").output == "value1\n")
      try await eventually("the second machine reads it") {
        try await on(2, "etcdctl", "get", "/key1").output == "value1\n"
      }
      let put = try await on(
        2,
        "curl",
        "-sL",
        "-X",
        "PUT",
        "http://127.0.0.1:4001/v2/keys/key2",
        "-d",
        "value=\"value2\""
      )
      #expect(put.output.contains(#""action":"set""#), "\(put)")
      for number in 1...6 {
        try await eventually("machine \(number) reads the second key") {
          try await on(number, "curl", "-sL", "http://127.0.0.1:4001/v2/keys/key2").output.contains("value2")
        }
      }
      #expect(try await on(3, "etcdctl", "set", "/key3", "value3", "--ttl", "15").output == "value3\n")
      #expect(try await on(3, "etcdctl", "get", "/key3").output == "value3\n")
      #expect(try await on(3, "etcdctl", "ls", "--sort").output == "/key1\n/key2\n/key3\n")
      #expect(try await on(6, "etcdctl", "ls", "--sort", "--recursive", "--quorum").output == "/key1\n/key2\n/key3\n")
      try await eventually("the third key's time is over", within: .seconds(18)) {
        try await on(5, "etcdctl", "get", "/key3").status == 4
      }

      let members = try await on(4, "etcdctl", "member", "list")
      #expect(members.output.split(separator: "\n").count == 3, "\(members)")
      let machines = try await on(1, "fleetctl", "--endpoint", "http://127.0.0.1:49153", "list-machines")
      #expect(machines.output.split(separator: "\n").count == 7, "\(machines)")
      for node in cluster.nodes {
        #expect(
          machines.output.contains("\(node.machineID.prefix(8))...\t\(node.address)\tplatform=test"),
          "\(machines)"
        )
        let same = try await on(node.number, "fleetctl", "--endpoint", "http://127.0.0.1:49153", "list-machines")
        #expect(same.output == machines.output, "\(same)")
      }
    }
  }

  @Test func `one service is submitted, started, healed and moved when its machine dies`() async throws {
    try await TestCluster.with(TestClusterShape(machines: 3), on: .hosts(images: Self.images)) { cluster in
      let fleet = Fleetctl(cluster: cluster)
      try await fleet.expect(["submit", unitFile("python-test.service")])
      #expect(try await fleet.expect(["list-unit-files", "--no-legend"]).output.hasPrefix("python-test.service"))
      let text = try String(contentsOfFile: unitFile("python-test.service"), encoding: .utf8)
      #expect(
        try await fleet.expect(["cat", "python-test"]).output.contains("docker run --name python-service -P"),
        "\(text)"
      )
      let start = try await fleet.expect(["start", "python-test"])
      #expect(start.output.contains("Unit python-test.service launched on "), "\(start)")
      try await fleet.wait(for: ["python-test.service": "active/running"])

      let home = try await fleet.machine(of: "python-test.service")
      let status = try await fleet.expect(["status", "python-test"])
      for text in ["active (running)", "ExecStartPre", "docker pull jlordiales/python-micro-service", "Main"] {
        #expect(status.output.contains(text), "\(text) in \(status)")
      }
      let engine = cluster.engines[home.number - 1]
      // A simple service is active before its program has done anything, as with systemd.
      try await eventually("the container runs") {
        try await engine.docker(["ps", "--format", "{{.Names}}"]) == "python-service\n"
      }
      let port =
        try await engine.docker(["port", "python-service", "5000/tcp"])
        .split(separator: "\n")[0].split(separator: ":").last ?? ""
      // The container's server is one that starts a shell for each request, and may be late.
      try await eventually("the published port answers", within: .seconds(10)) {
        try await succeed(home.onMachine(["curl", "-sf", "http://127.0.0.1:\(port)/"])) == "hello\n"
      }

      let first = try await engine.docker(["inspect", "-f", "{{.Id}}", "python-service"])
      try await engine.docker(["kill", "python-service"])
      try await eventually("a killed container runs again", within: .seconds(10)) {
        let now = try await engine.docker(["inspect", "-f", "{{.Id}} {{.State.Running}}", "python-service"])
        return now.hasSuffix(" true\n") && !now.hasPrefix(first.dropLast())
      }
      try await fleet.wait(for: ["python-test.service": "active/running"])
      try await engine.docker(["stop", "-t", "2", "python-service"])
      try await eventually("a stopped container is not restarted", within: .seconds(10)) {
        try await fleet.states()["python-test.service"].map { !$0.hasPrefix("act") } ?? false
      }
      try await Task.sleep(for: .seconds(2))
      #expect(try await engine.docker(["ps", "-q"]).isEmpty)

      try await fleet.expect(["stop", "python-test"])
      try await fleet.expect(["start", "python-test"])
      try await fleet.wait(for: ["python-test.service": "active/running"])
      let lost = try await fleet.machine(of: "python-test.service")
      let witness = try #require(cluster.nodes.first { $0.number != lost.number })
      await cluster.engines[lost.number - 1].stop()
      try await lost.powerOff()
      let survivors = Fleetctl(cluster: cluster, node: witness)
      try await eventually("the unit runs on another machine", within: .seconds(15)) {
        try await survivors.machine(of: "python-test.service").number != lost.number
      }
      try await survivors.wait(for: ["python-test.service": "active/running"])
    }
  }

  @Test func `a template's instances are spread over six machines`() async throws {
    try await TestCluster.with(TestClusterShape(machines: 6, size: 3), on: .hosts(images: Self.images)) { cluster in
      let fleet = Fleetctl(cluster: cluster)
      let listed = try await fleet.expect(["list-machines", "--no-legend", "--full"]).output
      for node in cluster.nodes {
        #expect(listed.contains("\(node.machineID)\t\(node.address)\tplatform=test"), "\(listed)")
        #expect(
          try await Fleetctl(cluster: cluster, node: node).expect(["list-machines", "--no-legend", "--full"]).output
            == listed
        )
      }
      // The plain unit's file serves as the template, as the walkthrough has it.
      let template = try cluster.write(
        try String(contentsOfFile: unitFile("python-test.service"), encoding: .utf8),
        to: "python-test@.service"
      )
      try await fleet.expect(["submit", template])
      try await fleet.expect(["start", "python-test@1", "python-test@2", "python-test@random"])
      try await fleet.expect(["start"] + (3...5).map { "python-test@\($0)" })
      let instances = ["1", "2", "3", "4", "5", "random"].map { "python-test@\($0).service" }
      try await fleet.wait(for: Dictionary(uniqueKeysWithValues: instances.map { ($0, "active/running") }))
      var homes: Set<Int> = []
      for name in instances { homes.insert(try await fleet.machine(of: name).number) }
      #expect(homes.count == 6)
    }
  }

  @Test func `units that belong together land together, and conflicting ones apart`() async throws {
    try await TestCluster.with(TestClusterShape(machines: 6, size: 3), on: .hosts(images: Self.images)) { cluster in
      let fleet = Fleetctl(cluster: cluster)
      let plain = try String(contentsOfFile: unitFile("python-test.service"), encoding: .utf8)
      let together = try cluster.write(
        plain + "\n[X-Fleet]\nMachineOf=hello-world@%i.service\n",
        to: "python-test@.service"
      )
      try await fleet.expect(["submit", together, unitFile("hello-world@.service")])
      try await fleet.expect(["start", "python-test@1", "hello-world@1"])
      try await fleet.expect(["start"] + (2...4).flatMap { ["hello-world@\($0)", "python-test@\($0)"] })
      var wanted: [String: String] = [:]
      for number in 1...4 {
        wanted["hello-world@\(number).service"] = "active/running"
        wanted["python-test@\(number).service"] = "active/running"
      }
      try await fleet.wait(for: wanted)
      for number in 1...4 {
        #expect(
          try await fleet.machine(of: "hello-world@\(number).service").number
            == fleet.machine(of: "python-test@\(number).service").number
        )
      }

      try await fleet.expect(["destroy", "hello-world@4"])
      try await eventually("the follower has left its machine", within: .seconds(20)) {
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
      var homes: Set<Int> = []
      for number in 1...3 { homes.insert(try await fleet.machine(of: "apart@\(number).service").number) }
      #expect(homes.count == 3)
      for number in 1...3 {
        #expect(!homes.contains(try await fleet.machine(of: "hello-world@\(number).service").number))
      }
      let refused = try await cluster.coracle(["unit", "start", "--timeout", "2", "apart@4"])
      #expect(refused.status == 1, "\(refused)")
      for node in cluster.nodes { #expect(refused.errors.contains(node.machineID.prefix(8)), "\(refused)") }
      #expect(refused.errors.contains("conflict"), "\(refused)")
      let explanation = try await cluster.coracle(["unit", "explain", "apart@4"])
      #expect(explanation.output.contains("conflict"), "\(explanation)")
    }
  }

  @Test func `a killed node takes its containers up again`() async throws {
    try await TestCluster.with(
      TestClusterShape(machines: 3, agentTTL: "10s"),
      on: .hosts(images: Self.images)
    ) { cluster in
      let fleet = Fleetctl(cluster: cluster)
      try await fleet.expect(["start", unitFile("python-test.service")])
      try await fleet.wait(for: ["python-test.service": "active/running"])
      let home = try await fleet.machine(of: "python-test.service")
      let engine = cluster.engines[home.number - 1]
      let container = try await engine.docker(["inspect", "-f", "{{.Id}} {{.State.Pid}}", "python-service"])
      try await home.end(SIGKILL)
      try home.start()
      try await eventually("the node is back", within: .seconds(20)) {
        try await cluster.get("/health", from: home).contains("true")
      }
      try await fleet.wait(for: ["python-test.service": "active/running"])
      #expect(try await engine.docker(["inspect", "-f", "{{.Id}} {{.State.Pid}}", "python-service"]) == container)
      try await engine.docker(["kill", "python-service"])
      try await eventually("it is still supervised", within: .seconds(10)) {
        let now = try await engine.docker(["inspect", "-f", "{{.Id}} {{.State.Pid}}", "python-service"])
        return now != container && !now.hasSuffix(" 0\n")
      }
    }
  }

  @Test func `published ports are registered while their container runs`() async throws {
    try await TestCluster.with(
      TestClusterShape(machines: 3, ownLines: "coracle:\n  registrator: { enabled: true, ttl: 5 }"),
      on: .hosts(images: Self.images)
    ) { cluster in
      let fleet = Fleetctl(cluster: cluster)
      try await fleet.expect(["start", unitFile("python-test.service")])
      try await fleet.wait(for: ["python-test.service": "active/running"])
      let home = try await fleet.machine(of: "python-test.service")
      var record = ""
      try await eventually("the service is registered") {
        record = try await cluster.coracle(["kv", "ls", "--recursive", "/services/python-micro-service"]).output
        return record.contains(":python-service:5000")
      }
      let key = record.trimmingCharacters(in: .whitespacesAndNewlines)
      let value = try await cluster.coracle(["kv", "get", key]).output
      #expect(value.hasPrefix("\(home.address):"), "\(value)")
      try await fleet.expect(["stop", "python-test"])
      try await eventually("the record is gone with its container") {
        try await cluster.coracle(["kv", "get", key]).status == 4
      }

      try await fleet.expect(["start", "python-test"])
      try await fleet.wait(for: ["python-test.service": "active/running"])
      let lost = try await fleet.machine(of: "python-test.service")
      let witness = try #require(cluster.nodes.first { $0.number != lost.number })
      try await eventually("the service is registered again") {
        try await cluster.coracle(["kv", "ls", "--recursive", "/services"], on: witness).output.contains(":5000")
      }
      await cluster.engines[lost.number - 1].stop()
      try await lost.powerOff()
      try await eventually("only the new home's record is left", within: .seconds(20)) {
        let keys = try await cluster.coracle(["kv", "ls", "--recursive", "/services"], on: witness).output
          .split(separator: "\n").filter { $0.contains(":5000") }
        guard keys.count == 1 else { return false }
        let value = try await cluster.coracle(["kv", "get", String(keys[0])], on: witness).output
        return !value.hasPrefix("\(lost.address):")
      }
    }
  }
}

/// The path of a walkthrough's unit file.
func unitFile(_ name: String) -> String { peerFile("Units/\(name)") }

/// `fleetctl`, which is our own binary by another name, against one node.
struct Fleetctl {
  let cluster: TestCluster
  var node: TestNode?

  /// Runs a command that has to end with status 0.
  @discardableResult
  func expect(_ arguments: [String]) async throws -> CommandOutput {
    let result = try await raw(arguments)
    guard result.status == 0 else { throw CommandFailed(description: result.description) }
    return result
  }

  private func raw(_ arguments: [String]) async throws -> CommandOutput {
    let target = node ?? cluster.nodes[0]
    return try await run(
      target.onMachine([try cluster.program("fleetctl")] + arguments),
      environment: ["FLEETCTL_ENDPOINT": target.endpoint],
      directory: cluster.directory
    )
  }

  /// `active/sub` of every listed unit.
  func states() async throws -> [String: String] {
    var rows: [String: String] = [:]
    for line in try await expect(["list-units", "--no-legend", "--fields", "unit,active,sub"]).output.split(
      separator: "\n"
    ) {
      let parts = line.split(whereSeparator: \.isWhitespace)
      if parts.count == 3 { rows[String(parts[0])] = "\(parts[1])/\(parts[2])" }
    }
    return rows
  }

  func wait(for wanted: [String: String]) async throws {
    var last: [String: String] = [:]
    do {
      try await eventually("units are \(wanted)", within: .seconds(30)) {
        last = try await states()
        return wanted.allSatisfy { last[$0.key] == $0.value }
      }
    } catch {
      throw CommandFailed(description: "\(error)\nlast seen: \(last)")
    }
  }

  /// The machine that a unit is placed on.
  func machine(of unit: String) async throws -> TestNode {
    let list = try await expect(["list-unit-files", "--no-legend", "--full", "--fields", "unit,target"])
    for line in list.output.split(separator: "\n") {
      let parts = line.split(whereSeparator: \.isWhitespace)
      guard parts.count == 2, parts[0] == unit else { continue }
      if let node = cluster.nodes.first(where: { parts[1].hasPrefix($0.machineID) }) { return node }
    }
    throw CommandFailed(description: "\(unit) is placed nowhere:\n\(list)")
  }
}
