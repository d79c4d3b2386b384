// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import Fleet
import FleetWire
import Units

/// Units as tables show them.
///
/// Source: specs/fleet.md §8.2.
enum UnitListing {
  static let defaultStateFields = ["unit", "machine", "active", "sub"]
  static let defaultFileFields = ["unit", "hash", "dstate", "state", "target"]
  static let stateFieldNames = ["unit", "machine", "load", "active", "sub", "hash"]
  static let fileFieldNames = ["unit", "hash", "dstate", "state", "target", "tmachine", "global", "desc"]

  /// The text of `list-units`: one row for each state that a machine published.
  ///
  /// - Throws: ``CommandFailure`` for an unknown field.
  static func text(
    states: [FleetUnitState],
    machines: MachineNames,
    _ layout: ListingLayout
  ) throws(CommandFailure) -> String {
    let table = FieldTable<FleetUnitState>(fields: [
      .init("unit", { dashed($0.name) }),
      .init(
        "machine",
        { $0.machineID.isEmpty ? "-" : machines.text($0.machineID, isFull: layout.isFull) },
        json: { ["id": .string($0.machineID), "ip": .string(machines.address($0.machineID))] }
      ),
      .init("load", { dashed($0.loadState) }),
      .init("active", { dashed($0.activeState) }),
      .init("sub", { dashed($0.subState) }),
      .init("hash", { dashed(layout.isFull ? $0.hash : String($0.hash.prefix(7))) }, json: { .string($0.hash) }),
    ])
    return try table.text(states.sorted { ($0.name, $0.machineID) < ($1.name, $1.machineID) }, layout)
  }

  /// The text of `list-unit-files`.
  ///
  /// - Throws: ``CommandFailure`` for an unknown field.
  static func text(
    files: [FleetUnit],
    machines: MachineNames,
    _ layout: ListingLayout
  ) throws(CommandFailure) -> String {
    let target = { (unit: FleetUnit) in
      unit.isGlobal ? "global" : unit.machineID.map { machines.text($0, isFull: layout.isFull) } ?? "-"
    }
    let table = FieldTable<FleetUnit>(fields: [
      .init("unit", { $0.name }),
      .init(
        "hash",
        { layout.isFull ? $0.file.hash.description : $0.file.hash.short },
        json: { .string($0.file.hash.description) }
      ),
      .init("dstate", { $0.desiredState.rawValue }),
      .init("state", { $0.isGlobal ? "-" : $0.currentState?.rawValue ?? "-" }),
      .init("target", target, json: { .string($0.machineID ?? "") }),
      .init("tmachine", target, json: { .string($0.machineID ?? "") }),
      .init("global", { $0.isGlobal ? "true" : "false" }, json: { .bool($0.isGlobal) }),
      .init("desc", { dashed($0.file.unitDescription) }),
    ])
    return try table.text(files.sorted { $0.name < $1.name }, layout)
  }

  private static func dashed(_ text: String) -> String { text.isEmpty ? "-" : text }
}

extension FleetUnit {
  /// Whether every eligible machine runs the unit.
  var isGlobal: Bool { UnitRequirements(of: file, unitName: name).isGlobal }
}
