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
    machines[id] == nil ? nil : Machine(id: id, metadata: metadata(of: id))
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
    return LocalSelection.jobs(from: candidates, on: machine).map { job in
      let hash = jobs[job.name]?.hash
      return DesiredUnit(
        name: job.name,
        hash: hash.flatMap { files[$0] == nil ? nil : $0 },
        targetState: job.targetState,
        runsOn: job.requirements.isGlobal ? nil : otherHost(of: job.name, than: machineID)
      )
    }
  }

  /// A present machine, other than the given one, that says it runs a unit; the first by id.
  private func otherHost(of unit: String, than machineID: String) -> String? {
    guard let unitStates = unitStates[unit], unitStates.count > 1 || unitStates[machineID] == nil else { return nil }
    return unitStates.filter { id, published in
      id != machineID && machines[id] != nil && published.value.mayRun
    }.keys.min()
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
  fileprivate var mayRun: Bool { !["", "inactive", "failed"].contains(activeState) }
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
      isTemplate: (try? UnitName(name))?.isTemplate ?? false,
      isFileKnown: self.requirements != nil
    )
  }
}
