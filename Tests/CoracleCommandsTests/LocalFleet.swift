// SPDX-License-Identifier: Apache-2.0
import Fleet
import FleetWire
import Synchronization
import Units

/// A cluster in memory: every unit goes to the first machine at once, unless it is said to be stuck.
final class LocalFleet: FleetAPI, UnitInspectionAPI {
  struct State {
    var machines: [FleetMachine]
    var units: [String: FleetUnit] = [:]
    /// Units that no machine takes, with the reason.
    var stuck: [String: String] = [:]
    /// Looks at a unit until it has its state.
    var delay = 0
    var reports: [String: UnitStatusReport] = [:]
    var lines: [JournalLine] = []
    var failure: FleetAPIError?
    /// What so many looks at a unit are answered with before there is an answer.
    var outage: (error: FleetAPIError, looks: Int)?
    var puts: [FleetUnitRequest] = []
    var patches: [MachineMetadataOperation] = []
    /// Units whose processes take so many looks to stop after they were told to.
    var slowToStop: [String: Int] = [:]
    /// Units that end by themselves after so many looks.
    var endsAfter: [String: Int] = [:]
    /// Units that have failed.
    var failed: Set<String> = []
    /// How many changes have to be under way at once before one is answered, and how many were.
    var wantedAtOnce = 0
    var underWay = 0
    var mostUnderWay = 0
  }

  let state: Mutex<State>

  init(machines: [FleetMachine]) {
    state = Mutex(State(machines: machines))
  }

  func machines() async throws(FleetAPIError) -> [FleetMachine] {
    try check()
    return state.withLock { $0.machines }
  }

  func patchMachines(_ operations: [MachineMetadataOperation]) async throws(FleetAPIError) {
    try check()
    for operation in operations {
      let change = try operation.validated()
      state.withLock { state in
        state.patches.append(operation)
        guard let place = state.machines.firstIndex(where: { $0.id == change.machineID }) else { return }
        state.machines[place].metadata[change.key] = change.value.isEmpty ? nil : change.value
      }
    }
  }

  func units() async throws(FleetAPIError) -> [FleetUnit] {
    try check()
    advance()
    return state.withLock { $0.units.values.sorted { $0.name < $1.name } }
  }

  func unit(named name: String) async throws(FleetAPIError) -> FleetUnit {
    try check()
    try passOutage()
    advance()
    let (known, stuck, machines) = state.withLock { ($0.units[name], $0.stuck[name], $0.machines) }
    guard var unit = known else { throw .unitDoesNotExist }
    if let stuck, unit.machineID == nil {
      unit.reason = "no machine is able to run it"
      unit.refusals = machines.map { FleetRefusal(machineID: $0.id, reason: stuck) }
    }
    return unit
  }

  func putUnit(
    named name: String,
    _ request: FleetUnitRequest
  ) async throws(FleetAPIError) -> FleetUnitPutOutcome {
    try check()
    await meet()
    let known = state.withLock { state in
      state.puts.append(request)
      return state.units[name]
    }
    let desired = JobState(rawValue: request.desiredState) ?? .inactive
    if var unit = known, request.options.isEmpty || UnitFile(options: request.options).hash == unit.file.hash {
      if (try? UnitName(name))?.isTemplate == true, desired != .inactive {
        throw .badRequest("cannot activate template \"\(name)\"")
      }
      unit.desiredState = desired
      state.withLock { $0.units[name] = unit }
      return .changed
    }
    guard !request.options.isEmpty else { throw .conflict("unit does not exist and options field empty") }
    let unit = FleetUnit(
      name: name,
      options: request.options,
      desiredState: desired,
      currentState: isGlobal(request.options, name) ? nil : .inactive
    )
    state.withLock { $0.units[name] = unit }
    return .created
  }

  /// Waits, for a second at most, until as many changes are under way as are wanted at once.
  private func meet() async {
    state.withLock {
      $0.underWay += 1
      $0.mostUnderWay = max($0.mostUnderWay, $0.underWay)
    }
    for _ in 0..<200 where state.withLock({ $0.mostUnderWay < $0.wantedAtOnce }) {
      try? await Task.sleep(for: .milliseconds(5))
    }
    state.withLock { $0.underWay -= 1 }
  }

  func destroyUnit(named name: String) async throws(FleetAPIError) {
    try check()
    await meet()
    guard state.withLock({ $0.units.removeValue(forKey: name) }) != nil else { throw .unitDoesNotExist }
  }

  func states(matching filter: FleetStateFilter) async throws(FleetAPIError) -> [FleetUnitState] {
    try check()
    return state.withLock { state in
      var states: [FleetUnitState] = []
      for unit in state.units.values.sorted(by: { $0.name < $1.name }) {
        let isStopping = unit.currentState == .loaded && (state.slowToStop[unit.name] ?? 0) > 0
        if isStopping { state.slowToStop[unit.name]? -= 1 }
        guard unit.currentState == .launched || isStopping else { continue }
        var active = isStopping ? "deactivating" : state.failed.contains(unit.name) ? "failed" : "active"
        if let looks = state.endsAfter[unit.name] {
          active = looks > 0 ? "activating" : "inactive"
          state.endsAfter[unit.name] = max(looks - 1, 0)
        }
        states.append(
          FleetUnitState(
            name: unit.name,
            hash: unit.file.hash.description,
            machineID: unit.machineID ?? "",
            loadState: "loaded",
            activeState: active,
            subState: isStopping ? "stop-sigterm" : active == "failed" ? "failed" : "running"
          )
        )
      }
      return states.filter(filter.matches)
    }
  }

  func status(of unitName: String) async throws(FleetAPIError) -> UnitStatusReport {
    guard let report = state.withLock({ $0.reports[unitName] }) else { throw .unitDoesNotExist }
    return report
  }

  func journal(of unitName: String, lines: Int, follow: Bool) -> AsyncThrowingStream<JournalLine, any Error> {
    let all = state.withLock { $0.lines }
    return AsyncThrowingStream { continuation in
      for line in all.suffix(lines) { continuation.yield(line) }
      continuation.finish(throwing: all.isEmpty ? FleetAPIError.unitDoesNotExist : nil)
    }
  }

  func explain(_ unitName: String) async throws(FleetAPIError) -> UnitExplanation {
    let (unit, reason, machines) = state.withLock { ($0.units[unitName], $0.stuck[unitName], $0.machines) }
    guard let unit else { throw .unitDoesNotExist }
    return UnitExplanation(
      name: unitName,
      targetState: unit.desiredState,
      currentState: unit.currentState,
      isGlobal: isGlobal(unit.options, unitName),
      machineID: unit.machineID,
      summary: reason == nil ? "runs where it was placed" : "no machine is able to run it",
      refusals: reason.map { reason in machines.map { FleetRefusal(machineID: $0.id, reason: reason) } } ?? []
    )
  }

  private func check() throws(FleetAPIError) {
    if let failure = state.withLock({ $0.failure }) { throw failure }
  }

  private func passOutage() throws(FleetAPIError) {
    let error: FleetAPIError? = state.withLock { state in
      guard let outage = state.outage, outage.looks > 0, !state.puts.isEmpty else { return nil }
      state.outage?.looks -= 1
      return outage.error
    }
    if let error { throw error }
  }

  private func isGlobal(_ options: [UnitOption], _ name: String) -> Bool {
    UnitRequirements(of: UnitFile(options: options), unitName: name).isGlobal
  }

  /// Each look at a unit brings all units to what is wanted of them, once the delay is over.
  private func advance() {
    state.withLock { state in
      guard state.delay == 0 else {
        state.delay -= 1
        return
      }
      for (name, unit) in state.units where unit.currentState != nil && state.stuck[name] == nil {
        state.units[name]?.currentState = unit.desiredState
        state.units[name]?.machineID = unit.desiredState == .inactive ? nil : state.machines.first?.id
      }
    }
  }
}
