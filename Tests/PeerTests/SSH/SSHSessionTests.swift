// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import TestKit
import Testing

/// Commands on machines over SSH, against OpenSSH's own server.
@Suite(.serialized) struct SSHSessionTests {
  /// One machine on an address of loopback, whose SSH server is the scene's.
  private func withMachine(
    _ body: (SSHScene, TestNode, TestCluster) async throws -> Void
  ) async throws {
    try await SSHScene.with { scene in
      try await TestCluster.with(TestClusterShape(machines: 1)) { cluster in
        let node = cluster.nodes[0]
        scene.environment["CORACLE_ENDPOINT"] = node.endpoint
        scene.environment["FLEETCTL_ENDPOINT"] = node.endpoint
        try await body(scene, node, cluster)
      }
    }
  }

  private func ssh(_ scene: SSHScene, _ words: [String], input: String? = nil) async throws -> TestKit.CommandOutput {
    try await scene.run("coracle", ["machine", "ssh", "--ssh-port", "\(scene.server.port)"] + words, input: input)
  }

  // Numbers are those of fleet's own functional tests.
  @Test func `5 a machine's key is stored once agreed to, and refused when it has changed`() async throws {
    try await withMachine { scene, node, _ in
      let words = ["ssh", "--ssh-port", "\(scene.server.port)", "--machine", node.machineID, "echo", "hello"]
      let refused = try await scene.run("fleetctl", words)
      #expect(refused.status == 1, "\(refused)")
      #expect(refused.errors.contains("host key of \(node.address):\(scene.server.port) is unknown"), "\(refused)")

      let first = try await scene.run("fleetctl", words, input: "yes\n")
      #expect(first.output == "hello\n" && first.status == 0, "\(first)")
      #expect(first.errors.contains("Are you sure you want to continue connecting (yes/no)?"), "\(first)")
      let stored = try String(contentsOf: scene.fleetctlKnownHosts, encoding: .utf8)
      #expect(stored.hasPrefix("[\(node.address)]:\(scene.server.port) ssh-ed25519 "), "\(stored)")
      let second = try await scene.run("fleetctl", words)
      #expect(second.output == "hello\n" && second.errors.isEmpty, "\(second)")

      try await scene.server.stop()
      try await scene.server.makeHostKeys()
      try await scene.server.start()
      let changed = try await scene.run("fleetctl", words, input: "yes\n")
      #expect(changed.status == 1 && changed.output.isEmpty, "\(changed)")
      #expect(changed.errors.contains("has changed"), "\(changed)")
      #expect(changed.errors.contains("line 1 of \(scene.fleetctlKnownHosts.path)"), "\(changed)")
      let unchecked = try await scene.run("fleetctl", ["--strict-host-key-checking=false"] + words)
      #expect(unchecked.output == "hello\n", "\(unchecked)")

      try "".write(to: scene.fleetctlKnownHosts, atomically: true, encoding: .utf8)
      let again = try await scene.run("fleetctl", words, input: "yes\n")
      #expect(again.output == "hello\n", "\(again)")
    }
  }

  @Test func `20 a unit's machine runs commands, and tells status and journal`() async throws {
    try await withMachine { scene, node, cluster in
      try scene.trustServer(at: [node.address])
      let unit = try cluster.write(
        "[Service]\nExecStart=/bin/sh -c 'echo here I am; exec sleep 1000'\n",
        to: "hello.service"
      )
      _ = try await scene.run("fleetctl", ["start", unit])
      try await eventually("the unit runs") {
        try await scene.run("fleetctl", ["list-units", "--no-legend"]).output.contains("active\trunning")
      }
      let port = ["--ssh-port", "\(scene.server.port)"]
      let echo = try await scene.run("fleetctl", ["ssh"] + port + ["hello.service", "echo", "foo"])
      #expect(echo.output == "foo\n" && echo.status == 0, "\(echo)")
      let ours = try await scene.run("coracle", ["unit", "ssh"] + port + ["hello", "echo", "-n", "$((6 * 7))"])
      #expect(ours.output == "42", "\(ours)")
      let status = try await scene.run("fleetctl", ["status"] + port + ["hello"])
      #expect(status.output.contains("Active: active"), "\(status)")
      let journal = try await scene.run("fleetctl", ["journal", "--sudo"] + port + ["hello"])
      #expect(journal.output.contains("here I am"), "\(journal)")
    }
  }

  @Test func `with fleet's own nodes status and journal are systemd's, on the unit's machine`() async throws {
    try await SSHScene.with { scene in
      try scene.trustServer()
      // The machine has systemd's programs and not ours.
      try FileManager.default.removeItem(at: scene.server.programs.appendingPathComponent("coracle"))
      for name in ["systemctl", "journalctl"] {
        let file = scene.server.programs.appendingPathComponent(name)
        try "#!/bin/sh\necho \(name) \"$@\"\nexit 3\n".write(to: file, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file.path)
      }
      let fleet = try await FakeFleet.start(directory: scene.directory)
      let options = ["--endpoint", fleet.endpoint, "--ssh-port", "\(scene.server.port)"]
      let status = try await scene.run("fleetctl", options + ["status", "hello"])
      #expect(status.output == "systemctl status -l hello.service\n" && status.status == 3, "\(status)")
      let journal = try await scene.run("fleetctl", options + ["journal", "--lines", "7", "-f", "hello"])
      #expect(
        journal.output == "journalctl --unit hello.service --no-pager --output short -n 7 -f\n",
        "\(journal)"
      )
      let absent = try await scene.run("fleetctl", options + ["status", "other"])
      #expect(absent.errors == "Unit other.service does not exist.\n" && absent.status == 1, "\(absent)")
      fleet.stop()
    }
  }

  @Test func `status and input are the command's, and streams are whole`() async throws {
    try await withMachine { scene, node, _ in
      try scene.trustServer(at: [node.address])
      let machine = String(node.machineID.prefix(8))
      for status in [Int32(0), 1, 7, 255] {
        let result = try await ssh(scene, [machine, "exit", "\(status)"])
        #expect(result.status == status, "\(result)")
      }
      let killed = try await ssh(scene, [machine, "kill -TERM $$"])
      #expect(killed.status == 143, "\(killed)")
      let both = try await ssh(scene, [machine, "echo out; echo err >&2"])
      #expect(both.output == "out\n" && both.errors == "err\n", "\(both)")
      let text = String(repeating: "0123456789abcde\n", count: 400_000)
      let sum = try await ssh(scene, [machine, "cksum"], input: text)
      let expected = try await run(["cksum"], input: text)
      #expect(sum.output == expected.output, "\(sum)")
      let echoed = try await ssh(scene, [machine, "cat"], input: text)
      #expect(echoed.output == text, "\(echoed.output.count) of \(text.count) characters, status \(echoed.status)")
      let endless = try await run(
        [
          "sh", "-c",
          "\(scene.server.programs.path)/coracle machine ssh --ssh-port \(scene.server.port) \(machine) yes | head -n 2",
        ],
        environment: scene.environment,
        directory: scene.directory,
        within: .seconds(60)
      )
      #expect(endless.output == "y\ny\n", "\(endless)")
      let flags = try await ssh(scene, [machine, "--", "echo", "--version", "-x"])
      #expect(flags.output == "--version -x\n", "\(flags)")
    }
  }

  @Test func `a session that breaks off is told of`() async throws {
    try await withMachine { scene, node, _ in
      try scene.trustServer(at: [node.address])
      // The server is killed only once what the command wrote has arrived: it would take along what it still holds.
      let client =
        "\(scene.server.programs.path)/coracle machine ssh --ssh-port \(scene.server.port) \(node.machineID) "
        + "'echo begun; read go; kill -KILL $PPID; sleep 60'"
      let script =
        "set -o pipefail; mkfifo gate; \(client) <gate | { exec 3>gate; read -r line; echo \"$line\"; echo go >&3; cat; }"
      let result = try await run(
        ["bash", "-c", script],
        environment: scene.environment,
        directory: scene.directory,
        within: .seconds(60)
      )
      #expect(result.output == "begun\n" && result.status == 1, "\(result)")
      #expect(result.errors.contains("the connection to \(node.address):\(scene.server.port) has ended"), "\(result)")
    }
  }

  @Test func `without a command there is a terminal of the same size`() async throws {
    try await withMachine { scene, node, _ in
      try scene.trustServer(at: [node.address])
      let command =
        "stty rows 41 cols 133; exec \(scene.server.programs.path)/coracle machine ssh --ssh-port \(scene.server.port) "
        + node.machineID
      var environment = scene.environment
      environment["TERM"] = "vt220"
      let result = try await run(
        ["script", "-qec", command, "/dev/null"],
        environment: environment,
        directory: scene.directory,
        input: "stty size; echo type=$TERM; exit 9\n"
      )
      #expect(result.status == 9, "\(result)")
      #expect(result.output.contains("41 133"), "\(result)")
      #expect(result.output.contains("type=vt220"), "\(result)")
    }
  }

  @Test func `an agent is forwarded when it is asked for`() async throws {
    try await withMachine { scene, node, _ in
      try scene.trustServer(at: [node.address])
      let with = try await ssh(
        scene,
        ["-A", node.machineID, "ssh-add -l; ssh-add -T \(scene.directory.path)/agent-key.pub; exit 4"]
      )
      #expect(with.output.contains("(ED25519)"), "\(with)")
      #expect(with.status == 4, "\(with)")
      #expect(!with.errors.contains("failed"), "\(with)")
      let without = try await ssh(scene, [node.machineID, "ssh-add -l"])
      #expect(without.status != 0 && !without.output.contains("ED25519"), "\(without)")
    }
  }

  @Test func `a target that is no machine, or two, is refused before anything is opened`() async throws {
    try await withMachine { scene, node, _ in
      let nobody = try await ssh(scene, ["nobody", "true"])
      #expect(nobody.status == 1, "\(nobody)")
      #expect(nobody.errors == "Unable to proceed: could not find matching unit or machine\n", "\(nobody)")
      let none = try await ssh(scene, [])
      #expect(none.status == 2, "\(none)")
      let option = try await ssh(scene, ["--bogus", "true"])
      #expect(option.status == 2 && option.errors.contains("--bogus"), "\(option)")
      #expect(scene.server.logins == 0)
    }
  }
}

/// A node of fleet itself, as far as one machine with one unit goes.
private final class FakeFleet {
  let endpoint: String
  private let process: ChildProcess

  private static let program = """
    import http.server, json, sys
    machine = 'a' * 32
    answers = {
      '/fleet/v1/machines': {'machines': [{'id': machine, 'primaryIP': '127.0.0.1'}]},
      '/fleet/v1/units/hello.service': {
        'name': 'hello.service', 'options': [], 'desiredState': 'launched', 'currentState': 'launched',
        'machineID': machine},
    }
    class Handler(http.server.BaseHTTPRequestHandler):
      def do_GET(self):
        answer = answers.get(self.path.split('?')[0])
        body = json.dumps(answer).encode() if answer else b'404 page not found\\n'
        if not answer and self.path.startswith('/fleet/v1/units/'):
          body = b'{"error":{"code":404,"message":"unit does not exist"}}'
        self.send_response(200 if answer else 404)
        self.send_header('Content-Type', 'application/json' if body[:1] == b'{' else 'text/plain')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
      def log_message(self, *arguments): pass
    server = http.server.HTTPServer(('127.0.0.1', 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()
    """

  private init(endpoint: String, process: ChildProcess) {
    self.endpoint = endpoint
    self.process = process
  }

  static func start(directory: URL) async throws -> FakeFleet {
    let process = try ChildProcess(["python3", "-c", program], directory: directory)
    try await eventually("the node listens") { process.output.hasSuffix("\n") }
    let port = process.output.trimmingCharacters(in: .whitespacesAndNewlines)
    return FakeFleet(endpoint: "http://127.0.0.1:\(port)", process: process)
  }

  func stop() {
    process.signal(SIGKILL)
  }
}
