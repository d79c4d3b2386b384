// SPDX-License-Identifier: Apache-2.0
import SSHTunnel

/// Opens sessions as the command line has it: a tunnel to ask a cluster through, and machines behind it.
struct SSHConnector: Sendable {
  /// The server that all is asked through; nil when the cluster is reached without one.
  let tunnel: SSHAddress?
  let settings: SSHSettings

  private static let defaultUsername = "core"
  private static let defaultTimeout = Duration.seconds(10)

  /// Reads the settings.
  ///
  /// - Parameters:
  ///   - value: The value of a flag by its name, or of the variable behind it.
  ///   - directory: The directory below the home that keeps the known hosts unless a flag names another.
  ///   - environment: Tells the home directory and the agent's socket.
  ///   - prompts: What a person is asked through.
  /// - Throws: ``CommandFailure`` naming a flag with a wrong value, `SSHError` for a wrong address.
  init(
    value: (String) -> String?,
    directory: String,
    environment: [String: String],
    prompts: SSHPrompts = TerminalDialogue.prompts
  ) throws {
    func text(_ flag: String) -> String? { value(flag).flatMap { $0.isEmpty ? nil : $0 } }
    let home = environment["HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? "/"
    func path(_ text: String) -> String { text.hasPrefix("~/") ? "\(home)/\(text.dropFirst(2))" : text }

    tunnel = try text("tunnel").map { text throws(SSHError) in try SSHAddress(text) }
    var timeout = Self.defaultTimeout
    if let given = text("ssh-timeout") {
      guard let span = CommandDuration(argument: given) else {
        throw CommandFailure("--ssh-timeout \"\(given)\" is no time; it must be like 10s or 2.5", status: 2)
      }
      timeout = span.duration
    }
    var isStrict = true
    if let given = text("strict-host-key-checking") {
      guard let truth = Self.truth(given) else {
        throw CommandFailure("--strict-host-key-checking \"\(given)\" must be true or false", status: 2)
      }
      isStrict = truth
    }
    settings = SSHSettings(
      login: LoginMethods(
        username: text("ssh-username") ?? Self.defaultUsername,
        agentSocket: environment["SSH_AUTH_SOCK"].flatMap { $0.isEmpty ? nil : $0 },
        identityFile: text("ssh-identity-file").map(path),
        defaultFiles: LoginMethods.defaultFileNames.map { "\(home)/\($0)" }
      ),
      hostKeys: HostKeyPolicy(
        file: path(text("known-hosts-file") ?? "\(home)/\(directory)/known_hosts"),
        isStrict: isStrict
      ),
      timeout: timeout,
      prompts: prompts
    )
  }

  /// The end of the variable behind a flag.
  static func variable(_ flag: String) -> String { String(flag.uppercased().map { $0 == "-" ? "_" : $0 }) }

  private static func truth(_ text: String) -> Bool? {
    switch text.lowercased() {
    case "true", "t", "1", "yes": true
    case "false", "f", "0", "no": false
    default: nil
    }
  }

  /// Does something with the tunnel's session, or with nil when there is no tunnel, and closes it afterwards.
  func withTunnel<Outcome>(_ body: (SSHSession?) async throws -> Outcome) async throws -> Outcome {
    guard let tunnel else { return try await body(nil) }
    return try await withSession(with: tunnel, through: nil) { try await body($0) }
  }

  /// Does something with a session and closes it afterwards.
  func withSession<Outcome>(
    with address: SSHAddress,
    through jump: SSHSession?,
    _ body: (SSHSession) async throws -> Outcome
  ) async throws -> Outcome {
    let session = try await SSHSession.open(address, settings, through: jump)
    do {
      let outcome = try await body(session)
      await session.close()
      return outcome
    } catch {
      await session.close()
      throw error
    }
  }
}
