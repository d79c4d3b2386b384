// SPDX-License-Identifier: Apache-2.0
public import Logging
import Synchronization
import Threads
public import Units

/// Runs the units of this machine and looks after them.
///
/// Units survive this object and its process: processes belong to the unit-host, a second process of the same
/// executable, and containers to their engine. A new object on the same state directory takes them over as they are.
///
/// Concurrency: one dedicated thread decides; every call is handed to it and may come from any task.
public final class UnitSupervision: Sendable {
  /// How many docker commands may wait to be carried out.
  static let taskLimit = 16_384
  /// How many changes a slow reader of ``changes()`` may be behind.
  static let changeLimit = 8192

  /// Settings.
  public let configuration: UnitSupervisionConfiguration

  private let containers: (any ContainerCommandRunning)?
  private let logger: Logger
  private let inbox = SupervisionInbox()
  private let ready = Gate<Result<Void, UnitRunnerError>>()
  private let ended = Gate<Result<Void, UnitRunnerError>>()
  private let placed = Mutex<Set<UnitName>?>(nil)
  private let signalled = SignalledContainers()
  private let sweeps = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
  private let readers = Mutex<[Int: AsyncStream<LoadedUnitChange>.Continuation]>([:])

  /// Makes a supervision; nothing happens before ``run()``.
  ///
  /// - Parameters:
  ///   - configuration: Settings.
  ///   - containers: Carries out Exec lines that call docker; nil runs them as processes, as any other program.
  ///   - logger: Where problems are told.
  public init(
    configuration: UnitSupervisionConfiguration,
    containers: (any ContainerCommandRunning)?,
    logger: Logger
  ) {
    self.configuration = configuration
    self.containers = containers
    self.logger = logger
  }

  // MARK: Life

  /// Takes over what runs, then supervises until the task is cancelled; units keep running after that.
  ///
  /// Called once.
  ///
  /// - Throws: ``UnitRunnerError`` when the state directory or the unit-host cannot be used.
  public func run() async throws(UnitRunnerError) {
    let (tasks, feed) = AsyncStream<ContainerTask>.makeStream(bufferingPolicy: .bufferingOldest(Self.taskLimit))
    do throws(DedicatedThread.Refused) {
      try startThread(feed)
    } catch {
      let failure = UnitRunnerError(.host, "\(error)")
      ready.open(.failure(failure))
      throw failure
    }
    await withTaskCancellationHandler {
      await withDiscardingTaskGroup { group in
        if let containers { group.addTask { await self.sweep(containers) } }
        for await task in tasks {
          guard let containers else { continue }
          let runner = ContainerTaskRunner(containers: containers, inbox: inbox, signalled: signalled)
          group.addTask { await runner.run(task) }
        }
        group.cancelAll()
      }
    } onCancel: {
      inbox.post { $0?.end() }
    }
    try await ended.wait().get()
  }

  private func startThread(
    _ feed: AsyncStream<ContainerTask>.Continuation
  ) throws(DedicatedThread.Refused) {
    let dispatch: @Sendable (ContainerTask) -> Bool = { task in
      if case .enqueued = feed.yield(task) { true } else { false }
    }
    try DedicatedThread.start(name: "units") { [self] in
      let loop = SupervisionLoop(
        configuration: configuration,
        hasContainers: containers != nil,
        logger: logger,
        inbox: inbox,
        dispatch: dispatch,
        tell: { self.publish($0) }
      )
      let result = Result { () throws(UnitRunnerError) in try loop.run { self.ready.open(.success(())) } }
      inbox.close()
      loop.releaseWaiters()
      ready.open(result.flatMap { .failure(Self.over) })
      feed.finish()
      closeReaders()
      ended.open(result)
    }
  }

  /// Returns once what an earlier process left behind has been taken over; calls made before that wait for it too.
  ///
  /// - Throws: ``UnitRunnerError`` when ``run()`` failed or ended before that.
  public func waitUntilReady() async throws(UnitRunnerError) {
    try await ready.wait().get()
  }

  // MARK: Units

  /// Makes units known, all of them before any is started; one that is there with the same hash is left alone, and
  /// one with another hash is stopped first.
  ///
  /// - Returns: Why units could not be loaded, by name; empty when all were.
  public func load(_ units: [UnitToRun]) async -> [UnitName: String] {
    do {
      let outdated = try await ask { $0.outdated(units) }
      for name in outdated { try await unload(name) }
      return try await ask { $0.load(units) }
    } catch {
      return Dictionary(units.map { ($0.name, error.message) }) { $1 }
    }
  }

  /// Stops a unit, waits for its end (`ExecStopPost=` included) and forgets it; an unknown unit is no error.
  ///
  /// - Throws: ``UnitRunnerError`` when the supervision ends before the unit does, or the task is cancelled; the unit then
  ///   goes on stopping and may stay loaded.
  public func unload(_ name: UnitName) async throws(UnitRunnerError) {
    try await ask { $0.unload(name) }
    await wait { $0.units[name] == nil }
    guard try await ask({ $0.units[name] == nil }) else {
      throw UnitRunnerError(.notStopped, "unit \(name) is still loaded")
    }
    sweeps.continuation.yield()
  }

  /// Asks for a start, of what the unit requires and wants too, and returns without waiting for it.
  ///
  /// - Throws: ``UnitRunnerError`` when the unit is not loaded or can never start, such as for a missing requirement.
  public func start(_ name: UnitName) async throws(UnitRunnerError) {
    try await ask { loop in Result { () throws(UnitRunnerError) in try loop.start(name) } }.get()
  }

  /// Asks for a stop, of what requires the unit too, and returns without waiting for it.
  ///
  /// - Throws: ``UnitRunnerError`` when the unit is not loaded.
  public func stop(_ name: UnitName) async throws(UnitRunnerError) {
    try await ask { loop in Result { () throws(UnitRunnerError) in try loop.stop(name) } }.get()
  }

  /// Asks a unit that is up to take its configuration in anew and returns without waiting for it.
  ///
  /// - Throws: ``UnitRunnerError`` when the unit is not loaded, not up, or has no way to do that.
  public func reload(_ name: UnitName) async throws(UnitRunnerError) {
    try await ask { loop in Result { () throws(UnitRunnerError) in try loop.reload(name) } }.get()
  }

  /// Asks for a stop and a start after it, or just a start of what is down, and returns without waiting for it.
  ///
  /// - Throws: ``UnitRunnerError`` when the unit is not loaded or can never start.
  public func restart(_ name: UnitName) async throws(UnitRunnerError) {
    try await ask { loop in Result { () throws(UnitRunnerError) in try loop.restart(name) } }.get()
  }

  /// Stops every unit and returns when all have stopped, or the task is cancelled; they stay loaded.
  public func stopAll() async {
    try? await ask { $0.stopAll() }
    await wait { loop in loop.units.values.allSatisfy { $0.isDown && $0.record.running.isEmpty } }
  }

  /// Says which units belong to this machine, whether they are loaded yet or not.
  ///
  /// Only after that a container whose unit is not among them, and is not loaded, is taken for a leftover and removed.
  public func expect(_ names: Set<UnitName>) {
    let isNew = placed.withLock { placed in
      defer { placed = names }
      return placed != names
    }
    if isNew { sweeps.continuation.yield() }
  }

  // MARK: Reading

  /// Every loaded unit, by name, without the instances that sockets have made for connections.
  ///
  /// None when the supervision is over.
  public func units() async -> [LoadedUnit] {
    (try? await loadedUnits()) ?? []
  }

  /// Every loaded unit as ``units()`` has it.
  ///
  /// - Throws: ``UnitRunnerError`` when the supervision is over; the units themselves may well run on.
  public func loadedUnits() async throws(UnitRunnerError) -> [LoadedUnit] {
    try await ask { loop in
      loop.units.values.filter { $0.record.connection == nil }.map(\.loadedUnit).sorted { $0.name < $1.name }
    }
  }

  /// Each change of a unit from now on; bounded, the newest are kept when the reader is slow.
  public func changes() -> AsyncStream<LoadedUnitChange> {
    let (stream, continuation) = AsyncStream<LoadedUnitChange>.makeStream(
      bufferingPolicy: .bufferingNewest(Self.changeLimit)
    )
    let id = readers.withLock { readers in
      let id = (readers.keys.max() ?? 0) + 1
      readers[id] = continuation
      return id
    }
    continuation.onTermination = { [weak self] _ in
      self?.readers.withLock { readers in readers[id] = nil }
    }
    return stream
  }

  /// What `unit status` shows of a unit; nil when it is not loaded.
  ///
  /// - Parameters:
  ///   - name: The unit.
  ///   - lines: How many lines of output to add.
  /// - Returns: The status.
  public func status(of name: UnitName, lines: Int = 10) async -> UnitStatus? {
    guard var status = try? await ask({ $0.status(of: name) }) else { return nil }
    for await entry in journal(of: name, lines: lines, follow: false) { status.journal.append(entry) }
    return status
  }

  /// The last lines of a unit's output, oldest first, and with `follow` every later one.
  ///
  /// The output of a unit that was unloaded stays readable.
  public func journal(of name: UnitName, lines: Int, follow: Bool) -> JournalLines {
    let selection = JournalSelection([name.rawValue])
    return JournalLines(
      reader: journalReader(JournalReader.Request(selection: selection, lines: lines, follows: follow)),
      follows: follow
    )
  }

  /// A reader of the journals of this machine, of units that were unloaded too; making it reads from the disk.
  public func journalReader(_ request: JournalReader.Request) -> JournalReader {
    JournalReader(
      places: JournalPlaces(stateDirectory: configuration.stateDirectory),
      machineID: configuration.machineID,
      request: request
    )
  }

  /// When a unit's machine does something by itself next, since the machine's boot; nil for never.
  func deadline(of name: UnitName) async throws(UnitRunnerError) -> Duration? {
    try await ask { $0.units[name]?.lifecycle.deadline }
  }

  // MARK: Private

  private func sweep(_ containers: any ContainerCommandRunning) async {
    guard (try? await waitUntilReady()) != nil else { return }
    let sweeper = ContainerSweeper(
      containers: containers,
      machineID: configuration.machineID,
      interval: configuration.containerSweepInterval,
      logger: logger,
      units: { [self] in
        let placed = placed.withLock { $0.map { Set($0.map(\.rawValue)) } }
        return try? await ask { loop in LeftoverContainers.Units(loaded: loop.leftoverUnits, placed: placed) }
      },
      say: { [inbox] unit, text in
        inbox.post { loop in if let name = try? UnitName(unit) { loop?.say(text, name) } }
      }
    )
    await sweeper.run(wakes: sweeps)
  }

  private static let over = UnitRunnerError(.ended, "the supervision of units has ended")

  /// Carries out `body` on the thread.
  private func ask<Value: Sendable>(
    _ body: @escaping @Sendable (SupervisionLoop) -> Value
  ) async throws(UnitRunnerError) -> Value {
    let result: Result<Value, UnitRunnerError> = await withCheckedContinuation { continuation in
      inbox.post { loop in
        continuation.resume(returning: loop.map { .success(body($0)) } ?? .failure(Self.over))
      }
    }
    return try result.get()
  }

  /// Waits for the condition, for the supervision's end, or for the task to be cancelled: a unit may take minutes to stop,
  /// and a node that is told to stop does not wait for it.
  private func wait(until isDone: @escaping @Sendable (SupervisionLoop) -> Bool) async {
    let isOver = Gate<Void>()
    inbox.post { loop in
      guard let loop else { return isOver.open(()) }
      loop.wait(until: isDone) { isOver.open(()) }
    }
    await withTaskCancellationHandler {
      await isOver.wait()
    } onCancel: {
      isOver.open(())
    }
  }

  private func publish(_ change: LoadedUnitChange) {
    let continuations = readers.withLock { Array($0.values) }
    for continuation in continuations { continuation.yield(change) }
  }

  private func closeReaders() {
    let continuations = readers.withLock { Array($0.values) }
    for continuation in continuations { continuation.finish() }
  }
}
