// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import Fleet
import FleetWire
import Units

extension RegistryImage {
  /// The machines that are present, by id.
  var presentMachines: [Machine] {
    machines.keys.sorted().map { Machine(id: $0, metadata: metadata(of: $0)) }
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
  func desiredUnits() -> [DesiredUnit] {
    let names = localUnits.union(globalUnits)
    let candidates = names.compactMap { jobs[$0]?.job(named: $0) }
    let machine = Machine(id: machineID, metadata: metadata(of: machineID))
    return LocalSelection.jobs(from: candidates, on: machine).map { job in
      let hash = jobs[job.name]?.hash
      return DesiredUnit(
        name: job.name,
        hash: hash.flatMap { files[$0] == nil ? nil : $0 },
        targetState: job.targetState
      )
    }
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
