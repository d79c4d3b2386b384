// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import TestKit

/// OpenSSH's own server on a port of loopback, with host keys, users' keys and configuration of its own.
final class SSHServer {
  let directory: URL
  let port: Int
  private var process: ChildProcess?
  private let lines: [String]
  private let machine: TestNode?

  /// The user who runs the tests is the one who logs in.
  static let username = NSUserName()

  /// The commands that a session finds on its PATH: coracle and its other names.
  var programs: URL { directory.appendingPathComponent("bin") }
  /// The keys that let the user in.
  var authorizedKeys: URL { directory.appendingPathComponent("authorized_keys") }

  /// Lays a server out; `lines` are added to its configuration.
  ///
  /// With a machine it is that machine's own, on its port 22, and commands find the machine's node and Docker Engine.
  init(directory: URL, lines: [String] = [], of machine: TestNode? = nil) async throws {
    self.directory = directory
    self.lines = lines
    self.machine = machine
    port = machine == nil ? try Self.freePort() : 22
    try FileManager.default.createDirectory(
      at: directory.appendingPathComponent("bin"),
      withIntermediateDirectories: true
    )
    // Where the server's unprivileged part lives, as its service file makes it.
    mkdir("/run/sshd", 0o755)
    for name in ["coracle", "fleetctl", "etcdctl"] {
      try FileManager.default.createSymbolicLink(
        at: programs.appendingPathComponent(name),
        withDestinationURL: BuiltProgram.coracle
      )
    }
    try await makeHostKeys()
    try "".write(to: authorizedKeys, atomically: true, encoding: .utf8)
  }

  /// Makes new host keys, as a machine that was set up anew has.
  func makeHostKeys() async throws {
    // Longer RSA keys take seconds to make.
    for (type, options) in [("ed25519", []), ("rsa", ["-b", "2048"])] {
      let path = directory.appendingPathComponent("host_\(type)").path
      try? FileManager.default.removeItem(atPath: path)
      try await succeed(["ssh-keygen", "-q", "-t", type] + options + ["-N", "", "-f", path])
    }
  }

  /// Lets a key in.
  func authorize(_ publicKeyFile: String) throws {
    let key = try String(contentsOfFile: publicKeyFile, encoding: .utf8)
    let known = try String(contentsOf: authorizedKeys, encoding: .utf8)
    try (known + key).write(to: authorizedKeys, atomically: true, encoding: .utf8)
  }

  /// Starts it and waits until it takes connections.
  func start() async throws {
    let configuration = directory.appendingPathComponent("sshd_config")
    var variables = ["PATH=\(programs.path):/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"]
    if let machine { variables += ["DOCKER_HOST=\(machine.docker)", "CORACLE_ENDPOINT=\(machine.endpoint)"] }
    try """
    Port \(port)
    ListenAddress 0.0.0.0
    HostKey \(directory.path)/host_ed25519
    HostKey \(directory.path)/host_rsa
    AuthorizedKeysFile \(authorizedKeys.path)
    StrictModes no
    UsePAM no
    PermitRootLogin prohibit-password
    PasswordAuthentication no
    PidFile none
    LogLevel VERBOSE
    SetEnv \(variables.joined(separator: " "))
    \(lines.joined(separator: "\n"))

    """.write(to: configuration, atomically: true, encoding: .utf8)
    let command = ["/usr/sbin/sshd", "-D", "-e", "-f", configuration.path]
    let child = try ChildProcess(machine?.onMachine(command) ?? command, directory: directory)
    process = child
    try await eventually("sshd takes connections: \(child.errors)") {
      child.isRunning && child.errors.contains("Server listening on 0.0.0.0 port \(port)")
    }
  }

  /// Ends it; sessions that stand go on.
  func stop() async throws {
    guard let process else { return }
    process.signal(SIGTERM)
    try await process.wait(within: .seconds(60))
    self.process = nil
  }

  /// What it has logged since its start.
  var log: String { process?.errors ?? "" }

  /// How many sessions have been opened since its start.
  var logins: Int { log.components(separatedBy: "Accepted publickey").count - 1 }

  private static func freePort() throws -> Int {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
        bind(descriptor, generic, size) == 0 ? getsockname(descriptor, generic, &size) : -1
      }
    }
    guard status == 0 else { throw CommandFailed(description: "no free port") }
    return Int(UInt16(bigEndian: address.sin_port))
  }
}

/// An ssh-agent with throwaway keys.
final class TestAgent {
  let socket: String
  private let process: ChildProcess

  init(directory: URL) async throws {
    let socket = directory.appendingPathComponent("agent").path
    self.socket = socket
    process = try ChildProcess(["ssh-agent", "-D", "-a", socket], directory: directory)
    try await eventually("the agent listens") { FileManager.default.fileExists(atPath: socket) }
  }

  func add(_ key: String) async throws {
    try await succeed(["ssh-add", "-q", key], environment: ["SSH_AUTH_SOCK": socket])
  }

  func stop() async {
    process.signal(SIGTERM)
    try? await process.wait(within: .seconds(60))
  }
}

/// A home directory, an agent and a server, and the program run among them.
final class SSHScene {
  let directory: URL
  let server: SSHServer
  let agent: TestAgent
  /// Variables of every command.
  var environment: [String: String]

  var knownHosts: URL { directory.appendingPathComponent(".coracle/known_hosts") }
  var fleetctlKnownHosts: URL { directory.appendingPathComponent(".fleetctl/known_hosts") }

  private init(directory: URL, server: SSHServer, agent: TestAgent) {
    self.directory = directory
    self.server = server
    self.agent = agent
    environment = [
      "HOME": directory.path, "SSH_AUTH_SOCK": agent.socket, "CORACLE_SSH_USERNAME": SSHServer.username,
      "FLEETCTL_SSH_USERNAME": SSHServer.username, "CORACLE_ENDPOINT": "",
    ]
  }

  /// A server that lets the agent's one key in, a directory for the home, and all of it taken down afterwards.
  static func with(lines: [String] = [], _ body: (SSHScene) async throws -> Void) async throws {
    try await withTestDirectory { directory in
      let server = try await SSHServer(directory: directory.appendingPathComponent("sshd"), lines: lines)
      let agent = try await TestAgent(directory: directory)
      let scene = SSHScene(directory: directory, server: server, agent: agent)
      do {
        let key = try await scene.makeKey("ed25519", named: "agent-key")
        try await agent.add(key)
        try server.authorize(key + ".pub")
        try await server.start()
        try await body(scene)
      } catch {
        FileHandle.standardError.write(Data("--- log of sshd\n\(server.log.suffix(6_000))\n".utf8))
        try? await server.stop()
        await agent.stop()
        throw error
      }
      try await server.stop()
      await agent.stop()
    }
  }

  /// Makes a key pair; the path of the private one.
  func makeKey(_ type: String, named name: String, passphrase: String = "", _ options: [String] = []) async throws
    -> String
  {
    let path = directory.appendingPathComponent(name).path
    try await succeed(["ssh-keygen", "-q", "-t", type, "-N", passphrase, "-f", path] + options)
    return path
  }

  /// The server as seen at an address of loopback.
  func tunnel() -> String { "127.0.0.1:\(server.port)" }

  /// Runs the program under one of its names.
  func run(
    _ name: String,
    _ arguments: [String],
    environment more: [String: String] = [:],
    input: String? = nil,
    within timeout: Duration = .seconds(60)
  ) async throws -> TestKit.CommandOutput {
    try await TestKit.run(
      // Without a terminal, so that questions are answered from the input wherever the tests run.
      ["setsid", "--wait", server.programs.appendingPathComponent(name).path] + arguments,
      environment: environment.merging(more) { $1 },
      directory: directory,
      input: input,
      within: timeout
    )
  }

  /// Trusts the server from now on.
  func trustServer(at hosts: [String] = ["127.0.0.1"]) throws {
    let words = try String(contentsOf: server.directory.appendingPathComponent("host_ed25519.pub"), encoding: .utf8)
      .split(separator: " ")
    let lines = hosts.map { "[\($0)]:\(server.port) \(words[0]) \(words[1])\n" }.joined()
    for file in [knownHosts, fleetctlKnownHosts] {
      try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try lines.write(to: file, atomically: true, encoding: .utf8)
    }
  }
}
