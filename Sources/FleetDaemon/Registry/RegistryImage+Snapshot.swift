// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import Fleet
import FleetWire
import Units

extension RegistryImage {
  /// The machines that are present, by id.
  var presentMachines: [Machine] {
    machines.keys.sorted().compactMap(machine)
  }

  /// A machine as the engine sees it; nil while it is not present.
  func machine(_ id: String) -> Machine? {
    guard machines[id] != nil else { return nil }
    let metadata = metadata(of: id)
    return Machine(id: id, metadata: metadata, isDraining: metadata[Machine.drainingKey] == "true")
  }

  /// Effective metadata: the configured, overridden key by key; an empty override hides the key.
  func metadata(of machineID: String) -> [String: String] {
    let configured = machines[machineID]?.value.metadata ?? [:]
    return configured.merging(metadataOverrides[machineID] ?? [:]) { $1 }.filter { !$0.value.isEmpty }
  }

  /// The cluster as the engine sees it.
  func snapshot(areAbsentMachinesLost: Bool) -> ClusterSnapshot {
    ClusterSnapshot(
      jobs: jobs.compactMap { name, job in job.job(named: name) },
      machines: presentMachines,
      areAbsentMachinesLost: areAbsentMachinesLost
    )
  }

  /// What should be on the own machine.
  func desiredUnits() -> [DesiredUnit] { desiredUnits(on: machineID) }

  /// What should be on a machine.
  func desiredUnits(on machineID: String) -> [DesiredUnit] {
    let names = globalUnits.union(unitsByTarget[machineID] ?? [])
    let candidates = names.compactMap { jobs[$0]?.job(named: $0) }
    let machine = Machine(id: machineID, metadata: metadata(of: machineID))
    let placed = LocalSelection.jobs(from: candidates, on: machine).compactMap { job -> DesiredUnit? in
      var hash = jobs[job.name]?.hash
      switch rolls.directive(for: job.name, on: machineID, present: hash) {
      case .stayAway: return nil
      case .run(let rolled): hash = rolled
      case nil: break
      }
      return DesiredUnit(
        name: job.name,
        hash: hash.flatMap { files[$0] == nil ? nil : $0 },
        targetState: job.targetState,
        runsOn: job.requirements.isGlobal ? nil : otherHost(of: job.name, than: machineID)
      )
    }
    return placed + unitsGivenAway(by: machineID).map { DesiredUnit(name: $0, hash: nil, targetState: .launched) }
  }

  /// A present machine, other than the given one, that says it runs a unit; the first by id.
  ///
  /// One that gives the unit away does not count: it stops the unit once that runs here.
  private func otherHost(of unit: String, than machineID: String) -> String? {
    guard let unitStates = unitStates[unit], unitStates.count > 1 || unitStates[machineID] == nil else { return nil }
    return unitStates.filter { id, published in
      id != machineID && machines[id] != nil && published.value.mayRun && !gives(unit, from: id)
    }.keys.min()
  }

  /// Whether a machine runs a unit until it runs where it is placed by now.
  private func gives(_ unit: String, from machineID: String) -> Bool {
    drainingMachines.contains(machineID)
      || rebalancing?.value.isGiven(unit, from: machineID, to: jobs[unit]?.target?.value) ?? false
  }

  /// Units that run on a machine which gives them away, and do not run where they are placed by now; by name.
  func unitsGivenAway(by machineID: String) -> [String] {
    guard isGivingAway(machineID) else { return [] }
    return (unitsByPublisher[machineID] ?? []).filter { unit in
      guard let job = jobs[unit], job.hash != nil, !job.isGlobal, job.targetState?.value == .launched,
        let target = job.target?.value, target != machineID, machines[target] != nil, gives(unit, from: machineID),
        unitStates[unit]?[machineID]?.value.mayRun ?? false
      else { return false }
      return unitStates[unit]?[target]?.value.activeState != "active"
    }.sorted()
  }

  /// Machines that are being drained, and have got rid of the unit they gave away last; by id.
  var machinesReadyToDrain: [String] {
    drainingMachines.filter { id in
      !(unitsByPublisher[id] ?? []).contains { unit in
        let isPlacedHere = jobs[unit]?.isGlobal ?? false || jobs[unit]?.target?.value == id
        return !isPlacedHere && unitStates[unit]?[id]?.value.mayRun ?? false
      }
    }.sorted()
  }

  /// The state a unit is in cluster-wide; nil for a global unit, which has none.
  ///
  /// Computed as fleet does, from what its target machine published. Source: specs/fleet.md §1.
  func currentState(of name: String) -> JobState? {
    guard let job = jobs[name], !job.isGlobal else { return nil }
    guard let target = job.target?.value, unitStates[name]?[target] != nil else { return .inactive }
    return job.launchedBy?.value == target ? .launched : .loaded
  }
}

extension UnitStateRecord {
  /// Whether processes of the unit may exist.
  var mayRun: Bool { !["", "inactive", "failed"].contains(activeState) }
}

extension JobImage {
  func job(named name: String) -> Job? {
    guard hash != nil else { return nil }
    let requirements = requirements ?? UnitRequirements(of: UnitFile(options: []), unitName: name)
    return Job(
      name: name,
      requirements: requirements,
      targetState: targetState?.value ?? .inactive,
      targetMachineID: target?.value,
      placedAt: (requirements.isGlobal ? targetState?.index : target?.index)?.rawValue ?? 0,
      isTemplate: isTemplate,
      isFileKnown: self.requirements != nil,
      oneshot: oneshot
    )
  }
}
