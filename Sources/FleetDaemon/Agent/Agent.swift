// SPDX-License-Identifier: Apache-2.0
import Fleet
import Logging
import Synchronization
import Units

/// Makes this machine run what it should: woken when something concerns it, it compares and acts, each unit on its own.
///
/// It acts only while this machine is registered and knows all that concerns it; otherwise units stay as they are, so a
/// store that cannot be reached stops nothing. Source: specs/fleet.md §6.2, §14.4, §14.6.
final class Agent: Sendable {
  private let configuration: FleetConfiguration
  private let view: RegistryView
  private let presence: Presence
  private let supervisor: any UnitSupervisor
  private let clock: any FleetClock
  private let logger: Logger
  private let contents = Mutex(Contents())

  /// How long a unit that failed to load, start, stop or unload is left alone.
  static let retryAfter = Duration.seconds(5)

  private struct Contents {
    /// Units with a task under way.
    var busy: Set<String> = []
    /// Units that failed, and when to try again.
    var retryAt: [String: Duration] = [:]
    var loadFailures: [String: LoadFailure] = [:]
    /// Starts that wait for other machines.
    var waits: [AgentTask] = []
  }

  /// A unit that should be here and could not be loaded.
  struct LoadFailure: Sendable, Equatable {
    var hash: UnitHash
    var reason: String
  }

  init(
    configuration: FleetConfiguration,
    view: RegistryView,
    presence: Presence,
    supervisor: any UnitSupervisor,
    clock: any FleetClock,
    logger: Logger
  ) {
    self.configuration = configuration
    self.view = view
    self.presence = presence
    self.supervisor = supervisor
    self.clock = clock
    self.logger = logger
  }

  /// Why a unit that should be here is not loaded; nil when nothing failed.
  func loadFailure(of unit: String) -> LoadFailure? { contents.withLock { $0.loadFailures[unit] } }

  /// Why each unit that should be here is not loaded.
  var loadFailures: [String: LoadFailure] { contents.withLock { $0.loadFailures } }

  func run() async {
    await withDiscardingTaskGroup { group in
      group.addTask { [self] in
        while !Task.isCancelled {
          try? await clock.sleep(for: configuration.reconcileInterval)
          view.agentSignal.wake()
        }
      }
      for await _ in view.agentSignal.wakes {
        guard view.isLive, presence.isCertain(at: view.read(\.index)) else { continue }
        await reconcile(&group)
      }
    }
  }

  private func reconcile(_ group: inout DiscardingTaskGroup) async {
    let now = clock.now()
    // What is busy now stays out even when it finishes meanwhile: its end wakes this loop again.
    let busy = contents.withLock { contents in
      contents.retryAt = contents.retryAt.filter { $0.value > now }
      return contents.busy.union(contents.retryAt.keys)
    }
    let current = await supervisor.loadedUnits().map {
      CurrentUnit(name: $0.name.rawValue, hash: $0.hash, isStarted: $0.isStartRequested)
    }
    let wanted: (units: [DesiredUnit], files: [String: UnitFile])? = view.read { image in
      // Without the own machine nothing is known of its metadata, so nothing of what belongs here.
      guard image.machines[configuration.machineID] != nil else { return nil }
      let units = image.desiredUnits()
      let files = units.compactMap { unit in unit.hash.flatMap { image.files[$0] }.map { (unit.name, $0.value) } }
      return (units, Dictionary(files) { first, _ in first })
    }
    guard let (desired, files) = wanted else { return }
    await supervisor.expect(Set(desired.compactMap { try? UnitName($0.name) }))
    forgetFailures(except: desired)
    let plan = AgentReconciler.plan(desired: desired, current: current, busy: busy)
    logWaits(plan.waits)
    guard !plan.isEmpty else { return }
    begin(plan.unloads, "unload", &group) { [supervisor] in try await supervisor.unload($0) }
    let loads = plan.loads.compactMap { task -> UnitToLoad? in
      guard let name = try? UnitName(task.unit), let file = files[task.unit] else { return nil }
      return UnitToLoad(name: name, file: file, hash: file.hash)
    }
    await load(loads)
    begin(plan.stops, "stop", &group) { [supervisor] in try await supervisor.stop($0) }
    begin(plan.starts, "start", &group) { [supervisor] in try await supervisor.start($0) }
  }

  /// Sockets that make instances for connections need the template there, which nobody places.
  private func templates(of units: [UnitToLoad]) -> [UnitToLoad] {
    let names = units.compactMap { unit -> String? in
      guard unit.name.suffix == "socket", case .socket(let socket) = ServiceReading(unit.file, name: unit.name).kind,
        socket.accepts
      else { return nil }
      return socket.service
    }
    guard !names.isEmpty else { return [] }
    return view.read { image in
      names.compactMap { text -> UnitToLoad? in
        guard let name = try? UnitName(text), let hash = image.jobs[text]?.hash, let file = image.files[hash]?.value
        else { return nil }
        return UnitToLoad(name: name, file: file, hash: hash)
      }
    }
  }

  private func load(_ units: [UnitToLoad]) async {
    guard !units.isEmpty else { return }
    for unit in units { KillPoint.pass("agent-before-load", unit.name.rawValue) }
    // Together, for with the last socket that a template is for it goes too, and one that changes goes and comes.
    let failures = await supervisor.load(templates(of: units) + units)
    for unit in units { KillPoint.pass("agent-after-load", unit.name.rawValue) }
    let now = clock.now()
    contents.withLock { contents in
      for unit in units {
        let name = unit.name.rawValue
        contents.loadFailures[name] = failures[unit.name].map { LoadFailure(hash: unit.hash, reason: $0) }
        if failures[unit.name] != nil { contents.retryAt[name] = now + Self.retryAfter }
      }
    }
    for (name, reason) in failures {
      logger.warning("unit cannot be loaded", metadata: ["unit.name": "\(name)", "unit.reason": "\(reason)"])
    }
    view.publishLater(units.map(\.name.rawValue))
    view.publisherSignal.wake()
  }

  /// Begins one task for each unit, none waiting for another; a unit that failed to load is not started.
  private func begin(
    _ tasks: [AgentTask],
    _ verb: String,
    _ group: inout DiscardingTaskGroup,
    _ body: @escaping @Sendable (UnitName) async throws -> Void
  ) {
    for task in tasks {
      let mayBegin = contents.withLock { contents in
        contents.retryAt[task.unit] == nil && contents.busy.insert(task.unit).inserted
      }
      guard mayBegin, let name = try? UnitName(task.unit) else { continue }
      group.addTask { [self] in await perform(task, verb, on: name, body) }
    }
  }

  private func perform(
    _ task: AgentTask,
    _ verb: String,
    on name: UnitName,
    _ body: @Sendable (UnitName) async throws -> Void
  ) async {
    var metadata: Logger.Metadata = [
      "unit.name": "\(task.unit)", "task.verb": "\(verb)", "task.reason": "\(task.reason)",
    ]
    do {
      KillPoint.pass("agent-before-\(verb)", task.unit)
      try await body(name)
      KillPoint.pass("agent-after-\(verb)", task.unit)
      logger.info("agent carried out a task", metadata: metadata)
      contents.withLock { _ = $0.busy.remove(task.unit) }
    } catch {
      metadata["unit.error"] = "\(error)"
      logger.warning("agent could not carry out a task", metadata: metadata)
      let retryAt = clock.now() + Self.retryAfter
      contents.withLock { contents in
        contents.busy.remove(task.unit)
        contents.retryAt[task.unit] = retryAt
      }
    }
    view.publish(task.unit)
    view.agentSignal.wake()
  }

  private func logWaits(_ waits: [AgentTask]) {
    let new = contents.withLock { contents in
      defer { contents.waits = waits }
      return waits.filter { !contents.waits.contains($0) }
    }
    for wait in new {
      logger.info(
        "start waits for another machine",
        metadata: ["unit.name": "\(wait.unit)", "task.reason": "\(wait.reason)"]
      )
    }
  }

  private func forgetFailures(except desired: [DesiredUnit]) {
    let hashes = Dictionary(desired.map { ($0.name, $0.hash) }) { first, _ in first }
    let forgotten = contents.withLock { contents in
      let forgotten = contents.loadFailures.filter { hashes[$0.key] != $0.value.hash }.map(\.key)
      for name in forgotten {
        contents.loadFailures[name] = nil
        contents.retryAt[name] = nil
      }
      return forgotten
    }
    guard !forgotten.isEmpty else { return }
    view.publishLater(forgotten)
    view.publisherSignal.wake()
    view.agentSignal.wake()
  }
}
