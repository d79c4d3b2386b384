// SPDX-License-Identifier: Apache-2.0
import SSHTunnel

/// `fd-forward SOCKET`: joins standard input and output to a unix socket, for clients that come in by SSH.
///
/// Source: specs/fleet.md §8.2.
enum SocketForwarding {
  /// Runs until both sides are done.
  ///
  /// - Returns: The exit status.
  static func run(_ arguments: [String], _ output: CommandOutput = .standard) async -> Int32 {
    guard arguments.count == 1 else {
      output.errorLine("fd-forward takes one argument, the path of a socket")
      return 2
    }
    do throws(SSHError) {
      try await StreamJoint.joinStandardStreams(toSocket: arguments[0])
      return 0
    } catch {
      output.errorLine(error.message)
      return 1
    }
  }
}

/// Commands that this program starts on other machines, and no person.
enum InnerCommand: String {
  case agentRelay = "agent-relay"
  case socketForwarding = "fd-forward"

  /// Runs it.
  ///
  /// - Returns: The exit status.
  func run(_ arguments: [String], _ output: CommandOutput = .standard) async -> Int32 {
    switch self {
    case .socketForwarding: return await SocketForwarding.run(arguments, output)
    case .agentRelay:
      do throws(SSHError) {
        try await AgentRelay.run()
        return 0
      } catch {
        output.errorLine(error.message)
        return 1
      }
    }
  }
}
