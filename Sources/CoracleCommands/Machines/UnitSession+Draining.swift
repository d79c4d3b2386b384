// SPDX-License-Identifier: Apache-2.0
import Fleet
import FleetWire

extension UnitSession {
  /// `machine drain`: has a machine drained, and waits until no unit is placed on it.
  ///
  /// - Returns: 1 when it is unknown, or when units stay that no other machine takes.
  func drain(_ prefix: String, _ waiting: Waiting) async -> Int32 {
    do {
      let machine = try await machine(prefix)
      try await setDraining(true, machine)
      guard waiting.isBlocking else { return Self.done }
      return try await waitUntilEmpty(machine)
    } catch {
      return report("Error draining machine \(prefix): \(text(error))")
    }
  }

  /// `machine undrain`.
  func undrain(_ prefix: String) async -> Int32 {
    do {
      try await setDraining(false, try await machine(prefix))
      return Self.done
    } catch {
      return report("Error undraining machine \(prefix): \(text(error))")
    }
  }

  private func setDraining(_ isDraining: Bool, _ machine: FleetMachine) async throws {
    let path = "/\(machine.id)/metadata/\(Machine.drainingKey)"
    let operation =
      isDraining
      ? MachineMetadataOperation(operation: "add", path: path, value: "true")
      : MachineMetadataOperation(operation: "remove", path: path)
    try await fleet.patchMachines([operation])
  }

  /// Looks every half a second; gives up when the number of units there has not changed for a minute.
  private func waitUntilEmpty(_ machine: FleetMachine) async throws -> Int32 {
    var (before, looks) = ([String](), 0)
    while true {
      let units = try await fleet.units().filter { $0.machineID == machine.id }.map(\.name)
      if units.isEmpty {
        output.line("Machine \(MachineListing.shortID(machine.id, isFull: false)) is drained")
        return Self.done
      }
      looks = units == before ? looks + 1 : 0
      before = units
      guard looks < Self.looksWithoutChange else {
        return report("Units that do not move: \(units.joined(separator: " ")); unit explain tells why")
      }
      try await sleep(.milliseconds(500))
    }
  }

  private static let looksWithoutChange = 120
}
