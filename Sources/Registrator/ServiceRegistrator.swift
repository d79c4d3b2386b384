// SPDX-License-Identifier: Apache-2.0
public import DockerEngine
public import EtcdWire
public import Logging

/// Keeps the service records of this machine's containers and units in the store as those are.
///
/// Level-triggered: each engine event, each change of a unit and, without any, the clock lead to the same comparison of
/// what runs with the records that stand. While the engine cannot be reached, the records of containers whose processes
/// are there are kept alive, those of processes that are gone are removed, and what cannot be seen is left to its time to
/// live.
/// Concurrency: one turn at a time; changes that come meanwhile merge into the next.
public actor ServiceRegistrator {
  private static let retryPauses: [Duration] = [
    .milliseconds(200), .milliseconds(500), .seconds(1), .seconds(3), .seconds(10),
  ]
  /// How long a unit's stop waits for a store that does not answer.
  private static let withdrawalLimit = Duration.seconds(3)

  private let configuration: RegistratorConfiguration
  private let source: any ContainerSource
  private let units: (any RegistrableUnits)?
  private let clock: any Clock<Duration>
  private let elapsed: @Sendable () -> Duration
  private let logger: Logger
  private let pending = PendingWork()
  private let publisher: RecordPublisher
  private let checks: ServiceChecks

  private var picture: ServicePicture
  /// Containers whose tags cannot be made of the template, which has been told.
  private var untagged: Set<ContainerID> = []
  /// What failed turns have left, until their pause is over.
  private var postponed: PendingWork.Work?
  private let retries: AsyncStream<Duration>
  private let askRetry: AsyncStream<Duration>.Continuation
  /// Who waits for a turn that begins from now on.
  private var waiting: [AsyncStream<Void>.Continuation] = []

  /// Makes a registrator; nothing happens before ``run()``.
  ///
  /// - Parameters:
  ///   - configuration: How services are announced.
  ///   - engine: Whose containers are announced; nil for none.
  ///   - units: Whose announcements are published; nil for none.
  ///   - store: Where records are written.
  ///   - logger: Where problems are told.
  public init(
    configuration: RegistratorConfiguration,
    engine: DockerEngineClient?,
    units: (any RegistrableUnits)? = nil,
    store: any KeysAPI,
    logger: Logger
  ) {
    self.init(
      configuration: configuration,
      source: engine.map { EngineContainers(engine: $0, keepsDocuments: configuration.tagTemplate != nil) }
        ?? NoContainers(),
      units: units,
      store: store,
      clock: ContinuousClock(),
      logger: logger
    )
  }

  init(
    configuration: RegistratorConfiguration,
    source: any ContainerSource,
    units: (any RegistrableUnits)? = nil,
    store: any KeysAPI,
    clock: any Clock<Duration>,
    probe: any ServiceProbing = NetworkProbe(),
    logger: Logger
  ) {
    self.configuration = configuration
    self.source = source
    self.units = units
    self.clock = clock
    elapsed = Self.stopwatch(clock)
    self.logger = logger
    publisher = RecordPublisher(store: store, configuration: configuration, logger: logger) { [pending] isRefreshDue in
      pending.add { if isRefreshDue { $0.isRefreshDue = true } }
    }
    checks = ServiceChecks(probe: probe, clock: clock)
    picture = ServicePicture(configuration: configuration)
    if units == nil { picture.units = [] }
    (retries, askRetry) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  private static func stopwatch<C: Clock<Duration>>(_ clock: C) -> @Sendable () -> Duration {
    let start = clock.now
    return { start.duration(to: clock.now) }
  }

  // MARK: Life

  /// Runs until the task is cancelled.
  ///
  /// The records stay: the services run on, and whoever runs next takes them over or, when nobody does, their time to
  /// live ends.
  ///
  /// - Throws: `CancellationError` only; an engine or a store that cannot be reached is tried again.
  public func run() async throws {
    let (source, units, pending, checks, retries, clock) = (source, units, pending, checks, retries, clock)
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await source.followChanges { change in pending.add { $0.add(change) } } }
      if let units { group.addTask { await units.followChanges { pending.add { _ in } } } }
      addTimer(to: &group, configuration.refreshPause) { $0.isRefreshDue = true }
      if configuration.resyncSeconds > 0 {
        addTimer(to: &group, .seconds(configuration.resyncSeconds)) { work in
          work.isEverythingStale = true
          work.isCheckDue = true
        }
      }
      group.addTask { await checks.run { [weak self] key, passed in await self?.take(key, passed) } }
      group.addTask { [weak self] in
        for await pause in retries {
          guard (try? await clock.sleep(for: pause)) != nil else { return }
          await self?.resume()
        }
      }
      await takeTurns()
      group.cancelAll()
    }
    try Task.checkCancellation()
  }

  private nonisolated func addTimer(
    to group: inout TaskGroup<Void>,
    _ pause: Duration,
    _ change: @escaping @Sendable (inout PendingWork.Work) -> Void
  ) {
    group.addTask { [clock, pending] in
      while (try? await clock.sleep(for: pause)) != nil { pending.add(change) }
    }
  }

  private func takeTurns() async {
    pending.add { work in
      work.isEverythingStale = true
      work.isCheckDue = configuration.cleansUp
    }
    var failures = 0
    for await _ in pending.wakes {
      let work = pending.take()
      let (left, problem) = await reconcile(work)
      guard let problem else {
        failures = 0
        continue
      }
      guard !Task.isCancelled else { return }
      logger.warning("service records not brought up to date", metadata: ["error": "\(problem)"])
      postpone(left, for: Self.retryPauses[min(failures, Self.retryPauses.count - 1)])
      failures += 1
    }
  }

  private func postpone(_ work: PendingWork.Work, for pause: Duration) {
    if postponed == nil { askRetry.yield(pause) }
    var merged = work
    if let postponed { merged.merge(postponed) }
    postponed = merged
  }

  private func resume() {
    guard let work = postponed else { return }
    postponed = nil
    pending.add { $0.merge(work) }
  }

  private func take(_ key: CheckLedger.Key, _ passed: Bool) {
    if picture.checks.record(key, passed: passed) { pending.add { _ in } }
  }

  // MARK: Stopping on purpose

  /// A unit is about to be stopped: removes its records and returns when whoever has read them has had time to let go.
  ///
  /// Returns at once when the unit has no records, and after a few seconds when the store does not answer. The records
  /// come back when the unit is started again, or ``restore(unit:)`` is called.
  public func withdraw(unit: String) async {
    await withdraw([unit])
  }

  /// All units are about to be stopped.
  public func withdrawUnits() async {
    await withdraw(picture.announcedUnits)
  }

  /// A unit is not stopped after all, or is started again.
  public func restore(unit: String) {
    picture.draining.end(unit: unit)
    pending.add { _ in }
  }

  private func withdraw(_ units: Set<String>) async {
    let isAnnounced = !units.isDisjoint(with: picture.announcedUnits)
    for unit in units { picture.draining.begin(unit: unit) }
    guard isAnnounced else { return }
    let (turn, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    waiting.append(continuation)
    pending.add { _ in }
    await withTaskGroup(of: Void.self) { [clock] group in
      group.addTask { for await _ in turn {} }
      group.addTask { try? await clock.sleep(for: Self.withdrawalLimit) }
      await group.next()
      group.cancelAll()
    }
    if configuration.drain > .zero { try? await clock.sleep(for: configuration.drain) }
  }

  // MARK: One turn

  /// What runs, what that means for the store, and what differs.
  ///
  /// - Returns: What is left to do and why.
  private func reconcile(_ work: PendingWork.Work) async -> (PendingWork.Work, (any Error)?) {
    let waiters = waiting
    waiting = []
    var left = work
    if let units, let known = await units.units() { picture.units = known }
    let problem = await readContainers(work)
    let services = picture.checkedServices
    picture.checks.keep(services)
    checks.want(services)
    do {
      let wanted = picture.wanted(at: elapsed())
      try await publisher.publish(wanted, isRefreshDue: work.isRefreshDue, isCheckDue: work.isCheckDue)
      for waiter in waiters { waiter.finish() }
      if work.isCheckDue, configuration.cleansUp, !wanted.leavesOthers { try await publisher.cleanUp(besides: wanted) }
    } catch {
      waiting += waiters
      return (left, error)
    }
    (left.isRefreshDue, left.isCheckDue) = (false, false)
    return (left, problem)
  }

  /// Looks at the containers that are new, have changed or are due.
  private func readContainers(_ work: PendingWork.Work) async -> (any Error)? {
    do {
      let running = try await source.runningContainers()
      let known = Dictionary((picture.containers ?? []).map { ($0.id, $0) }) { first, _ in first }
      var containers: [ContainerDetails] = []
      var fresh: [ContainerDetails] = []
      for id in running {
        let isKnown = !work.isEverythingStale && !work.changed.contains(id)
        if isKnown, let container = known[id] {
          containers.append(container)
        } else if let container = try await source.details(of: id) {
          containers.append(container)
          fresh.append(container)
        }
      }
      if configuration.deregistration == .onSuccess {
        let present = Set(running)
        for id in known.keys where !present.contains(id) { try await noteEnd(of: id, work) }
      }
      for container in containers {
        for signal in work.signals[container.id] ?? [] {
          picture.draining.signalled(container, signal, at: elapsed())
        }
      }
      picture.containers = containers
      picture.engine = .reached
      tellUntagged(fresh, among: containers)
      return nil
    } catch {
      picture.engine = .lost(processes: await source.processes(of: picture.containers ?? []))
      return error
    }
  }

  /// Tells of containers that the template fails for, each once.
  private func tellUntagged(_ fresh: [ContainerDetails], among containers: [ContainerDetails]) {
    guard configuration.tagTemplate != nil else { return }
    untagged.formIntersection(containers.map(\.id))
    for container in fresh where !untagged.contains(container.id) {
      guard let problem = configuration.tagProblem(of: container) else { continue }
      untagged.insert(container.id)
      logger.warning(
        "a container has no tags of the template",
        metadata: ["container.name": "\(container.name)", "error": "\(problem)"]
      )
    }
  }

  private func noteEnd(of id: ContainerID, _ work: PendingWork.Work) async throws {
    var exitCode = work.exitCodes[id]
    if exitCode == nil, let container = try await source.details(of: id), !container.containerState.isRunning {
      exitCode = container.containerState.exitCode
    }
    if let exitCode { picture.ended(id, exitCode: exitCode, at: elapsed()) }
  }
}
