// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import TestKit
import Testing

extension WalkthroughTests {
  // MARK: 5. On every machine

  @Test func `5 global units run on every machine, and a data container stands beside its service`() async throws {
    try await SharedCluster.use { cluster, fleet in
      let late = cluster.nodes[5]
      try await cluster.powerOff(late)
      try await fleet.expect(["start", unitFile("registrator.service")])
      try await eventually("it runs on all machines but the one that is off") {
        try await fleet.active()["registrator.service"].map { Set($0).subtracting([6]) } == Set(1...5)
      }
      try await cluster.powerOn(late)
      try await eventually("it runs on the machine that joined later") {
        try await fleet.active()["registrator.service"] == Array(1...6)
      }
      for node in cluster.nodes {
        try await eventually("machine \(node.number) has the container") {
          try await fleet.docker(["ps", "--format", "{{.Names}}"], on: node) == "registrator\n"
        }
      }

      try await fleet.expect(["start", unitFile("haproxy.service"), unitFile("haproxy-dvc.service")])
      try await fleet.wait(for: ["haproxy-dvc.service": "active/exited", "haproxy.service": "active/running"])
      let home = try await fleet.machine(of: "haproxy-dvc.service")
      #expect(try await fleet.machine(of: "haproxy.service").number == home.number)
      try await eventually("the service answers") {
        try await succeed(home.onMachine(["curl", "-sf", "http://127.0.0.1:80/"])) == "hello\n"
      }
      let volumes = try await fleet.docker(
        ["inspect", "-f", "{{range .Mounts}}{{.Destination}}{{end}}", "haproxy"],
        on: home
      )
      #expect(volumes.hasPrefix("/usr/local/etc/haproxy"), "\(volumes)")
    }
  }

  @Test func `5 specifiers are expanded wherever systemd expands them`() async throws {
    try await SharedCluster.use { cluster, fleet in
      let file = try cluster.write(
        """
        [Unit]
        Description=%p of %i
        [Service]
        Environment=NAME=%n
        ExecStart=/bin/sh -c 'echo %p %n %i %H %m $$NAME; exec sleep 1000'
        """,
        to: "words@one.service"
      )
      try await fleet.expect(["start", file])
      try await fleet.waitUntilActive(["words@one.service"])
      let home = try await fleet.machine(of: "words@one.service")
      let host = try await succeed(["hostname"]).trimmingCharacters(in: .newlines)
      let line = "words words@one.service one \(host) \(home.machineID) words@one.service"
      try await eventually("the unit has said it") {
        try await fleet.expect(["journal", "words@one"]).output.contains(line)
      }
      #expect(try await fleet.expect(["status", "words@one"]).output.contains("words of one"))
    }
  }

  @Test func `5 published ports are registered while their container runs`() async throws {
    try await SharedCluster.use { cluster, fleet in
      let file = try cluster.write(
        """
        [Service]
        ExecStartPre=-/usr/bin/docker rm -f dumbserve
        ExecStart=/usr/bin/docker run --name dumbserve -p 8080:8080 dumbserve
        ExecStop=-/usr/bin/etcdctl get /services/dumbserve/%H:dumbserve:8080
        ExecStop=/usr/bin/docker stop -t 1 dumbserve
        """,
        to: "dumbserve.service"
      )
      func records(on number: Int) async throws -> [String] {
        try await fleet.command("etcdctl", "ls", "/services/dumbserve", on: number).output
          .split(separator: "\n").map(String.init)
      }
      try await fleet.expect(["start", file])
      try await fleet.waitUntilActive(["dumbserve.service"])
      let home = try await fleet.machine(of: "dumbserve.service")
      try await eventually("the service is registered") { try await records(on: 2).count == 1 }
      let key = try #require(try await records(on: 2).first)
      #expect(key.hasPrefix("/services/dumbserve/") && key.hasSuffix(":dumbserve:8080"), "\(key)")
      #expect(try await fleet.command("etcdctl", "get", key, on: 2).output == "\(home.address):8080\n")
      try await fleet.expect(["stop", "dumbserve"])
      try await eventually("the record is gone with its container") {
        try await fleet.command("etcdctl", "get", key, on: 2).status == 4
      }
      try await eventually("it was gone before the container was stopped") {
        try await fleet.expect(["journal", "dumbserve"]).output.contains("Key not found")
      }

      try await fleet.expect(["start", "dumbserve"])
      try await fleet.waitUntilActive(["dumbserve.service"])
      let lost = try await fleet.machine(of: "dumbserve.service")
      let witness = lost.number == 1 ? 2 : 1
      try await eventually("the service is registered again") { try await records(on: witness).count == 1 }
      try await cluster.powerOff(lost)
      try await eventually("only the new home's record is left") {
        let keys = try await records(on: witness)
        guard keys.count == 1 else { return false }
        let value = try await fleet.command("etcdctl", "get", keys[0], on: witness).output
        return value.hasSuffix(":8080\n") && value != "\(lost.address):8080\n"
      }
      try await cluster.powerOn(lost)
    }
  }

  // MARK: 6. Sidekicks

  @Test func `6 a sidekick starts, stops and moves with its unit`() async throws {
    try await SharedCluster.use { cluster, fleet in
      let nginx = try cluster.write(
        """
        [Service]
        ExecStartPre=-/usr/bin/docker rm -f nginx-%i
        ExecStart=/usr/bin/docker run --rm --name nginx-%i nginx:1.0.0
        ExecStop=/usr/bin/docker stop -t 1 nginx-%i
        """,
        to: "nginx-1.0.0@.service"
      )
      try await fleet.expect(["submit", nginx, unitFile("nginx-presence@.service")])
      let pair = ["nginx-1.0.0@1.service", "nginx-presence@1.service"]
      try await fleet.expect(["start"] + pair.reversed())
      let homes = try await fleet.waitUntilActive(pair)
      #expect(homes[pair[0]] == homes[pair[1]])
      let home = try await fleet.machine(of: pair[0])
      func containers() async throws -> Set<String> {
        Set(try await fleet.docker(["ps", "--format", "{{.Names}}"], on: home).split(separator: "\n").map(String.init))
      }
      try await eventually("both containers run") { try await containers() == ["nginx-1", "nginx-presence-1"] }

      try await fleet.expect(["stop", pair[0]])
      try await fleet.waitUntilActive([])
      try await eventually("no container runs") { try await containers().isEmpty }
      try await fleet.expect(["start", pair[0]])
      try await fleet.waitUntilActive(pair)

      try await loseMachine(of: pair[0], cluster, fleet)
      let moved = try await fleet.waitUntilActive(pair)
      #expect(moved[pair[0]] == moved[pair[1]] && moved[pair[0]] != home.number)

      try await fleet.expect(["destroy", pair[0]])
      try await eventually("the sidekick has left too") { try await fleet.published().isEmpty }
    }
  }

  @Test func `6 apache runs once for each machine, and its key comes and goes`() async throws {
    try await SharedCluster.use { cluster, fleet in
      let key = "/domains/example.com/10.10.10.123:8081"
      try await fleet.expect(["submit", unitFile("apache@.service")])
      let names = (1...6).map { "apache@\($0).service" }
      try await fleet.expect(["start"] + names)
      let homes = try await fleet.waitUntilActive(names)
      #expect(Set(homes.values) == Set(1...6))
      try await eventually("the key is there") {
        try await fleet.command("etcdctl", "get", key, on: 4).output == "run\n"
      }
      for node in cluster.nodes {
        try await eventually("apache answers on machine \(node.number)") {
          try await succeed(node.onMachine(["curl", "-sf", "http://127.0.0.1:8081/"])) == "hello\n"
        }
      }
      let seventh = try await fleet.run(["start", "--block-attempts=1", "apache@7"])
      #expect(seventh.status == 1 && seventh.errors.contains("conflict"), "\(seventh)")
      try await fleet.expect(["destroy", "apache@7"] + names)
      try await eventually("the key is gone") { try await fleet.command("etcdctl", "get", key, on: 4).status == 4 }
    }
  }

  @Test func `6 a plain process is announced without a sidekick, and its record goes before it stops`() async throws {
    try await SharedCluster.use { cluster, fleet in
      let file = try cluster.write(
        """
        [Service]
        ExecStart=/bin/busybox httpd -f -p 8123 -h /etc
        ExecStop=-/usr/bin/etcdctl get /services/plain/%H:plain@%i:8123
        [X-Fleet]
        Announce=%p:8123 check=http:/hostname interval=200ms
        """,
        to: "plain@.service"
      )
      func records(on number: Int) async throws -> [String] {
        try await fleet.command("etcdctl", "ls", "/services/plain", on: number).output
          .split(separator: "\n").map(String.init)
      }
      try await fleet.expect(["submit", file])
      try await fleet.expect(["start", "plain@1"])
      try await fleet.waitUntilActive(["plain@1.service"])
      let home = try await fleet.machine(of: "plain@1.service")
      try await eventually("it is announced") { try await records(on: 3).count == 1 }
      let key = try #require(try await records(on: 3).first)
      #expect(key.hasSuffix(":plain@1:8123"), "\(key)")
      #expect(try await fleet.command("etcdctl", "get", key, on: 3).output == "\(home.address):8123\n")

      try await fleet.expect(["stop", "plain@1"])
      try await eventually("it is gone") { try await fleet.command("etcdctl", "get", key, on: 3).status == 4 }
      try await eventually("it was gone before the process was stopped") {
        try await fleet.expect(["journal", "plain@1"]).output.contains("Key not found")
      }

      try await fleet.expect(["start", "plain@1"])
      try await fleet.waitUntilActive(["plain@1.service"])
      try await loseMachine(of: "plain@1.service", cluster, fleet)
      let moved = try await fleet.machine(of: "plain@1.service")
      try await eventually("only the new home's record is left", within: .seconds(30)) {
        let keys = try await records(on: moved.number)
        guard keys.count == 1 else { return false }
        return try await fleet.command("etcdctl", "get", keys[0], on: moved.number).output == "\(moved.address):8123\n"
      }
    }
  }

  // MARK: 7. Over HTTP

  @Test func `7 a unit is started with curl`() async throws {
    try await SharedCluster.use { cluster, fleet in
      let file = try cluster.write(
        """
        {"desiredState":"launched","options":[
          {"section":"Service","name":"ExecStartPre","value":"-/usr/bin/docker rm -f mycoolapp%i"},
          {"section":"Service","name":"ExecStart","value":"/usr/bin/docker run --name mycoolapp%i busybox sleep 1000"},
          {"section":"Service","name":"ExecStop","value":"/usr/bin/docker stop -t 1 mycoolapp%i"},
          {"section":"X-Fleet","name":"MachineMetadata","value":"platform=test"}]}
        """,
        to: "unit.json"
      )
      let host = cluster.nodes[3]
      let status = try await succeed(
        host.onMachine([
          "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-X", "PUT", "-d", "@\(file)", "-H",
          "Content-Type: application/json", "\(host.address):49153/fleet/v1/units/mycoolapp@12.service",
        ])
      )
      #expect(status == "201")
      try await fleet.waitUntilActive(["mycoolapp@12.service"])
      let home = try await fleet.machine(of: "mycoolapp@12.service")
      try await eventually("its container runs") {
        try await fleet.docker(["ps", "--format", "{{.Names}}"], on: home) == "mycoolapp12\n"
      }
    }
  }

  // MARK: Beside the walkthroughs

  @Test func `a killed node takes its containers up again`() async throws {
    try await SharedCluster.use { cluster, fleet in
      try await fleet.expect(["start", unitFile("python-test.service")])
      try await fleet.wait(for: ["python-test.service": "active/running"])
      let home = try await fleet.machine(of: "python-test.service")
      let process = ["inspect", "-f", "{{.Id}} {{.State.Pid}}", "python-service"]
      var container = ""
      try await eventually("the container runs") {
        container = try await fleet.docker(process, on: home)
        return !container.hasSuffix(" 0\n")
      }
      try await home.end(SIGKILL)
      try home.start()
      try await eventually("the node is back") {
        try await cluster.get("/fleet/v1/machines", from: home).contains(home.machineID)
      }
      try await fleet.wait(for: ["python-test.service": "active/running"])
      #expect(try await fleet.docker(process, on: home) == container)
      _ = try await fleet.docker(["kill", "python-service"], on: home)
      try await eventually("it is still supervised") {
        let now = try await fleet.docker(process, on: home)
        return now != container && !now.hasSuffix(" 0\n")
      }
    }
  }
}
