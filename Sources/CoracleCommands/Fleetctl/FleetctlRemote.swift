// SPDX-License-Identifier: Apache-2.0

/// What fleetctl does by SSH: `--tunnel`, `ssh` and `fd-forward`.
///
/// The flags are read and checked; carrying them out is still to come, and refused until then.
struct FleetctlRemote {
  let invocation: FleetctlInvocation
  let settings: FleetctlSettings
  let output: CommandOutput

  /// Carries a command out that goes by SSH.
  ///
  /// - Returns: The exit code; nil when the command goes another way.
  /// - Throws: ``CommandFailure``.
  func run() async throws -> Int32? {
    if settings.ssh.tunnel != nil {
      throw CommandFailure("--tunnel is not supported yet; use --endpoint")
    }
    switch invocation.command {
    case .ssh, .fdForward:
      throw CommandFailure("fleetctl \(invocation.command?.rawValue ?? "") is not supported yet")
    default:
      return nil
    }
  }
}
