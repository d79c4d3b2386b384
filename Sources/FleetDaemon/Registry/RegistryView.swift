// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import FleetWire
import Synchronization

/// The registry as this machine last saw it, shared by all loops, and the signals that wake them.
///
/// Concurrency: lock, change or copy the image, unlock, then wake.
final class RegistryView: Sendable {
  /// Wakes the engine: units, machines or metadata changed.
  let engineSignal = WakeSignal()
  /// Wakes the agent: what should be on this machine may have changed.
  let agentSignal = WakeSignal()
  /// Wakes whoever wants to lead: the lease changed.
  let leaseSignal = WakeSignal()
  /// Wakes the publisher: see ``takeUnitsToPublish()``.
  let publisherSignal = WakeSignal()

  /// How many tasks may wait for an index; beyond it they are let go at once and see what is there.
  static let maximumWaiters = 10_000

  private let contents: Mutex<Contents>

  private struct Contents {
    var image: RegistryImage
    var isLive = false
    var unitsToPublish: Set<String> = []
    var mustPublishAll = true
    /// What the engine has not looked at; nil means everything.
    var engineBacklog: EngineBacklog?
    var waiters: [(index: EtcdIndex, result: SingleResult<Void>)] = []

    /// Takes out the waiters that need wait no longer.
    mutating func takeReady() -> [SingleResult<Void>] {
      let ready = waiters.filter { $0.index <= image.index }.map(\.result)
      if !ready.isEmpty { waiters.removeAll { $0.index <= image.index } }
      return ready
    }
  }

  init(layout: RegistryLayout, machineID: String) {
    contents = Mutex(Contents(image: RegistryImage(layout: layout, machineID: machineID)))
  }

  /// The registry as it was last seen.
  var image: RegistryImage { contents.withLock { $0.image } }

  /// Whether the image follows the store; when not, nothing is decided from it.
  var isLive: Bool { contents.withLock { $0.isLive } }

  /// Looks something up without copying the image.
  func read<Answer: Sendable>(_ body: (RegistryImage) -> Answer) -> Answer {
    contents.withLock { body($0.image) }
  }

  /// Starts over from a listing; everything may have changed.
  func replace(with image: RegistryImage) {
    let ready = contents.withLock { contents in
      contents.image = image
      contents.mustPublishAll = true
      contents.engineBacklog = nil
      return contents.takeReady()
    }
    for waiter in ready { waiter.fulfil(()) }
  }

  /// Notes whether the image follows the store.
  func setLive(_ isLive: Bool) {
    contents.withLock { $0.isLive = isLive }
    if isLive { wakeAll() }
  }

  /// Follows one event and wakes whom it concerns.
  func apply(_ event: Event) {
    let (changes, ready) = contents.withLock { contents in
      let changes = contents.image.apply(event)
      contents.unitsToPublish.formUnion(changes.ownStates)
      contents.mustPublishAll = contents.mustPublishAll || changes.concernsAllOwnStates
      contents.engineBacklog?.add(changes)
      return (changes, contents.takeReady())
    }
    for waiter in ready { waiter.fulfil(()) }
    if changes.concernsEngine { engineSignal.wake() }
    if changes.concernsAgent { agentSignal.wake() }
    if changes.concernsLease { leaseSignal.wake() }
    if !changes.ownStates.isEmpty || changes.concernsAllOwnStates { publisherSignal.wake() }
  }

  /// Hands the engine what changed since it last asked: everything when it has never, or lets itself fall behind.
  func takeEngineChanges() -> EngineChanges {
    contents.withLock { contents in
      defer { contents.engineBacklog = EngineBacklog() }
      guard let backlog = contents.engineBacklog else { return .everything(contents.image) }
      return .some(contents.image.entries(of: backlog))
    }
  }

  /// Looks something up that has to fit what the engine took over: nil when it is behind, and will be woken.
  func readIfEngineIsAbreast<Answer: Sendable>(_ body: (RegistryImage) -> Answer) -> Answer? {
    contents.withLock { contents in contents.engineBacklog?.isEmpty ?? false ? body(contents.image) : nil }
  }

  /// Lets the engine fall behind, which then starts over with everything.
  func forgetEngineChanges() {
    contents.withLock { $0.engineBacklog = nil }
  }

  /// Waits until the image follows the store, or the time is up.
  func waitUntilLive(within limit: Duration, clock: any FleetClock) async {
    let end = clock.now() + limit
    while !isLive, clock.now() < end, !Task.isCancelled { try? await clock.sleep(for: Self.lookAgain) }
  }

  private static let lookAgain = Duration.milliseconds(20)

  /// Waits until the image shows what the store held at an index, or the time is up.
  func waitUntil(_ index: EtcdIndex, within limit: Duration, clock: any FleetClock) async {
    let result: SingleResult<Void>? = contents.withLock { contents in
      guard contents.image.index < index, contents.waiters.count < Self.maximumWaiters else { return nil }
      let result = SingleResult<Void>()
      contents.waiters.append((index, result))
      return result
    }
    guard let result else { return }
    await withTaskGroup(of: Void.self) { group in
      group.addTask { _ = await result.value() }
      group.addTask { try? await clock.sleep(for: limit) }
      await group.next()
      group.cancelAll()
    }
    contents.withLock { contents in
      contents.waiters.removeAll { $0.result === result }
    }
  }

  /// Asks for a unit's published state to be looked at.
  func publish(_ unit: String) {
    _ = contents.withLock { $0.unitsToPublish.insert(unit) }
    publisherSignal.wake()
  }

  /// Asks for the published states of units to be looked at, now or at the next wake.
  func publishLater(_ units: some Sequence<String> & Sendable) {
    contents.withLock { $0.unitsToPublish.formUnion(units) }
  }

  /// The units whose published state has to be looked at; nil means all.
  func takeUnitsToPublish() -> Set<String>? {
    contents.withLock { contents in
      defer {
        contents.unitsToPublish = []
        contents.mustPublishAll = false
      }
      return contents.mustPublishAll ? nil : contents.unitsToPublish
    }
  }

  /// Asks for every published state to be looked at.
  func publishAllLater() {
    contents.withLock { $0.mustPublishAll = true }
  }

  /// Wakes every loop.
  func wakeAll() {
    for signal in [engineSignal, agentSignal, leaseSignal, publisherSignal] { signal.wake() }
  }
}
