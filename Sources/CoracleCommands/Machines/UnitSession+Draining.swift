// SPDX-License-Identifier: Apache-2.0
import Fleet
import FleetWire
import Units

extension UnitSession {
  /// `machine drain`: has a machine drained, and waits until no unit is placed on it but oneshots that have ended.
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

  /// What is placed on a machine that is being drained.
  private struct Remainder: Equatable {
    /// Units that are to move, by name.
    var moving: [String] = []
    /// Oneshots that have not done their work, by name.
    var working: [String] = []
    /// Oneshots that have, or have failed, by name.
    var ended: [String] = []
  }

  /// Looks every half a second; gives up when the units that are to move have not changed for a minute.
  private func waitUntilEmpty(_ machine: FleetMachine) async throws -> Int32 {
    var (before, looks) = (Remainder(), 0)
    while true {
      let remainder = try await remainder(on: machine)
      if remainder.moving.isEmpty, remainder.working.isEmpty {
        let ended = remainder.ended.joined(separator: " ")
        let id = MachineListing.shortID(machine.id, isFull: false)
        output.line("Machine \(id) is drained" + (ended.isEmpty ? "" : "; ended and still placed there: \(ended)"))
        return Self.done
      }
      // Nobody knows how long work takes that is to be done just once.
      let isWorking = remainder.moving.isEmpty
      if isWorking, remainder.working != before.working || !before.moving.isEmpty {
        output.errorLine("Waiting for what runs to its end: \(remainder.working.joined(separator: " "))")
      }
      looks = !isWorking && remainder.moving == before.moving ? looks + 1 : 0
      before = remainder
      guard looks < Self.looksWithoutChange else {
        return report("Units that do not move: \(remainder.moving.joined(separator: " ")); unit explain tells why")
      }
      try await sleep(.milliseconds(500))
    }
  }

  private func remainder(on machine: FleetMachine) async throws -> Remainder {
    let units = try await fleet.units().filter { $0.machineID == machine.id }
    guard units.contains(where: \.runsToItsEnd) else { return Remainder(moving: units.map(\.name)) }
    let states = try await fleet.states(matching: FleetStateFilter(machineID: machine.id))
    let ended = Set(states.filter { ["inactive", "failed"].contains($0.activeState) }.map(\.name))
    var remainder = Remainder()
    for unit in units {
      if !unit.runsToItsEnd {
        remainder.moving.append(unit.name)
      } else if ended.contains(unit.name) {
        remainder.ended.append(unit.name)
      } else {
        remainder.working.append(unit.name)
      }
    }
    return remainder
  }

  private static let looksWithoutChange = 120
}

extension FleetUnit {
  /// Whether it stays on a machine that is being drained, as its work would be done again elsewhere.
  fileprivate var runsToItsEnd: Bool { desiredState == .launched && file.oneshot == .ends }
}
