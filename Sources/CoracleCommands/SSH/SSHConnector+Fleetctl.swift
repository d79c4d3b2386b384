// SPDX-License-Identifier: Apache-2.0
import APIClients
import SSHTunnel
import TransportSecurity

extension FleetctlFlags {
  /// What the flags for SSH say, else the variables.
  ///
  /// - Throws: ``CommandFailure`` naming a flag with a wrong value, `SSHError` for a wrong address.
  func connector(_ environment: [String: String]) throws -> SSHConnector {
    try SSHConnector(value: { value($0, environment) }, directory: ".fleetctl", environment: environment)
  }
}

extension SSHConnector {
  /// Makes clients that ask through the tunnel, if there is one, and closes all afterwards.
  func withClients<Outcome>(
    endpoints: [Endpoint],
    security: SecurityFiles,
    timeout: Duration,
    _ body: (CommandClients, SSHSession?) async throws -> Outcome
  ) async throws -> Outcome {
    try await withTunnel { tunnel in
      try await CommandClients.with(endpoints: endpoints, security: security, timeout: timeout, tunnel: tunnel) {
        try await body($0, tunnel)
      }
    }
  }
}
