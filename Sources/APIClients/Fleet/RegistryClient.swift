// SPDX-License-Identifier: Apache-2.0
import EtcdStore
public import EtcdWire
import Fleet
public import FleetWire
import Units

/// Fleet's API without a fleet server: the registry's keys are read and written in the store itself.
///
/// This is what `fleetctl --driver=etcd` does; machines and engine follow the keys whoever writes them.
/// Source: specs/fleet.md §7.
public struct RegistryClient: FleetAPI {
  let keys: any KeysAPI
  let layout: RegistryLayout

  /// Makes a client.
  ///
  /// - Parameters:
  ///   - keys: The store.
  ///   - layout: Where the registry is kept in it.
  public init(keys: any KeysAPI, layout: RegistryLayout = RegistryLayout()) {
    self.keys = keys
    self.layout = layout
  }

  /// The newest version of fleet that any machine says it is; nil when there is none.
  ///
  /// - Throws: ``FleetAPIError``.
  public func newestVersion() async throws(FleetAPIError) -> SemanticVersion? {
    try await records().machines.values.compactMap { SemanticVersion($0.version) }.max()
  }

  /// The machines that are present, with their effective metadata.
  ///
  /// - Throws: ``FleetAPIError``.
  public func machines() async throws(FleetAPIError) -> [FleetMachine] {
    let (machines, overrides) = try await records()
    return machines.sorted { $0.key < $1.key }.map { id, record in
      FleetMachine(
        id: id,
        primaryIP: record.publicIP,
        metadata: record.metadata.merging(overrides[id] ?? [:]) { $1 }.filter { !$0.value.isEmpty },
        clientURL: record.clientURL.isEmpty ? nil : record.clientURL
      )
    }
  }

  /// All units that have a file.
  ///
  /// - Throws: ``FleetAPIError``.
  public func units() async throws(FleetAPIError) -> [FleetUnit] {
    let jobs = try await jobs()
    let files = try await files()
    let loaded = try await loadedMachines("states")
    return jobs.sorted { $0.key < $1.key }.compactMap { name, job in
      guard let file = job.hash.flatMap({ files[$0] }) else { return nil }
      return job.unit(named: name, file: file, loadedOn: loaded[name] ?? [])
    }
  }

  /// One unit.
  ///
  /// - Throws: ``FleetAPIError/notFound(_:)`` when there is none of that name.
  public func unit(named name: String) async throws(FleetAPIError) -> FleetUnit {
    guard (try? UnitName(name)) != nil else { throw .unitDoesNotExist }
    guard let job = try await jobs("job/\(name)")[name], let hash = job.hash else { throw .unitDoesNotExist }
    let value = try await leaves("unit/\(hash)", quorum: true).first?.value
    guard let file = value.flatMap(UnitFileRecord.file(in:)) else {
      throw .failed("the file of unit \(name) is not in the store")
    }
    return job.unit(named: name, file: file, loadedOn: try await loadedMachines("states/\(name)")[name] ?? [])
  }

  /// The published states of units.
  ///
  /// - Throws: ``FleetAPIError``.
  public func states(matching filter: FleetStateFilter) async throws(FleetAPIError) -> [FleetUnitState] {
    let directory = filter.unitName.map { "states/\($0)" } ?? "states"
    var states: [FleetUnitState] = []
    for leaf in try await leaves(directory) {
      guard case .unitState(let unit, let machineID)? = leaf.place, let record = UnitStateRecord(value: leaf.value)
      else { continue }
      states.append(
        FleetUnitState(
          name: unit,
          hash: record.hash,
          machineID: machineID,
          loadState: record.loadState,
          activeState: record.activeState,
          subState: record.subState
        )
      )
    }
    return states.filter(filter.matches).sorted { ($0.name, $0.machineID) < ($1.name, $1.machineID) }
  }

  // MARK: Reading

  /// A file of the registry.
  struct Leaf {
    var place: RegistryLayout.Place?
    var value: String
    var index: EtcdIndex
  }

  /// What the store has of a unit, but for its file and states.
  struct StoredJob {
    var hash: UnitHash?
    var targetState = JobState.inactive
    var target: String?
    var launchedBy: String?
  }

  /// Every file in a directory of the registry; none when it does not exist.
  func leaves(_ directory: String, quorum: Bool = false) async throws(FleetAPIError) -> [Leaf] {
    let reply: KeysReply
    do throws(EtcdError) {
      reply = try await keys.get("\(layout.prefix)/\(directory)", recursive: true, sorted: true, quorum: quorum)
    } catch {
      if error.code == .keyNotFound { return [] }
      throw FleetAPIError(error)
    }
    var pending = [reply.event.node]
    var leaves: [Leaf] = []
    while let node = pending.popLast() {
      pending += (node.nodes ?? []).reversed()
      guard let value = node.value else { continue }
      leaves.append(Leaf(place: layout.place(of: node.key), value: value, index: node.modifiedIndex))
    }
    return leaves
  }

  /// What is stored of units; one without an object is what is left of a destroyed one.
  func jobs(_ directory: String = "job", quorum: Bool = false) async throws(FleetAPIError) -> [String: StoredJob] {
    var jobs: [String: StoredJob] = [:]
    for leaf in try await leaves(directory, quorum: quorum) {
      switch leaf.place {
      case .job(let unit): jobs[unit, default: StoredJob()].hash = JobRecord(value: leaf.value)?.hash
      case .targetState(let unit):
        jobs[unit, default: StoredJob()].targetState = JobState(rawValue: leaf.value) ?? .inactive
      case .target(let unit): jobs[unit, default: StoredJob()].target = leaf.value
      case .jobState(let unit): jobs[unit, default: StoredJob()].launchedBy = leaf.value
      case .machine, .machineMetadata, .unitFile, .unitState, .engineLease, .engineVersion, .roll, .rebalancing,
        .rebalancingSwitch, nil:
        continue
      }
    }
    return jobs
  }

  private func files() async throws(FleetAPIError) -> [UnitHash: UnitFile] {
    var files: [UnitHash: UnitFile] = [:]
    for leaf in try await leaves("unit", quorum: true) {
      if case .unitFile(let hash)? = leaf.place { files[hash] = UnitFileRecord.file(in: leaf.value) }
    }
    return files
  }

  /// The machines that published a state of a unit, by unit.
  private func loadedMachines(_ directory: String) async throws(FleetAPIError) -> [String: Set<String>] {
    var machines: [String: Set<String>] = [:]
    for leaf in try await leaves(directory) {
      if case .unitState(let unit, let id)? = leaf.place { machines[unit, default: []].insert(id) }
    }
    return machines
  }

  private typealias Machines = (machines: [String: MachineRecord], overrides: [String: [String: String]])

  private func records() async throws(FleetAPIError) -> Machines {
    var found: Machines = ([:], [:])
    for leaf in try await leaves("machines") {
      switch leaf.place {
      case .machine(let id): found.machines[id] = MachineRecord(value: leaf.value)
      case .machineMetadata(let id, let key): found.overrides[id, default: [:]][key] = leaf.value
      case .unitFile, .job, .targetState, .target, .jobState, .unitState, .engineLease, .engineVersion, .roll,
        .rebalancing, .rebalancingSwitch, nil:
        continue
      }
    }
    return found
  }
}

extension RegistryClient.StoredJob {
  /// The unit; where it stands is computed as fleet does, from what its target machine published.
  fileprivate func unit(named name: String, file: UnitFile, loadedOn machines: Set<String>) -> FleetUnit {
    let isGlobal = UnitRequirements(of: file, unitName: name).isGlobal
    let current: JobState =
      if let target, machines.contains(target) { launchedBy == target ? .launched : .loaded } else { .inactive }
    return FleetUnit(
      name: name,
      options: file.options,
      desiredState: targetState,
      currentState: isGlobal ? nil : current,
      machineID: isGlobal ? nil : target
    )
  }
}
