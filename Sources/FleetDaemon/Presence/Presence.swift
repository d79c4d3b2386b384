// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import Fleet
import FleetWire
import Logging
import Synchronization

/// Keeps this machine's one key in the store, and knows how well the store answers.
///
/// Registration overwrites an own key that an earlier life of this installation left behind, so a node that crashed
/// and came back moves nothing; only another installation with the same machine id is refused.
/// Source: specs/fleet.md §6.1, §14.1.
final class Presence: Sendable {
  private let configuration: FleetConfiguration
  private let store: StoreCaller
  private let view: RegistryView
  private let logger: Logger
  private let status: Mutex<Status>

  private struct Status {
    var record: MachineRecord
    /// The record that is in the store; nil when none of ours is.
    var registered: MachineRecord?
    /// Whether the machine goes for good: nothing is registered or refreshed any more.
    var isLeaving = false
    /// When the store last answered any write of this machine.
    var lastAnswer: Duration?
    /// When the last write of the key was sent that was answered: the key lives for a TTL from then at least.
    var lastShown: Duration?
    /// Whether the store was silent for so long that units of this machine may have been placed elsewhere meanwhile.
    var isDoubtful = false
    /// The own write that ended the last doubt.
    var knownFrom = EtcdIndex.zero
    var stability: StoreStability
    /// Ends what the loop waits for, the pause or the answer to a patient refresh.
    var waitEnd: SingleResult<Void>?
  }

  private enum Outcome {
    case present
    case duplicate
    case unreachable(EtcdError, sentAt: Duration)
    /// There is a new record to be written, or the machine leaves.
    case overtaken
  }

  init(configuration: FleetConfiguration, store: StoreCaller, view: RegistryView, logger: Logger) {
    self.configuration = configuration
    self.store = store
    self.view = view
    self.logger = logger
    status = Mutex(
      Status(record: configuration.machineRecord, stability: StoreStability(ttl: configuration.agentTTL))
    )
  }

  /// Whether this machine's key is its own; units are only touched while it is.
  var isRegistered: Bool { status.withLock { $0.registered != nil && !$0.isLeaving } }

  /// Whether a registry read up to an index says what belongs on this machine.
  ///
  /// After a silence of the store it has to show what this machine has written since: a watch that catches up shows first
  /// what was so once, and a unit started for that may run elsewhere by now.
  func isCertain(at index: EtcdIndex) -> Bool {
    let now = store.clock.now()
    return status.withLock { status in
      guard status.registered != nil, !status.isLeaving, !status.isDoubtful else { return false }
      return !silence(of: status, at: now) && index >= status.knownFrom
    }
  }

  /// Whether the key may soon have expired, if it has not already.
  ///
  /// Five sixths of a TTL: from one refresh to the answer to the next may take 0.71 of it when one is lost
  /// (``FleetConfiguration/presencePatience``), and a presence lives for a TTL. Only writes of the key count: a store that
  /// answers others of this machine may still have lost its presence.
  private func silence(of status: Status, at now: Duration) -> Bool {
    status.lastShown.map { now - $0 > configuration.agentTTL * 5 / 6 } ?? false
  }

  /// Whether requests can be answered: registered, and the store answered within the last TTL.
  var isReady: Bool {
    let now = store.clock.now()
    return status.withLock { status in
      guard status.registered != nil, let lastAnswer = status.lastAnswer else { return false }
      return now - lastAnswer <= configuration.agentTTL
    }
  }

  /// Whether a machine that is absent now is lost.
  var isStoreSettled: Bool {
    let now = store.clock.now()
    return status.withLock { $0.stability.isSettled(at: now) }
  }

  /// Notes that the store answered a write of this machine.
  func storeAnswered() {
    let now = store.clock.now()
    let becameSettled = status.withLock { status in
      let wasSettled = status.stability.isSettled(at: now)
      status.stability.storeAnswered(at: now)
      status.lastAnswer = now
      return !wasSettled && status.stability.isSettled(at: now)
    }
    if becameSettled { view.engineSignal.wake() }
  }

  /// Notes that a write of this machine failed, or was not answered in time.
  func storeFailed(sentAt: Duration) {
    let now = store.clock.now()
    status.withLock { $0.stability.storeFailed(at: now, sentAt: sentAt) }
  }

  /// Changes configured metadata; others see it at once.
  func setMetadata(_ metadata: [String: String]) {
    let waitEnd = status.withLock { status in
      status.record.metadata = metadata
      return status.waitEnd
    }
    waitEnd?.fulfil(())
  }

  /// Shows presence until cancelled; the key then lives on until its TTL.
  func run() async {
    var lastProblem = ""
    while !Task.isCancelled, !status.withLock({ $0.isLeaving }) {
      let pause: Duration
      var problem = ""
      // After a failure there is no time to be patient.
      switch await attempt(patience: lastProblem.isEmpty ? configuration.presencePatience : .zero) {
      case .overtaken: continue
      case .present: pause = configuration.presencePause
      case .duplicate:
        problem = "another machine with this machine id is present"
        pause = .seconds(1)
      case .unreachable(let error, let sentAt):
        storeFailed(sentAt: sentAt)
        problem = error.description
        pause = configuration.presenceRetry
      }
      if problem != lastProblem, !problem.isEmpty {
        logger.warning("machine cannot show its presence", metadata: ["machine.problem": "\(problem)"])
      } else if problem.isEmpty, !lastProblem.isEmpty {
        logger.notice("machine shows its presence again")
      }
      lastProblem = problem
      await wait(pause)
    }
  }

  /// Waits for the pause to end, or for a new record.
  private func wait(_ pause: Duration) async {
    let (waitEnd, isCurrent) = beginWaiting()
    guard isCurrent || pause < configuration.presencePause else { return }
    await withTaskGroup(of: Void.self) { group in
      group.addTask { [store] in try? await store.clock.sleep(for: pause) }
      group.addTask { _ = await waitEnd.value() }
      await group.next()
      group.cancelAll()
    }
  }

  /// What a new record ends, and whether what is registered, if anything, is not outdated already.
  private func beginWaiting() -> (end: SingleResult<Void>, isCurrent: Bool) {
    let end = SingleResult<Void>()
    let isCurrent = status.withLock { status in
      status.waitEnd = end
      return status.registered == nil || status.registered == status.record
    }
    return (end, isCurrent)
  }

  private func attempt(patience: Duration) async -> Outcome {
    let now = store.clock.now()
    let (record, registered, isDoubtful) = status.withLock { status in
      (status.record, status.registered, status.isDoubtful || silence(of: status, at: now))
    }
    do {
      guard registered == record else { return try await register(record, replacing: registered) }
      if isDoubtful { return try await writeAgain(record) }
      do {
        return try await refresh(patience: patience)
      } catch  where error.code == .keyNotFound {
        return try await register(record, replacing: nil)
      }
    } catch {
      return .unreachable(error, sentAt: now)
    }
  }

  /// Refreshes the key; a new record does not wait for the answer, which it makes pointless.
  private func refresh(patience: Duration) async throws(EtcdError) -> Outcome {
    let refresh = KeysWrite.update(value: nil, ttl: .seconds(configuration.presenceSeconds), refresh: true)
    let (waitEnd, isCurrent) = beginWaiting()
    guard isCurrent else { return .overtaken }
    let sentAt = store.clock.now()
    let answer = await withTaskGroup(of: Result<EtcdIndex, EtcdError>?.self) { group in
      group.addTask { [self] in
        do throws(EtcdError) {
          let timeout = configuration.presenceTimeout
          return .success(try await store.write(key, refresh, patience: patience, within: timeout))
        } catch {
          return .failure(error)
        }
      }
      group.addTask {
        _ = await waitEnd.value()
        return nil
      }
      let first = await group.next() ?? nil
      group.cancelAll()
      return first
    }
    guard let answer else { return .overtaken }
    _ = try answer.get()
    let now = store.clock.now()
    status.withLock { status in
      if silence(of: status, at: now) { status.isDoubtful = true }
      status.lastShown = sentAt
    }
    storeAnswered()
    return .present
  }

  private var key: String { configuration.layout.key(.machine(configuration.machineID)) }

  /// Writes the record anew, which watchers are told of, unlike a refresh.
  private func writeAgain(_ record: MachineRecord) async throws(EtcdError) -> Outcome {
    let swap = KeysWrite.compareAndSwap(
      value: record.value,
      comparison: Comparison(previousValue: record.value),
      ttl: .seconds(configuration.presenceSeconds),
      refresh: false
    )
    do {
      return try await write(swap, of: record)
    } catch  where [.keyNotFound, .testFailed].contains(error.code) {
      return try await register(record, replacing: nil)
    }
  }

  private func register(_ record: MachineRecord, replacing: MachineRecord?) async throws(EtcdError) -> Outcome {
    // A refresh that was kept back may find that the key is gone because this machine has left.
    guard status.withLock({ !$0.isLeaving }) else { return .overtaken }
    let ttl = TTLChange.seconds(configuration.presenceSeconds)
    if replacing == nil {
      do {
        let create = KeysWrite.create(value: record.value, isDirectory: false, ttl: ttl)
        return try await write(create, of: record)
      } catch  where error.code == .nodeExists {
        guard try await isOwnKey() else {
          status.withLock { $0.registered = nil }
          return .duplicate
        }
      }
    }
    let set = KeysWrite.set(value: record.value, isDirectory: false, ttl: ttl, refresh: false)
    return try await write(set, of: record)
  }

  private func write(_ write: KeysWrite, of record: MachineRecord) async throws(EtcdError) -> Outcome {
    let sentAt = store.clock.now()
    let index = try await store.write(key, write, within: configuration.presenceTimeout)
    return registered(record, at: index, sentAt: sentAt)
  }

  private func isOwnKey() async throws(EtcdError) -> Bool {
    let read = KeysRequest.read(key: key, KeysRead(quorum: true))
    do {
      let found = try await store.perform(read, within: configuration.presenceTimeout).event.node.value
      return found.flatMap(MachineRecord.init(value:))?.instanceToken == configuration.instanceToken
    } catch  where error.code == .keyNotFound {
      return true
    }
  }

  private func registered(_ record: MachineRecord, at index: EtcdIndex, sentAt: Duration) -> Outcome {
    storeAnswered()
    let isNew = status.withLock { status in
      status.lastShown = sentAt
      status.isDoubtful = false
      status.knownFrom = index
      defer { status.registered = record }
      return status.registered == nil
    }
    if isNew { logger.notice("machine is registered", metadata: ["machine.id": "\(record.id)"]) }
    view.publishAllLater()
    view.wakeAll()
    return .present
  }

  /// Stops showing presence; from here on the agent leaves units alone.
  func beginLeaving() {
    status.withLock { $0.isLeaving = true }
  }

  /// Takes the machine out of the listing at once; when that fails, its TTL does it.
  ///
  /// A machine that never was in it leaves alone what another one with its id has there.
  func finishLeaving() async {
    guard status.withLock({ $0.registered != nil }) else { return }
    _ = try? await store.write(key, .delete(isDirectory: false, recursive: false))
  }
}
