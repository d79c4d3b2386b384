// SPDX-License-Identifier: Apache-2.0
import FleetWire

extension UnitSession {
  /// `ssh`: a shell, or a command, on the machine that is named or that runs a unit.
  func ssh(_ target: SSHTarget, _ shell: RemoteShell) async -> Int32 {
    do {
      let machine = try await target.machine(among: try await fleet.machines()) { name in
        do throws(FleetAPIError) {
          return try await fleet.unit(named: name)
        } catch .notFound, .badRequest {
          // A word that is no unit's name may still be a machine's.
          return nil
        }
      }
      return try await shell.run(target.command, on: machine)
    } catch let failure as CommandFailure {
      report(failure.message)
      return failure.status
    } catch {
      return report("Failed running command over SSH: \(text(error))")
    }
  }
}
