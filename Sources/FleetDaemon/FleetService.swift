// SPDX-License-Identifier: Apache-2.0
public import EtcdWire
import Fleet
public import FleetWire
public import Logging
import Units

/// One machine's part in the fleet: presence, engine, agent, publisher and API, all over one store.
///
/// ```swift
/// let fleet = FleetService(
///   configuration: FleetConfiguration(machineID: id, instanceToken: token, publicIP: "10.0.0.1"),
///   keys: keys, supervisor: unitRunnerAdapter, logger: logger)
/// try await withThrowingTaskGroup(of: Void.self) { $0.addTask { await fleet.run() } … }
/// ```
///
/// Concurrency: ``run()`` is called once; everything else may be called from any task, before and while it runs.
public final class FleetService: Sendable {
  /// fleet's API as this machine answers it.
  public let api: any FleetAPI
  /// Rolls and rebalancing as this machine answers for them.
  public let operations: any ClusterOperationsAPI

  private let configuration: FleetConfiguration
  private let view: RegistryView
  private let presence: Presence
  private let follower: RegistryFollower
  private let meter = EngineMeter()
  private let lease: EngineLease
  private let engine: Engine
  private let agent: Agent
  private let publisher: StatePublisher
  private let registryAPI: RegistryFleetAPI
  private let supervisor: any UnitSupervisor

  /// Makes the parts; nothing happens before ``run()``.
  public init(
    configuration: FleetConfiguration,
    keys: any KeysAPI,
    supervisor: any UnitSupervisor,
    clock: any FleetClock = MonotonicFleetClock(),
    logger: Logger
  ) {
    self.configuration = configuration
    self.supervisor = supervisor
    let store = StoreCaller(keys: keys, clock: clock, timeout: configuration.requestTimeout)
    view = RegistryView(layout: configuration.layout, machineID: configuration.machineID)
    let registry = Registry(layout: configuration.layout, store: store, view: view)
    presence = Presence(configuration: configuration, store: store, view: view, logger: logger)
    follower = RegistryFollower(
      view: view,
      store: store,
      layout: configuration.layout,
      machineID: configuration.machineID,
      logger: logger
    )
    lease = EngineLease(
      configuration: configuration,
      store: store,
      view: view,
      presence: presence,
      meter: meter,
      logger: logger
    )
    engine = Engine(
      configuration: configuration,
      registry: registry,
      view: view,
      presence: presence,
      lease: lease,
      meter: meter,
      logger: logger
    )
    agent = Agent(
      configuration: configuration,
      view: view,
      presence: presence,
      supervisor: supervisor,
      clock: clock,
      logger: logger
    )
    publisher = StatePublisher(
      configuration: configuration,
      registry: registry,
      view: view,
      presence: presence,
      agent: agent,
      supervisor: supervisor,
      logger: logger
    )
    registryAPI = RegistryFleetAPI(registry: registry, view: view, presence: presence)
    api = registryAPI
    operations = RegistryOperationsAPI(registry: registry, view: view, presence: presence)
  }

  /// Whether requests are answered: this machine is registered, and the store answers.
  public var isReady: Bool { presence.isReady && view.isLive }

  /// Whether this machine places units for all.
  public var isEngineLeader: Bool { lease.isHeld }

  /// What this machine's engine has counted.
  public var engineMetrics: EngineMetrics { meter.metrics }

  /// Takes part in the fleet until the task is cancelled.
  ///
  /// Afterwards units keep running, and the machine counts as present until its TTL is over; a node that comes back
  /// within that time moves nothing. For a departure see ``leave()``.
  public func run() async {
    await withDiscardingTaskGroup { group in
      group.addTask { [follower] in await follower.run() }
      group.addTask { [presence] in await presence.run() }
      group.addTask { [agent] in await agent.run() }
      group.addTask { [publisher] in await publisher.run() }
      if !configuration.isEngineDisabled {
        group.addTask { [lease] in await lease.run() }
        group.addTask { [engine] in await engine.run() }
      }
    }
  }

  /// Stops all units of this machine and waits for them, then takes it out of the fleet, so that its units move.
  ///
  /// To be called once, while ``run()`` runs; afterwards cancel it.
  public func leave() async {
    presence.beginLeaving()
    let units = await supervisor.loadedUnits()
    await BoundedTasks.run(units, atOnce: 64) { [supervisor] unit in try? await supervisor.unload(unit.name) }
    await presence.finishLeaving()
  }

  /// Changes configured metadata; others see it at once.
  public func setMetadata(_ metadata: [String: String]) {
    presence.setMetadata(metadata)
  }

  /// Where a unit is placed, or machine by machine why it is not: ``UnitInspectionAPI/explain(_:)``.
  ///
  /// - Throws: ``FleetAPIError/notFound(_:)`` when there is no such unit, 503 while the store is out of reach.
  public func explain(_ name: String) async throws(FleetAPIError) -> UnitExplanation {
    let unit = try await api.unit(named: name)
    let image = view.image
    var explanation = UnitExplanation(
      of: unit,
      isGlobal: image.jobs[name]?.isGlobal ?? false,
      by: ClusterReconciler.plan(for: image.snapshot(areAbsentMachinesLost: false)),
      machineIDs: Array(image.machines.keys)
    )
    if let roll = image.rolls.openRoll(of: name), let phase = image.rolls.rolls[roll]?.value.phase {
      explanation.summary += "; part of the roll of \(roll), which is \(phase.rawValue)"
    }
    return explanation
  }

  /// Where another machine serves its API.
  ///
  /// - Throws: ``FleetAPIError``: 404 when no such machine is present, 500 when it does not say.
  public func clientURL(ofMachine id: String) throws(FleetAPIError) -> String {
    guard let machine = view.image.machines[id]?.value else {
      throw .notFound("machine \(id.prefix(8)) is not present")
    }
    guard !machine.clientURL.isEmpty else {
      throw .failed("machine \(id.prefix(8)) does not say where it can be asked")
    }
    return machine.clientURL
  }

  /// The machine to ask about a unit's status and journal.
  ///
  /// For a global unit this is the own machine if it has the unit, else the first that has.
  ///
  /// - Throws: ``FleetAPIError/notFound(_:)`` when there is no such unit or no machine has it.
  public func location(of name: String) async throws(FleetAPIError) -> UnitLocation {
    let unit = try await api.unit(named: name)
    let image = view.image
    let publishers = (image.unitStates[name] ?? [:]).keys.sorted()
    let own = publishers.first { $0 == configuration.machineID }
    guard let machineID = unit.machineID ?? own ?? publishers.first else {
      throw .notFound("unit \(name) does not appear to be loaded")
    }
    let clientURL = image.machines[machineID]?.value.clientURL ?? ""
    return UnitLocation(
      machineID: machineID,
      isLocal: machineID == configuration.machineID,
      clientURL: clientURL.isEmpty ? nil : clientURL
    )
  }
}

/// Which machine has a unit, and how to reach it.
public struct UnitLocation: Sendable, Equatable {
  /// The machine.
  public var machineID: String
  /// Whether it is the machine that was asked.
  public var isLocal: Bool
  /// Where the machine serves its API; nil when it is absent or does not say.
  public var clientURL: String?

  /// Makes a location.
  public init(machineID: String, isLocal: Bool, clientURL: String?) {
    self.machineID = machineID
    self.isLocal = isLocal
    self.clientURL = clientURL
  }
}
