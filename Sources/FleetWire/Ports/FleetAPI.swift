// SPDX-License-Identifier: Apache-2.0

/// Everything fleet's HTTP API does, without HTTP: served by `APIServer`, called by `APIClients`.
///
/// Shape: listings are whole and sorted (units by name, machines by id, states by unit name, then machine id); pages
/// are cut by ``FleetPage``. Source: specs/fleet.md §2.
///
/// Concurrency: every call may be made from any task. Every call throws ``FleetAPIError/unavailable(_:)`` until the
/// machine has registered, and while the store cannot be reached.
public protocol FleetAPI: Sendable {
  /// Makes sure that calls can be answered now, for answers that need no call.
  ///
  /// - Throws: ``FleetAPIError/unavailable(_:)`` while they cannot.
  func checkReady() throws(FleetAPIError)

  /// As ``checkReady()``, but waits for what is a moment's matter.
  ///
  /// - Throws: ``FleetAPIError/unavailable(_:)`` while calls cannot be answered.
  func waitUntilReady() async throws(FleetAPIError)

  /// The machines that are present, with their effective metadata.
  ///
  /// - Throws: ``FleetAPIError``.
  func machines() async throws(FleetAPIError) -> [FleetMachine]

  /// Changes dynamic metadata; all operations are checked before the first is applied.
  ///
  /// - Throws: ``FleetAPIError/badRequest(_:)`` for the first wrong operation.
  func patchMachines(_ operations: [MachineMetadataOperation]) async throws(FleetAPIError)

  /// All units.
  ///
  /// - Throws: ``FleetAPIError``.
  func units() async throws(FleetAPIError) -> [FleetUnit]

  /// One unit.
  ///
  /// - Throws: ``FleetAPIError/notFound(_:)`` when there is none of that name.
  func unit(named name: String) async throws(FleetAPIError) -> FleetUnit

  /// Creates or replaces a unit, or changes its desired state: the decision of specs/fleet.md §2.4 from step 3 on.
  ///
  /// - Throws: ``FleetAPIError`` 400 or 409 with fleet's texts.
  func putUnit(named name: String, _ request: FleetUnitRequest) async throws(FleetAPIError) -> FleetUnitPutOutcome

  /// Removes a unit; the machine that runs it stops it.
  ///
  /// - Throws: ``FleetAPIError/notFound(_:)`` when there is none of that name.
  func destroyUnit(named name: String) async throws(FleetAPIError)

  /// The published states of units, on all machines that have them.
  ///
  /// - Throws: ``FleetAPIError``.
  func states(matching filter: FleetStateFilter) async throws(FleetAPIError) -> [FleetUnitState]
}

extension FleetAPI {
  /// Whoever asks a server finds out when it does.
  public func checkReady() throws(FleetAPIError) {}
  /// Whoever has nothing to wait for knows at once.
  public func waitUntilReady() async throws(FleetAPIError) { try checkReady() }
}

/// What a successful `PUT` of a unit did.
public enum FleetUnitPutOutcome: Sendable, Equatable {
  /// 201: the unit is new or has new options.
  case created
  /// 204: the desired state was set.
  case changed
}

/// Which states are listed; both given means both must match.
public struct FleetStateFilter: Sendable, Equatable {
  /// Only states of this machine.
  public var machineID: String?
  /// Only states of this unit.
  public var unitName: String?

  /// Makes a filter; without arguments everything passes.
  public init(machineID: String? = nil, unitName: String? = nil) {
    self.machineID = machineID
    self.unitName = unitName
  }

  /// Whether a state passes.
  public func matches(_ unitState: FleetUnitState) -> Bool {
    (machineID ?? unitState.machineID) == unitState.machineID && (unitName ?? unitState.name) == unitState.name
  }
}
