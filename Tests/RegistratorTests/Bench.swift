// SPDX-License-Identifier: Apache-2.0
import DockerEngine
import EtcdStore
import EtcdWire
import Logging
import Synchronization
import TestKit
import Testing
import Units

@testable import Registrator

/// A running registrator with everything around it under the test's control.
struct Bench {
  let engine: ScriptedEngine
  let units: ScriptedUnits
  let probe: ScriptedProbe
  let store: MemoryStore
  let clock: SteppedClock
  let registrator: ServiceRegistrator

  static func with(
    configuration: RegistratorConfiguration = ServiceRecordTests.configuration,
    engine: ScriptedEngine = ScriptedEngine(),
    units: ScriptedUnits = ScriptedUnits(),
    store: MemoryStore = MemoryStore(),
    _ body: (Bench) async throws -> Void
  ) async throws {
    let clock = SteppedClock()
    let probe = ScriptedProbe()
    let registrator = ServiceRegistrator(
      configuration: configuration,
      source: engine,
      units: units,
      store: store,
      clock: clock,
      probe: probe,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    )
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try? await registrator.run() }
      try await eventually("the first turn and the subscriptions") {
        engine.isFollowed && units.isFollowed && engine.listCount > 0
      }
      try await body(
        Bench(engine: engine, units: units, probe: probe, store: store, clock: clock, registrator: registrator)
      )
      group.cancelAll()
    }
  }

  /// Moves clock and store by the same time, once both timers sleep.
  func advance(by duration: Duration) async throws {
    try await eventually("the timers sleep") { clock.sleeperCount > 1 }
    store.advance(by: duration)
    clock.advance(by: duration)
  }

  func expect(_ files: [String: String], _ location: SourceLocation = #_sourceLocation) async throws {
    do {
      try await eventually("\(files)") { store.files(below: "/services") == files }
    } catch {
      #expect(store.files(below: "/services") == files, sourceLocation: location)
    }
  }
}

/// Units that are what the test says.
final class ScriptedUnits: RegistrableUnits {
  private let contents = Mutex<(units: [RegistrableUnit]?, tell: (@Sendable () -> Void)?)>(([], nil))

  /// Nil says that nothing is known of units.
  func set(_ units: [RegistrableUnit]?) {
    contents.withLock { contents in
      contents.units = units
      return contents.tell
    }?()
  }

  func units() async -> [RegistrableUnit]? { contents.withLock { $0.units } }
  var isFollowed: Bool { contents.withLock { $0.tell != nil } }

  func followChanges(_ tell: @escaping @Sendable () -> Void) async {
    contents.withLock { $0.tell = tell }
    // Until cancelled.
    while (try? await Task.sleep(for: .seconds(60))) != nil {}
  }
}

/// Checks that end as the test says.
final class ScriptedProbe: ServiceProbing {
  private let contents = Mutex<(passes: Bool, count: Int)>((true, 0))

  func pass(_ passes: Bool) { contents.withLock { $0.passes = passes } }
  var count: Int { contents.withLock { $0.count } }

  func passes(_ check: ServiceCheck) async -> Bool {
    contents.withLock { contents in
      contents.count += 1
      return contents.passes
    }
  }
}

/// An engine whose containers are what the test says.
final class ScriptedEngine: ContainerSource {
  private struct Contents {
    var containers: [ContainerDetails] = []
    var isFailing = false
    var processes: [ContainerID: Bool] = [:]
    var listCount = 0
    var inspectCount = 0
    var tell: (@Sendable (ContainerChange) -> Void)?
  }

  struct Unreachable: Error {}

  private let contents = Mutex(Contents())

  func set(_ containers: [ContainerDetails]) { contents.withLock { $0.containers = containers } }
  func fail(_ fails: Bool) { contents.withLock { $0.isFailing = fails } }
  /// What the machine itself knows of containers' processes.
  func setProcesses(_ processes: [ContainerID: Bool]) { contents.withLock { $0.processes = processes } }
  func tell(_ change: ContainerChange) { contents.withLock { $0.tell }?(change) }
  var listCount: Int { contents.withLock { $0.listCount } }
  var inspectCount: Int { contents.withLock { $0.inspectCount } }
  var isFollowed: Bool { contents.withLock { $0.tell != nil } }

  func runningContainers() async throws -> [ContainerID] {
    try contents.withLock { contents in
      contents.listCount += 1
      if contents.isFailing { throw Unreachable() }
      return contents.containers.map(\.id)
    }
  }

  func details(of id: ContainerID) async throws -> ContainerDetails? {
    contents.withLock { contents in
      contents.inspectCount += 1
      return contents.containers.first { $0.id == id }
    }
  }

  func processes(of containers: [ContainerDetails]) async -> [ContainerID: Bool] {
    contents.withLock { $0.processes }
  }

  func followChanges(_ tell: @escaping @Sendable (ContainerChange) -> Void) async {
    contents.withLock { $0.tell = tell }
    // Until cancelled.
    while (try? await Task.sleep(for: .seconds(60))) != nil {}
  }
}

/// The real store behind the port, with time that the test moves.
final class MemoryStore: KeysAPI {
  private struct Contents {
    var store = Store()
    var now = Timestamp(nanosecondsSinceEpoch: 1_700_000_000_000_000_000)
    var isFailing = false
    var failureCount = 0
    var events = 0
    var keepsBackPatient = false
    var keptBack: [Kept] = []
  }

  /// A patient refresh; carried out when it has a result, which nobody has been told.
  private struct Kept {
    var request: KeysRequest
    var answer: @Sendable (Result<KeysReply, EtcdError>) -> Void
    var result: Result<KeysReply, EtcdError>?
  }

  private let contents = Mutex(Contents())

  func fail(_ fails: Bool) { contents.withLock { $0.isFailing = fails } }
  var failureCount: Int { contents.withLock { $0.failureCount } }
  /// How many events watchers would have seen of writes.
  var events: Int { contents.withLock { $0.events } }

  func advance(by duration: Duration) {
    contents.withLock { contents in
      contents.now.nanosecondsSinceEpoch += duration.components.seconds * 1_000_000_000
      _ = contents.store.apply(.expire(through: contents.now), at: contents.now)
    }
  }

  func read(_ key: String) -> NodeView? {
    contents.withLock { try? $0.store.get(key, recursive: true, sorted: true, at: $0.now).node }
  }

  func value(_ key: String) -> String? { read(key)?.value }
  func ttl(_ key: String) -> Int64? { read(key)?.ttlSeconds }
  func modifiedIndex(_ key: String) -> EtcdIndex? { read(key)?.modifiedIndex }

  func files(below key: String) -> [String: String] {
    func collect(_ node: NodeView, into files: inout [String: String]) {
      if let value = node.value { files[node.key] = value }
      for child in node.nodes ?? [] { collect(child, into: &files) }
    }
    var files: [String: String] = [:]
    if let node = read(key) { collect(node, into: &files) }
    return files
  }

  func perform(_ request: KeysRequest, answer: @escaping @Sendable (Result<KeysReply, EtcdError>) -> Void) {
    let isKeptBack = contents.withLock { contents in
      guard contents.keepsBackPatient, case .write(_, _, let patience) = request, patience > .zero else { return false }
      contents.keptBack.append(Kept(request: request, answer: answer))
      return true
    }
    if !isKeptBack { answer(contents.withLock { Self.carryOut(request, &$0) }) }
  }

  /// Keeps patient refreshes back from now on, or carries all out that were kept back; returns how many those are.
  @discardableResult
  func keepBackPatient(_ keepsBack: Bool) -> Int {
    let due = contents.withLock { contents in
      contents.keepsBackPatient = keepsBack
      defer { if !keepsBack { contents.keptBack = [] } }
      return contents.keptBack
    }
    guard !keepsBack else { return due.count }
    for kept in due {
      kept.answer(kept.result ?? contents.withLock { Self.carryOut(kept.request, &$0) })
    }
    return due.count
  }

  /// Carries out what is kept back; nobody is told yet.
  func carryOutKeptBack() {
    contents.withLock { contents in
      for place in contents.keptBack.indices {
        let request = contents.keptBack[place].request
        contents.keptBack[place].result = Self.carryOut(request, &contents)
      }
    }
  }

  private static func carryOut(_ request: KeysRequest, _ contents: inout Contents) -> Result<KeysReply, EtcdError> {
    guard !contents.isFailing else {
      contents.failureCount += 1
      return .failure(EtcdError(.raftInternal, cause: "no leader"))
    }
    let result: Result<Event, EtcdError>
    switch request {
    case .read(let key, let read):
      do throws(EtcdError) {
        result = .success(
          try contents.store.get(key, recursive: read.recursive, sorted: read.sorted, at: contents.now)
        )
      } catch {
        result = .failure(error)
      }
    case .write(let key, let write, _):
      let outcome = contents.store.apply(.write(key: key, write), at: contents.now)
      contents.events += outcome.events.filter { !$0.isRefresh }.count
      result = outcome.result ?? .failure(EtcdError(.raftInternal, cause: "no answer"))
    }
    return result.map { KeysReply(event: $0, raftIndex: 1, raftTerm: 1) }
  }

  func watch(_ watch: KeysWatch, deliver: @escaping @Sendable (KeysWatchUpdate) -> Void) -> KeysWatchCancellation {
    KeysWatchCancellation {}
  }
}

/// A clock that stands still until the test moves it.
final class SteppedClock: Clock {
  struct Instant: InstantProtocol {
    var offset: Duration
    func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
    func duration(to other: Instant) -> Duration { other.offset - offset }
    static func < (left: Instant, right: Instant) -> Bool { left.offset < right.offset }
  }

  private struct Sleeper {
    var deadline: Instant
    var continuation: CheckedContinuation<Void, any Error>
  }

  private struct Contents {
    var now = Instant(offset: .zero)
    var sleepers: [Int: Sleeper] = [:]
    var nextID = 0
    var cancelled: Set<Int> = []
  }

  private let contents = Mutex(Contents())

  var now: Instant { contents.withLock { $0.now } }
  var minimumResolution: Duration { .nanoseconds(1) }
  var sleeperCount: Int { contents.withLock { $0.sleepers.count } }

  func advance(by duration: Duration) {
    let due = contents.withLock { contents in
      contents.now = contents.now.advanced(by: duration)
      let due = contents.sleepers.filter { $0.value.deadline <= contents.now }
      for id in due.keys { contents.sleepers[id] = nil }
      return due.values.map(\.continuation)
    }
    for continuation in due { continuation.resume() }
  }

  func sleep(until deadline: Instant, tolerance: Duration?) async throws {
    let id = contents.withLock { contents in
      contents.nextID += 1
      return contents.nextID
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
        let outcome: Result<Void, any Error>? = contents.withLock { contents in
          if contents.cancelled.contains(id) { return .failure(CancellationError()) }
          if deadline <= contents.now { return .success(()) }
          contents.sleepers[id] = Sleeper(deadline: deadline, continuation: continuation)
          return nil
        }
        if let outcome { continuation.resume(with: outcome) }
      }
    } onCancel: {
      let sleeper = contents.withLock { contents in
        contents.cancelled.insert(id)
        return contents.sleepers.removeValue(forKey: id)
      }
      sleeper?.continuation.resume(throwing: CancellationError())
    }
  }
}
