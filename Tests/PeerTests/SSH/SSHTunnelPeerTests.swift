// SPDX-License-Identifier: Apache-2.0
import Foundation
import TestKit
import Testing

/// A cluster that is asked through OpenSSH's own server.
@Suite(.serialized) struct SSHTunnelPeerTests {
  private func withCluster(
    machines: Int = 1,
    _ body: (SSHScene, TestCluster) async throws -> Void
  ) async throws {
    try await SSHScene.with { scene in
      try scene.trustServer()
      try await TestCluster.with(TestClusterShape(machines: machines)) { cluster in
        scene.environment["CORACLE_ENDPOINT"] = cluster.nodes[0].endpoint
        scene.environment["FLEETCTL_ENDPOINT"] = cluster.nodes[0].endpoint
        scene.environment["CORACLE_TUNNEL"] = scene.tunnel()
        scene.environment["FLEETCTL_TUNNEL"] = scene.tunnel()
        try await body(scene, cluster)
      }
    }
  }

  // The number is that of fleet's own functional test.
  @Test func `6 eleven units are started through a tunnel, over one session for each command`() async throws {
    try await withCluster { scene, cluster in
      let hello = try cluster.write("[Service]\nExecStart=/bin/sleep 1000\n", to: "hello.service")
      let template = try cluster.write("[Service]\nExecStart=/bin/sleep 100%i\n", to: "many@.service")
      let one = try await scene.run("fleetctl", ["start", hello])
      #expect(one.status == 0 && !one.errors.contains("Error"), "\(one)")
      #expect(scene.server.logins == 1)
      let names = (1...10).map { template.replacingOccurrences(of: "@", with: "@\($0)") }
      let many = try await scene.run("fleetctl", ["start"] + names)
      #expect(many.status == 0 && !many.errors.contains("Error"), "\(many)")
      #expect(scene.server.logins == 2)
      try await eventually("eleven units are active") {
        let list = try await scene.run("fleetctl", ["list-units", "--no-legend", "--fields", "unit,active"])
        return list.output.split(separator: "\n").count { $0.hasSuffix("active") } == 11
      }
    }
  }

  @Test func `every group of commands asks through the tunnel, and members as the server sees them`() async throws {
    try await withCluster(machines: 3) { scene, cluster in
      #expect(try await scene.run("coracle", ["kv", "set", "/k", "v"]).output == "v\n")
      #expect(try await scene.run("coracle", ["kv", "get", "/k"]).output == "v\n")
      let machines = try await scene.run("coracle", ["machine", "list", "--no-legend"])
      #expect(machines.output.split(separator: "\n").count == 3, "\(machines)")
      let before = scene.server.logins
      let health = try await scene.run("coracle", ["cluster", "health"])
      #expect(health.output.hasSuffix("cluster is healthy\n"), "\(health)")
      #expect(scene.server.logins == before + 1)
      for node in cluster.nodes { #expect(health.output.contains(node.address), "\(health)") }
    }
  }

  @Test func `a control socket at the server is asked through a channel`() async throws {
    try await withCluster { scene, cluster in
      let path = "\(cluster.nodes[0].directory.path)/coracle.sock"
      let direct = try await scene.run("coracle", ["machine", "list", "--endpoint", "unix://\(path)"])
      #expect(direct.output.contains("127."), "\(direct)")
      let big = String(repeating: "x", count: 300_000)
      let set = try await scene.run("coracle", ["kv", "set", "--endpoint", "unix://\(path)", "/big"], input: big)
      #expect(set.output == big + "\n", "\(set.errors)")
      let absent = try await scene.run("coracle", ["machine", "list", "--endpoint", "unix:///nowhere.sock"])
      #expect(absent.status == 1 && absent.errors.contains("nobody takes connections there"), "\(absent)")
    }
  }

  @Test func `fd-forward joins its streams to a socket, for clients that come in by SSH`() async throws {
    try await withCluster { scene, cluster in
      let request = "GET /version HTTP/1.0\r\n\r\n"
      let path = "\(cluster.nodes[0].directory.path)/coracle.sock"
      for program in ["coracle", "fleetctl"] {
        let answer = try await scene.run(program, ["fd-forward", path], input: request)
        #expect(answer.output.contains("etcdserver") && answer.status == 0, "\(answer)")
      }
      let absent = try await scene.run("fleetctl", ["fd-forward", "/nowhere.sock"], input: request)
      #expect(absent.status == 1 && absent.errors.contains("/nowhere.sock"), "\(absent)")
    }
  }

  @Test func `a TLS server that is named by its address is not taken for the tunnel's end`() async throws {
    try await SSHScene.with { scene in
      try scene.trustServer()
      try await SecureCluster.with(members: 1) { cluster in
        let node = cluster.nodes[0]
        let options = ["--tunnel", scene.tunnel(), "--endpoint", node.endpoint]
        let files = ["--ca-file", cluster.authorityFile]
        let own = ["--cert-file", cluster.client.certificate, "--key-file", cluster.client.key]
        let set = try await scene.run("coracle", ["kv", "set", "/t", "1"] + options + files + own)
        #expect(set.errors.contains("dial it by a name that stands in the certificate"), "\(set)")
        let untrusted = try await scene.run("coracle", ["kv", "get", "/t"] + options + own)
        #expect(untrusted.status != 0 && untrusted.errors.contains("certificate"), "\(untrusted)")
      }
    }
  }

  @Test func `a machine behind the tunnel's host is reached through it`() async throws {
    try await withCluster { scene, cluster in
      let node = cluster.nodes[0]
      let inner = try await SSHServer(directory: scene.directory.appendingPathComponent("inner"))
      try inner.authorize("\(scene.directory.path)/agent-key.pub")
      try await inner.start()
      let words = ["machine", "ssh", "--ssh-port", "\(inner.port)", node.machineID, "echo $SSH_CONNECTION; cat"]
      let first = try await scene.run("coracle", words, input: "yes\nrest")
      #expect(first.status == 0, "\(first)")
      #expect(first.output.hasSuffix("rest"), "\(first)")
      #expect(inner.logins == 1 && scene.server.logins == 1, "\(inner.log)")
      let text = String(repeating: "0123456789abcde\n", count: 100_000)
      let through = try await scene.run("coracle", Array(words.dropLast()) + ["cat"], input: text)
      #expect(through.output == text, "\(through.output.count) of \(text.count) characters, \(through.errors)")
      try await inner.stop()
    }
  }

  @Test func `a watch stays open, and ends when the server does`() async throws {
    try await withCluster { scene, _ in
      let watch = try ChildProcess(
        [scene.server.programs.appendingPathComponent("coracle").path, "kv", "watch", "--forever", "/w"],
        environment: scene.environment,
        directory: scene.directory
      )
      try await eventually("the watch is open") { scene.server.logins == 1 }
      for value in ["a", "b", "c"] {
        try await eventually("\(value) is seen") {
          _ = try await scene.run("coracle", ["kv", "set", "/w", value])
          return watch.output.contains(value)
        }
      }
      watch.signal(SIGINT)
      try await watch.wait(within: .seconds(60))
      #expect(watch.status == 0)
    }
  }
}
