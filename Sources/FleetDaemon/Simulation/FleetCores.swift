// SPDX-License-Identifier: Apache-2.0
public import EtcdStore
import EtcdWire
public import Fleet
public import FleetWire
public import Units

/// The registry as machines know it, for the simulator: the production image and what is decided from it.
@_spi(Simulation) public struct RegistryCore: Sendable {
  fileprivate var image: RegistryImage

  /// Makes the view of a machine that knows nothing yet.
  public init(layout: RegistryLayout) {
    image = RegistryImage(layout: layout, machineID: "")
  }

  /// Starts over from a listing.
  public mutating func list(_ listing: NodeView?, at index: EtcdIndex) {
    image = RegistryImage(layout: image.layout, machineID: "", listing: listing, at: index)
  }

  /// Follows one event and says what it changed.
  public mutating func apply(_ event: Event) -> RegistryWakes {
    let changes = image.apply(event)
    return RegistryWakes(
      units: changes.units,
      machines: changes.machines,
      wakesEngine: changes.wakesEngine,
      concernsLease: changes.concernsLease
    )
  }

  /// What it shows.
  public var index: EtcdIndex { image.index }
  /// Who leads.
  public var leaseHolder: String? { image.lease?.value.machineID }
  /// The machines that are present.
  public var machineIDs: some Collection<String> { image.machines.keys }
  /// Whether a machine is present.
  public func isPresent(_ id: String) -> Bool { image.machines[id] != nil }
  /// Where a unit is placed.
  public func target(of unit: String) -> String? { image.jobs[unit]?.target?.value }
  /// Whether every machine is to have a unit.
  public func isGlobal(_ unit: String) -> Bool { image.globalUnits.contains(unit) }
  /// What is published about units, as it would be listed: `active` by unit and machine.
  public func activeState(of unit: String, on id: String) -> String? {
    image.unitStates[unit]?[id]?.value.activeState
  }

  /// The move under way of a rebalancing.
  public var currentMove: UnitMove? { image.rebalancing?.value.current }
  /// Whether a rebalancing goes on.
  public var isRebalancing: Bool { image.rebalancing?.value.isGoingOn ?? false }
  /// The write that asks for a rebalancing.
  public func rebalancingRequest() -> KeysWrite {
    KeysWrite(replacing: image.rebalancing?.index, with: Rebalancing().json.text)
  }

  /// What the agent of a machine has to do.
  public func agentPlan(on id: String, current: [CurrentUnit], busy: Set<String>) -> AgentPlan {
    AgentReconciler.plan(desired: image.desiredUnits(on: id), current: current, busy: busy)
  }

  /// The file a unit should run from.
  public func hash(of unit: String) -> UnitHash? { image.jobs[unit]?.hash }

  /// What a machine has to publish about its units.
  public func publications(on id: String, units: [String: SupervisedUnit]) -> [(key: String, write: KeysWrite)] {
    Set(units.keys).union(image.unitsWithTraces(of: id)).sorted().flatMap { name in
      image.differences(of: name, units[name], nil, on: id).map { $0.write(in: image.layout, by: id) }
    }
  }
}

/// What changed in a registry.
@_spi(Simulation) public struct RegistryWakes: Sendable {
  /// Units that the engine and their agents look at again.
  public var units: Set<String>
  /// Machines that came, went or changed.
  public var machines: Set<String>
  /// Whether the engine looks though none of them is to be placed anew.
  public var wakesEngine: Bool
  /// Whether whoever wants to lead looks at the lease.
  public var concernsLease: Bool
}

/// The engine's decisions, for the simulator.
@_spi(Simulation) public struct EngineCore: Sendable {
  private var planner = EnginePlanner()
  private var backlog: EngineBacklog?

  /// Makes the engine of a machine that has not led yet.
  public init() {}

  /// Notes what changed in the registry.
  public mutating func note(_ wakes: RegistryWakes) {
    backlog?.add(RegistryChanges(units: wakes.units, machines: wakes.machines, wakesEngine: wakes.wakesEngine))
  }

  /// Starts over with the next pass.
  public mutating func reset() {
    planner.reset()
    backlog = nil
  }

  /// Decides who goes where.
  ///
  /// - Parameters:
  ///   - registry: The registry.
  ///   - isSettled: Whether a machine that is not present is lost.
  /// - Returns: What is to be done.
  public mutating func plan(_ registry: RegistryCore, isSettled: Bool) -> [ClusterTask] {
    if let backlog {
      planner.follow(.some(registry.image.entries(of: backlog)))
    } else {
      planner.follow(.everything(registry.image))
    }
    backlog = EngineBacklog()
    return planner.plan(isSettled: isSettled, draining: registry.image.machinesReadyToDrain).tasks
  }

  /// Decides what comes next in a rebalancing, when a pass had nothing to do.
  ///
  /// - Returns: The write to be made first, if any, and what is to be carried out then; nil for nothing.
  public mutating func rebalance(
    _ registry: RegistryCore,
    at now: Duration
  ) -> (record: (key: String, write: KeysWrite)?, tasks: [ClusterTask])? {
    let write = planner.rebalance(in: registry.image, isQuiet: true, at: now, after: .zero)
    guard let write else { return nil }
    let record = KeysWrite(replacing: write.index, with: write.step.rebalancing.json.text)
    return (write.isChanged ? (registry.image.layout.key(.rebalancing), record) : nil, write.step.tasks)
  }

  /// The states of lost machines, to be removed.
  public mutating func staleStates(_ registry: RegistryCore, at now: Duration) -> [(key: String, write: KeysWrite)] {
    planner.rubbish(in: registry.image, isSettled: true, at: now, after: .seconds(2)).staleStates.map { entry in
      PublishedDifference.removeState(unit: entry.unit, at: entry.index)
        .write(in: registry.image.layout, by: entry.machineID)
    }
  }
}

extension FleetConfiguration {
  /// How a machine shows and keeps showing its presence, and leads: ``Presence``, ``EngineLease``.
  @_spi(Simulation) public var rhythm: Rhythm {
    Rhythm(
      pause: presencePause,
      patience: presencePatience,
      retry: presenceRetry,
      timeout: presenceTimeout,
      lease: leaseInterval
    )
  }
  /// The times of ``rhythm``.
  @_spi(Simulation) public struct Rhythm: Sendable {
    /// From the answer to a refresh to the next one.
    public var pause: Duration
    /// How long the store may keep a refresh back.
    public var patience: Duration
    /// From a failure to the next attempt.
    public var retry: Duration
    /// How long an answer may take beyond the patience.
    public var timeout: Duration
    /// Between two refreshes of the lease.
    public var lease: Duration
  }
  /// The seconds that presence and lease live.
  @_spi(Simulation) public var lives: (presence: UInt64, lease: UInt64) { (presenceSeconds, leaseSeconds) }
  /// What other machines see of this one.
  @_spi(Simulation) public var presenceValue: String { machineRecord.value }
  /// What a machine writes to take the lease, or to keep it; nil while another one has it.
  @_spi(Simulation) public func leaseWrite(holder: String?) -> KeysWrite? { leaseStep(holder: holder) }
}

extension ClusterTask {
  /// The one conditional write that carries a task out.
  @_spi(Simulation) public func carryingOut(in layout: RegistryLayout) -> (key: String, write: KeysWrite) {
    write(in: layout)
  }
}

extension PublishedDifference {
  /// The write that makes the difference go away.
  fileprivate func write(in layout: RegistryLayout, by machineID: String) -> (key: String, write: KeysWrite) {
    switch self {
    case .putState(let unit, let record):
      let key = layout.key(.unitState(unit: unit, machineID: machineID))
      let value = record.value(machineID: machineID)
      return (key, .set(value: value, isDirectory: false, ttl: .permanent, refresh: false))
    case .removeState(let unit, let index):
      let key = layout.key(.unitState(unit: unit, machineID: machineID))
      return (key, .compareAndDelete(comparison: Comparison(previousIndex: index)))
    case .setLaunched(let unit, true):
      return (
        layout.key(.jobState(unit)), .set(value: machineID, isDirectory: false, ttl: .permanent, refresh: false)
      )
    case .setLaunched(let unit, false):
      return (layout.key(.jobState(unit)), .compareAndDelete(comparison: Comparison(previousValue: machineID)))
    }
  }
}
