// SPDX-License-Identifier: Apache-2.0
import Fleet
import FleetWire
import Synchronization
import Units

/// Fleet without machines: what is put is stored, and decided as specs/fleet.md §2.4 says.
final class MemoryFleet: FleetAPI {
  struct Content {
    var units: [String: FleetUnit] = [:]
    var machines: [FleetMachine] = []
    var states: [FleetUnitState] = []
    var failure: FleetAPIError?
    var isReady = true
  }

  let content: Mutex<Content>

  init(_ content: Content = Content()) {
    self.content = Mutex(content)
  }

  func checkReady() throws(FleetAPIError) {
    guard content.withLock({ $0.isReady }) else { throw .storeUnreachable }
  }

  func machines() async throws(FleetAPIError) -> [FleetMachine] {
    try read().machines
  }

  func units() async throws(FleetAPIError) -> [FleetUnit] {
    try read().units.values.sorted { $0.name < $1.name }
  }

  func unit(named name: String) async throws(FleetAPIError) -> FleetUnit {
    guard let unit = try read().units[name] else { throw .unitDoesNotExist }
    return unit
  }

  func states(matching filter: FleetStateFilter) async throws(FleetAPIError) -> [FleetUnitState] {
    try read().states.filter(filter.matches)
  }

  func patchMachines(_ operations: [MachineMetadataOperation]) async throws(FleetAPIError) {
    var changes: [(machineID: String, key: String, value: String)] = []
    for operation in operations { changes.append(try operation.validated()) }
    content.withLock { content in
      for change in changes {
        guard let place = content.machines.firstIndex(where: { $0.id == change.machineID }) else { continue }
        content.machines[place].metadata[change.key] = change.value.isEmpty ? nil : change.value
      }
    }
  }

  func destroyUnit(named name: String) async throws(FleetAPIError) {
    guard content.withLock({ $0.units.removeValue(forKey: name) }) != nil else { throw .unitDoesNotExist }
  }

  func putUnit(named name: String, _ request: FleetUnitRequest) async throws(FleetAPIError) -> FleetUnitPutOutcome {
    guard request.name.isEmpty || request.name == name else {
      throw .badRequest("name in URL \"\(name)\" differs from unit name in request body \"\(request.name)\"")
    }
    let unitName: UnitName
    do throws(UnitNameError) {
      unitName = try UnitName(name)
    } catch {
      throw .badRequest("\(error)")
    }
    let existing = content.withLock { $0.units[name] }
    guard let state = request.desiredState.isEmpty ? .inactive : JobState(rawValue: request.desiredState) else {
      throw .badRequest("invalid desired state")
    }
    let file = UnitFile(options: request.options)
    if var unit = existing, request.options.isEmpty || unit.file.hash == file.hash {
      guard !request.desiredState.isEmpty else {
        throw .conflict("must provide DesiredState to update existing unit")
      }
      guard !unitName.isTemplate || state == .inactive else {
        throw .badRequest("cannot activate template \"\(name)\"")
      }
      unit.desiredState = state
      content.withLock { $0.units[name] = unit }
      return .changed
    }
    guard !request.options.isEmpty else { throw .conflict("unit does not exist and options field empty") }
    do throws(UnitRequirementsError) {
      try file.validateRequirements()
    } catch {
      throw .badRequest("\(error)")
    }
    let unit = FleetUnit(name: name, options: request.options, desiredState: state, currentState: .inactive)
    content.withLock { $0.units[name] = unit }
    return .created
  }

  private func read() throws(FleetAPIError) -> Content {
    let content = content.withLock { $0 }
    if let failure = content.failure { throw failure }
    return content
  }
}
