// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import TestKit
import Testing

extension OneMachineTests {
  // MARK: Node

  @Test func `41 SIGHUP has the configuration read again, and metadata follow it`() async throws {
    try await SharedCluster.use { cluster, fleet in
      let node = cluster.nodes[0]
      let process = node.processID
      let before = try String(contentsOf: node.userData, encoding: .utf8)
      try await fleet.expect(["start", try cluster.write(sleeper(), to: "kept.service")])
      try await fleet.waitUntilActive(["kept.service"])
      let sleepers = node.processes(named: "sleep")
      for metadata in ["platform=test,reread=yes", "platform=test"] {
        try before.replacingOccurrences(of: "platform=test", with: metadata)
          .write(to: node.userData, atomically: true, encoding: .utf8)
        kill(try #require(process), SIGHUP)
        try await eventually("the machine has the metadata \(metadata)") {
          try await fleet.expect(["list-machines", "--no-legend"]).output.hasSuffix("\t\(metadata)\n")
        }
      }
      #expect(node.log.contains("cloud-config reread"))
      #expect(!node.log.contains("address already in use"))
      #expect(node.processID == process)
      #expect(node.processes(named: "sleep") == sleepers)
    }
  }

  @Test func `42 a node that is told to stop ends well, with its units`() async throws {
    try await SharedCluster.use { cluster, fleet in
      let node = cluster.nodes[0]
      try await fleet.expect(["start", try cluster.write(sleeper(), to: "stopped.service")])
      try await fleet.waitUntilActive(["stopped.service"])
      try await node.end(SIGTERM)
      #expect(node.exitStatus == 0)
      #expect(node.processes(named: "sleep").isEmpty)
      try node.start()
      try await cluster.waitUntilListed([node])
      try await fleet.waitUntilActive(["stopped.service"])
    }
  }

  @Test func `46 units that cannot be loaded, started or stopped hold up no others`() async throws {
    try await SharedCluster.use { cluster, fleet in
      let stubborn = try cluster.write(
        "[Service]\nExecStart=/bin/sleep 1000\nExecStop=/bin/sleep 1000\nTimeoutStopSec=60\n",
        to: "stubborn.service"
      )
      let failing = try cluster.write("[Service]\nExecStart=/nowhere/program\n", to: "failing.service")
      let unloadable = try cluster.write("[Service]\nType=dbus\nExecStart=/bin/true\n", to: "unloadable.service")
      try await fleet.expect(["start", stubborn])
      try await fleet.expect(["start", "--no-block", failing, unloadable])
      try await fleet.wait(for: ["stubborn.service": "active/running", "failing.service": "failed/failed"])
      try await fleet.expect(["destroy", "--no-block", "stubborn"])
      let clock = ContinuousClock()
      let begin = clock.now
      try await fleet.expect(["start"] + instances(cluster, 1...3))
      try await eventually("the others run", within: .seconds(30)) {
        let active = try await fleet.active()
        return names(1...3).allSatisfy { active[$0] == [1] }
      }
      print("started beside units that hang and fail: \(clock.now - begin)")
      let stubbornState = try await fleet.states()["stubborn.service"] ?? ""
      #expect(stubbornState.hasPrefix("deactivating"))
      for process in cluster.nodes[0].processes(named: "sleep") { kill(process, SIGKILL) }
    }
  }

  @Test func `48 a stop right after a start wins`() async throws {
    try await SharedCluster.use { cluster, fleet in
      let file = try cluster.write(Self.hello, to: "hello.service")
      for _ in 1...5 {
        try await fleet.expect(["start", "--no-block", file])
        try await fleet.expect(["stop", "hello"])
        try await fleet.waitUntilActive([])
        _ = try await cluster.nodes[0].processes(named: "sleep", count: 0)
      }
    }
  }

  @Test func `50 a thousand units created and destroyed leave no keys behind`() async throws {
    try await SharedCluster.use { cluster, fleet in
      let node = cluster.nodes[0]
      // Eight clients, each with its own names and one connection for all of its requests.
      let clients = try (0..<8).map { client in
        let requests = (1...125).map { number -> String in
          let url = "http://\(node.address):49153/fleet/v1/units/cycle\(client)-\(number % 5).service"
          // Every fifth of them also gets as far as it can on its machine.
          let state = number % 5 == 0 ? "launched" : "inactive"
          let body =
            #"{\"desiredState\":\"\#(state)\",\"options\":[{\"section\":\"Service\",\"name\":\"ExecStart\","#
            + #"\"value\":\"/bin/sleep 1\#(number)\"}]}"#
          return """
            url = "\(url)"
            request = "PUT"
            header = "Content-Type: application/json"
            data = "\(body)"
            write-out = "%{http_code}\\n"
            next
            url = "\(url)"
            request = "DELETE"
            write-out = "%{http_code}\\n"

            """
        }
        let file = try cluster.write(requests.joined(separator: "next\n"), to: "requests\(client)")
        return try ChildProcess(["curl", "-s", "-S", "-K", file], directory: cluster.directory)
      }
      for client in clients {
        try await client.wait(within: .seconds(120))
        let codes = client.output.split(separator: "\n")
        #expect(codes.count == 250 && codes.allSatisfy { $0 == "201" || $0 == "204" }, "\(client.errors)")
      }
      try await eventually("no key of a unit is left") {
        let keys = try await cluster.get("/v2/keys/_coreos.com/fleet?recursive=true", from: node)
        return !["/job/", "/unit/", "/states/", "cycle"].contains { keys.contains("fleet\($0)") }
      }
      #expect(try await fleet.units().isEmpty)
      try await eventually("no process is left") { node.processes(named: "sleep").isEmpty }
    }
  }

  // MARK: Beside the scenarios

  @Test func `the etcd driver sees and does the same as the API, on our store`() async throws {
    try await SharedCluster.use { cluster, fleet in
      let file = try cluster.write(Self.hello, to: "hello.service")
      let driver = ["--driver=etcd"]
      try await fleet.expect(driver + ["start", file])
      try await fleet.waitUntilActive(["hello.service"])
      for listing in [
        ["list-machines"], ["list-units"], ["list-unit-files"], ["list-units", "--full", "--fields=hash"],
      ] {
        let fromAPI = try await fleet.expect(listing)
        #expect(try await fleet.expect(driver + listing).output == fromAPI.output)
      }
      #expect(try await fleet.expect(driver + ["cat", "hello"]).output == Self.hello)
      let status = try await fleet.expect(driver + ["status", "hello"])
      #expect(status.output.contains("Active: active (running)"), "\(status)")
      let journal = try await fleet.expect(driver + ["journal", "hello"])
      #expect(journal.output.contains("Hello, World!"), "\(journal)")
      try await fleet.expect(driver + ["restart", "hello"])
      try await fleet.expect(driver + ["stop", "hello"])
      try await fleet.waitUntilActive([])
      try await fleet.expect(driver + ["destroy", "hello"])
      try await eventually("no key of the unit is left") {
        let keys = try await cluster.get("/v2/keys/_coreos.com/fleet?recursive=true", from: cluster.nodes[0])
        return !["/job/", "/unit/", "/states/"].contains { keys.contains("fleet\($0)") }
      }
    }
  }

  @Test func `the API is the same on the client port, on its own port and on the control socket`() async throws {
    try await SharedCluster.use { cluster, _ in
      let node = cluster.nodes[0]
      let socket = node.directory.appendingPathComponent("coracle.sock").path
      let places: [[String]] = [
        ["http://\(node.address):2379"], ["http://\(node.address):49153"], ["--unix-socket", socket, "http://socket"],
      ]
      var answers: Set<String> = []
      for prefix in ["/fleet/v1", "/v1-alpha"] {
        for place in places {
          let url = "\(place.last ?? "")\(prefix)/machines"
          let answer = try await run(
            ["curl", "-s", "-i"] + place.dropLast() + [url],
            directory: cluster.directory
          )
          answers.insert(
            answer.output.split(separator: "\r\n").filter { !$0.hasPrefix("Date:") }.joined(separator: "\n")
          )
        }
      }
      #expect(answers.count == 1, "\(answers)")
      let answer = try #require(answers.first)
      #expect(answer.hasPrefix("HTTP/1.1 200 OK\n"))
      #expect(answer.contains("\nServer: fleetd/1.0.0\n"))
      #expect(answer.hasSuffix(#""primaryIP":"\#(node.address)"}]}"#))
    }
  }

  @Test func `a unit that fits nowhere is explained while fleetctl waits for it`() async throws {
    try await SharedCluster.use { cluster, fleet in
      let file = try cluster.write(Self.hello + "[X-Fleet]\nMachineMetadata=disk=gold\n", to: "picky.service")
      let waiting = try ChildProcess(
        [try cluster.program("fleetctl"), "start", file],
        environment: ["FLEETCTL_ENDPOINT": cluster.nodes[0].endpoint],
        directory: cluster.directory
      )
      try await eventually("the reason is told") { waiting.errors.contains("local Machine metadata insufficient") }
      #expect(waiting.isRunning)
      let machine = String(cluster.nodes[0].machineID.prefix(8))
      #expect(try await cluster.coracle(["machine", "set-metadata", machine, "disk=gold"]).status == 0)
      try await eventually("fleetctl has seen it start") { !waiting.isRunning }
      #expect(waiting.status == 0)
      #expect(waiting.output.contains("Unit picky.service launched on \(machine).../"))
      #expect(try await cluster.coracle(["machine", "set-metadata", machine, "--remove", "disk"]).status == 0)
      try await eventually("the unit has left the machine") { try await fleet.column(["list-units"]) == [] }
    }
  }
}
