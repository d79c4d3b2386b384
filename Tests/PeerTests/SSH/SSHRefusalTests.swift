// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import TestKit
import Testing

/// Keys of every kind at OpenSSH's own server, and what is told when nothing works.
@Suite(.serialized) struct SSHRefusalTests {
  /// Asks through the tunnel for an endpoint where nobody listens: whoever logs in hears of that.
  private func ask(
    _ scene: SSHScene,
    _ options: [String] = [],
    environment: [String: String] = [:],
    input: String? = nil
  ) async throws -> TestKit.CommandOutput {
    try await scene.run(
      "coracle",
      ["machine", "list", "--endpoint", "http://127.0.0.1:1", "--tunnel", scene.tunnel()] + options,
      environment: environment,
      input: input
    )
  }

  private func expectLogin(_ result: TestKit.CommandOutput, sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(
      result.errors.contains("cannot connect to tcp 127.0.0.1:1: nobody takes connections there"),
      "\(result)",
      sourceLocation: sourceLocation
    )
  }

  @Test(arguments: [
    ["ed25519"], ["ecdsa", "-b", "256"], ["ecdsa", "-b", "521"], ["rsa", "-b", "2048"], ["rsa", "-m", "PEM"],
    ["rsa", "-m", "PKCS8"],
  ])
  func `keys of every type log in, from a file and from an agent`(options: [String]) async throws {
    try await SSHScene.with { scene in
      try scene.trustServer()
      let key = try await scene.makeKey(options[0], named: "key", Array(options.dropFirst()))
      try "".write(to: scene.server.authorizedKeys, atomically: true, encoding: .utf8)
      try scene.server.authorize(key + ".pub")
      expectLogin(try await ask(scene, ["--ssh-identity-file", key]))
      #expect(try await ask(scene).errors.contains("cannot log in"))
      try await scene.agent.add(key)
      expectLogin(try await ask(scene))
    }
  }

  @Test func `a usual key file logs in without an agent`() async throws {
    try await SSHScene.with { scene in
      try scene.trustServer()
      try FileManager.default.createDirectory(
        at: scene.directory.appendingPathComponent(".ssh"),
        withIntermediateDirectories: true
      )
      let key = try await scene.makeKey("ecdsa", named: ".ssh/id_ecdsa")
      try scene.server.authorize(key + ".pub")
      expectLogin(try await ask(scene, environment: ["SSH_AUTH_SOCK": ""]))
    }
  }

  @Test func `a passphrase is asked for on a terminal, and only if the key would be taken`() async throws {
    try await SSHScene.with { scene in
      try scene.trustServer()
      let key = try await scene.makeKey("ed25519", named: "locked", passphrase: "open sesame")
      let command = [
        "\(scene.server.programs.path)/coracle", "machine", "list", "--endpoint", "http://127.0.0.1:1",
        "--tunnel", scene.tunnel(), "--ssh-identity-file", key,
      ]
      var environment = scene.environment
      environment["SSH_AUTH_SOCK"] = ""
      func onTerminal() async throws -> TestKit.CommandOutput {
        let typed = ["passphrase for key", "wrong", "open sesame"]
        return try await run(
          ["python3", peerFile("Programs/type_at_prompts.py")] + typed + ["--"] + command,
          environment: environment,
          directory: scene.directory
        )
      }
      let unwelcome = try await onTerminal()
      #expect(!unwelcome.output.contains("passphrase"), "\(unwelcome)")
      #expect(unwelcome.output.contains("it refused \(key)"), "\(unwelcome)")
      try scene.server.authorize(key + ".pub")
      let welcome = try await onTerminal()
      #expect(welcome.output.contains("Enter passphrase for key '\(key)': "), "\(welcome)")
      #expect(welcome.output.contains("nobody takes connections there"), "\(welcome)")
      // The words typed are never shown.
      #expect(!welcome.output.contains("open sesame"), "\(welcome)")
      #expect(welcome.output.components(separatedBy: "passphrase for key").count == 3, "\(welcome)")
    }
  }

  @Test func `what is refused is told in one line that says what to do`() async throws {
    try await SSHScene.with { scene in
      let unknown = try await ask(scene)
      expectLine(unknown, ["host key of \(scene.tunnel()) is unknown", scene.knownHosts.path, "SHA256:"])
      try scene.trustServer()
      let noWay = try await ask(scene, environment: ["SSH_AUTH_SOCK": ""])
      expectLine(noWay, [scene.tunnel(), "SSH_AUTH_SOCK is not set", "id_ed25519", "ssh-add", "--ssh-identity-file"])
      let deadAgent = try await ask(scene, environment: ["SSH_AUTH_SOCK": "/nowhere/agent"])
      expectLine(deadAgent, ["/nowhere/agent", "no such file"])
      let missing = try await ask(scene, ["--ssh-identity-file", "/nowhere/key"])
      expectLine(missing, ["/nowhere/key"])
      try "".write(to: scene.server.authorizedKeys, atomically: true, encoding: .utf8)
      let refused = try await ask(scene)
      expectLine(
        refused,
        ["cannot log in at \(scene.tunnel()) as \(SSHServer.username)", "refused the agent's", "SHA256:"]
      )
      let wrong = try await scene.run("coracle", ["machine", "list", "--tunnel", "core@host"])
      expectLine(wrong, ["core@host", "--ssh-username"])
      let nobody = try await scene.run("coracle", ["machine", "list", "--tunnel", "127.0.0.1:1"])
      expectLine(nobody, ["127.0.0.1:1", "connection refused"])
    }
  }

  @Test func `a server that forbids forwarding is told of`() async throws {
    try await SSHScene.with(lines: ["AllowTcpForwarding no"]) { scene in
      try scene.trustServer()
      let forbidden = try await ask(scene)
      #expect(forbidden.errors.contains("its sshd forbids it (AllowTcpForwarding"), "\(forbidden)")
      #expect(forbidden.status == 1)
    }
  }

  @Test func `a host that never answers is given up in time`() async throws {
    try await SSHScene.with { scene in
      let silent = try SilentServer()
      let start = ContinuousClock.now
      let result = try await scene.run(
        "coracle",
        ["machine", "list", "--tunnel", "127.0.0.1:\(silent.port)", "--ssh-timeout", "500ms"]
      )
      expectLine(result, ["127.0.0.1:\(silent.port) does not answer", "500ms", "--ssh-timeout"])
      #expect(start.duration(to: .now) < .seconds(20))
    }
  }

  private func expectLine(
    _ result: TestKit.CommandOutput,
    _ parts: [String],
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(result.status == 1 && result.output.isEmpty, "\(result)", sourceLocation: sourceLocation)
    let last = result.errors.split(separator: "\n").last ?? ""
    for part in parts { #expect(last.contains(part), "\(part): \(result)", sourceLocation: sourceLocation) }
  }
}

/// Takes connections and says nothing.
private final class SilentServer {
  private let descriptor: Int32
  let port: Int

  init() throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let descriptor = descriptor
    let status = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
        bind(descriptor, generic, size) == 0 && listen(descriptor, 8) == 0
          ? getsockname(descriptor, generic, &size) : -1
      }
    }
    guard status == 0 else { throw CommandFailed(description: "cannot listen") }
    port = Int(UInt16(bigEndian: address.sin_port))
  }

  deinit {
    close(descriptor)
  }
}
