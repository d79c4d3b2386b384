// SPDX-License-Identifier: Apache-2.0
public import DockerEngine
public import EtcdWire
public import Logging

/// Keeps the service records of this machine's containers in the store as the containers are.
///
/// Level-triggered: each engine event and, without any, a third of the time to live lead to the same comparison of the
/// containers that run with the records that stand. While the engine cannot be reached records are not kept alive, so
/// those of a lost engine or machine go with their time to live.
/// Concurrency: one turn at a time; changes that come meanwhile merge into the next.
public actor ServiceRegistrator {
  private static let retryPauses: [Duration] = [
    .milliseconds(200), .milliseconds(500), .seconds(1), .seconds(3), .seconds(10),
  ]

  private let configuration: RegistratorConfiguration
  private let source: any ContainerSource
  private let clock: any Clock<Duration>
  private let logger: Logger
  private let pending = PendingWork()
  private let publisher: RecordPublisher

  /// Details of running containers, read again when an event names them.
  private var known: [ContainerID: ContainerDetails] = [:]

  /// Makes a registrator; nothing happens before ``run()``.
  public init(
    configuration: RegistratorConfiguration,
    engine: DockerEngineClient,
    store: any KeysAPI,
    logger: Logger
  ) {
    self.init(
      configuration: configuration,
      source: EngineContainers(engine: engine),
      store: store,
      clock: ContinuousClock(),
      logger: logger
    )
  }

  init(
    configuration: RegistratorConfiguration,
    source: any ContainerSource,
    store: any KeysAPI,
    clock: any Clock<Duration>,
    logger: Logger
  ) {
    self.configuration = configuration
    self.source = source
    self.clock = clock
    self.logger = logger
    publisher = RecordPublisher(store: store, configuration: configuration, logger: logger) { [pending] isRefreshDue in
      pending.add { if isRefreshDue { $0.isRefreshDue = true } }
    }
  }

  /// Runs until the task is cancelled.
  ///
  /// The records stay: the containers run on, and whoever runs next takes them over or, when nobody does, their time to
  /// live ends.
  ///
  /// - Throws: `CancellationError` only; an engine or a store that cannot be reached is tried again.
  public func run() async throws {
    let (source, clock, pending, pause) = (source, clock, pending, refreshPause)
    await withTaskGroup(of: Void.self) { group in
      group.addTask {
        await source.followChanges { change in
          pending.add { work in
            switch change {
            case .everything: work.isEverythingStale = true
            case .container(let id): work.changed.insert(id)
            }
          }
        }
      }
      group.addTask {
        while (try? await clock.sleep(for: pause)) != nil {
          pending.add { work in
            work.isRefreshDue = true
            work.isEverythingStale = true
          }
        }
      }
      await takeTurns()
      group.cancelAll()
    }
    try Task.checkCancellation()
  }

  private var refreshPause: Duration {
    configuration.ttlSeconds == 0 ? .seconds(60) : .milliseconds(max(1_000, configuration.ttlSeconds * 1_000 / 3))
  }

  private func takeTurns() async {
    pending.add { $0.isEverythingStale = true }
    var failures = 0
    for await _ in pending.wakes {
      let work = pending.take()
      do {
        try await reconcile(work)
        failures = 0
      } catch {
        guard !Task.isCancelled else { return }
        logger.warning("service records not brought up to date", metadata: ["error": "\(error)"])
        let pause = Self.retryPauses[min(failures, Self.retryPauses.count - 1)]
        failures += 1
        guard (try? await clock.sleep(for: pause)) != nil else { return }
        pending.giveBack(work)
      }
    }
  }

  /// One turn: what runs, what that means for the store, and what differs.
  private func reconcile(_ work: PendingWork.Work) async throws {
    let running = try await source.runningContainers()
    var details: [ContainerID: ContainerDetails] = [:]
    for id in running {
      let isKnown = !work.isEverythingStale && !work.changed.contains(id)
      if isKnown, let container = known[id] {
        details[id] = container
      } else if let container = try await source.details(of: id) {
        details[id] = container
      }
    }
    known = details
    let containers = running.compactMap { details[$0] }
    let values = ServiceRecords(configuration: configuration, containers: containers).values()
    try await publisher.publish(values, isRefreshDue: work.isRefreshDue)
  }
}
