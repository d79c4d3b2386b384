// SPDX-License-Identifier: Apache-2.0
import FleetWire
import Glibc
import SSHTunnel

/// Commands on machines of the cluster, over SSH.
struct RemoteShell: Sendable {
  let connector: SSHConnector
  /// The tunnel's session, which the machines are behind; nil when they are reached directly.
  let jump: SSHSession?
  let port: Int
  let forwardsAgent: Bool
  let environment: [String: String]

  init(
    _ connector: SSHConnector,
    jump: SSHSession?,
    port: Int?,
    forwardsAgent: Bool = false,
    environment: [String: String]
  ) {
    self.connector = connector
    self.jump = jump
    self.port = port ?? SSHAddress.defaultPort
    self.forwardsAgent = forwardsAgent
    self.environment = environment
  }

  /// Runs a command, or a shell when it is empty, with this process's own streams.
  ///
  /// - Returns: The status of the command.
  /// - Throws: ``CommandFailure`` when the machine tells no address, else `SSHError`.
  func run(_ words: [String], on machine: FleetMachine, hasInput: Bool = true) async throws -> Int32 {
    guard !machine.primaryIP.isEmpty else {
      throw CommandFailure("Could not determine address of machine \(machine.id): it publishes none")
    }
    let address = SSHAddress(host: machine.primaryIP, port: port)
    return try await connector.withSession(with: address, through: jump) { session in
      try await run(words, in: session, hasInput: hasInput)
    }
  }

  private func run(_ words: [String], in session: SSHSession, hasInput: Bool) async throws -> Int32 {
    let terminal = words.isEmpty ? LocalTerminal(STDIN_FILENO) : nil
    var command = RemoteCommand(
      line: words.isEmpty ? nil : words.joined(separator: " "),
      terminal: terminal.map { RemoteTerminal(type: environment["TERM"] ?? "xterm-256color", size: $0.size) }
    )
    let agentSocket = connector.settings.login.agentSocket
    let relay = forwardsAgent ? try await AgentForwarding.begin(over: session, agentSocket: agentSocket) : nil
    defer { relay?.end() }
    if let relay { command.line = relay.commandLine(running: command.line) }
    let streams = CommandStreams(
      input: hasInput ? STDIN_FILENO : nil,
      output: STDOUT_FILENO,
      errors: STDERR_FILENO,
      signals: terminal == nil ? nil : TerminalSignals.caught()
    )
    terminal?.passKeysOn()
    defer { terminal?.restore() }
    return try await session.run(command, streams).status
  }
}
