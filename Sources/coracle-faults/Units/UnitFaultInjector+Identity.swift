// SPDX-License-Identifier: Apache-2.0
import Foundation
import TestKit

/// Machines that take another one's id for theirs.
extension UnitFaultInjector {
  /// Boots one more machine with the id of a worker that is there.
  mutating func bootSecondMachine() async throws {
    let host = try await pick(.worker)
    try startSpare(as: host)
    let spare = hosts.spare
    let isRefused = { spare.log.contains("another machine with this machine id is present") }
    do {
      try await eventually("the second machine is refused", isRefused)
    } catch {
      effects.violations.append("\(error)")
    }
    try await last(seconds: 2 * FiveHosts.ttlSeconds)
    checkUntouched(hosts.all)
    try await removeSpare()
  }

  /// Takes the power from a worker, lets another installation with its id take its place, and gives it back.
  mutating func reinstall() async throws {
    let host = try await pick(.worker)
    hosts.reach.lose([host])
    effects.affected = [host]
    effects.powerless = [host]
    // Once where the units went first, once more when the second machine goes.
    effects.starts = 2
    try await hosts.node(host).powerOff()
    try hosts.beginBoot(of: hosts.node(host))
    try startSpare(as: host)
    let processUnits = Set(hosts.set.units.filter { $0.kind == .process }.map(\.name))
    let globals = hosts.set.units.filter { $0.kind == .global }.map(\.name)
    do {
      try await eventually("the new installation takes part", every: .milliseconds(100)) {
        let processes = hosts.watch.processes()
        let units = processes.map(\.unit).filter { processUnits.contains($0) }
        return units.count == processUnits.count && Set(units) == processUnits
          && globals.allSatisfy { global in processes.contains { $0.unit == global && $0.host == host } }
      }
    } catch {
      effects.violations.append("\(error)")
    }
    try await removeSpare()
  }

  private func startSpare(as host: Int) throws {
    hosts.spare.extraArguments = ["--machine-id", hosts.node(host).machineID]
    try hosts.beginBoot(of: hosts.spare)
    try hosts.spare.start()
  }

  private func removeSpare() async throws {
    try await hosts.spare.powerOff()
    // The next one is another installation.
    try FileManager.default.removeItem(at: hosts.spare.directory)
  }
}
