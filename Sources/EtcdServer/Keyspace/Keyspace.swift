// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import Raft
import Synchronization

/// The applied state of this member with its watchers, behind one short lock.
///
/// The replica's thread changes it entry by entry; any thread reads it and registers watches. Since both happen under
/// the same lock, no event falls between a look into the history and the registration of a watch.
final class Keyspace: Sendable {
  private let state: Mutex<State>

  fileprivate struct State {
    var store: Store
    var membership = Membership()
    var hub = WatcherHub()
    var deliveries: [WatcherID: WatchDelivery] = [:]
    var nextWatcher: UInt64 = 0
    var appliedIndex = LogIndex.zero
    var term = Term.zero
    var isStopped = false
  }

  init(historyCapacity: Int) {
    state = Mutex(State(store: Store(historyCapacity: historyCapacity)))
  }

  // MARK: Changes, from the replica's thread

  /// Applies a command and wakes its watchers.
  func apply(_ command: StoreCommand, of entry: Entry) -> Result<KeysReply, EtcdError>? {
    let stamp = Timestamp(nanosecondsSinceEpoch: entry.timestampNanoseconds)
    let (result, concerned) = state.withLock { state in
      let outcome = state.store.apply(command, at: stamp)
      state.advance(to: entry)
      return (outcome.result, state.notify(outcome.changes))
    }
    deliver(concerned)
    return result?.map { KeysReply(event: $0, raftIndex: entry.index.rawValue, raftTerm: entry.term.rawValue) }
  }

  /// Applies a change of the membership.
  func apply(_ change: ConfigurationChange, of entry: Entry) {
    state.withLock { state in
      state.membership.apply(change)
      state.advance(to: entry)
    }
  }

  /// Applies what a member tells about itself.
  func apply(_ attributes: MemberAttributes, of entry: Entry) {
    state.withLock { state in
      state.membership.apply(attributes)
      state.advance(to: entry)
    }
  }

  /// Passes over an entry that changes nothing here.
  func skip(_ entry: Entry) {
    state.withLock { $0.advance(to: entry) }
  }

  /// Replaces everything.
  ///
  /// Watches end, since the events in between are not known; their owners begin again where they were.
  func replace(store: Store, membership: Membership, at metadata: SnapshotMetadata) {
    let closing = state.withLock { state in
      let statistics = state.store.statistics
      state.store = store
      state.store.statistics = statistics
      state.membership = membership
      state.appliedIndex = metadata.index
      state.term = max(state.term, metadata.term)
      return state.forgetWatches()
    }
    for delivery in closing { delivery.close() }
    deliver(closing)
  }

  /// Takes over the term the replica is in.
  func note(_ term: Term) {
    state.withLock { $0.term = max($0.term, term) }
  }

  /// Ends all watches and refuses new ones.
  func stop() {
    let closing = state.withLock { state in
      state.isStopped = true
      return state.forgetWatches()
    }
    for delivery in closing { delivery.close() }
    deliver(closing)
  }

  // MARK: Reads, from any thread

  /// Reads a key as this member has it now.
  func read(_ key: String, _ read: KeysRead) -> Result<KeysReply, EtcdError> {
    let now = Clocks.wall()
    return state.withLock { state in
      do throws(EtcdError) {
        let event = try state.store.get(key, recursive: read.recursive, sorted: read.sorted, at: now)
        state.store.statistics.countRead(succeeded: true)
        let (index, term) = (state.appliedIndex.rawValue, state.term.rawValue)
        return .success(KeysReply(event: event, raftIndex: index, raftTerm: term))
      } catch {
        state.store.statistics.countRead(succeeded: false)
        return .failure(error)
      }
    }
  }

  /// Watches a key.
  func watch(_ watch: KeysWatch, _ delivery: WatchDelivery) -> KeysWatchCancellation {
    let id = state.withLock { state in state.register(watch, delivery) }
    delivery.flush()
    return KeysWatchCancellation { [self] in
      delivery.cancel()
      if let id { forget(id) }
    }
  }

  /// When the next node expires.
  var nextExpiration: Timestamp? { state.withLock { $0.store.nextExpiration } }

  /// The members as applied.
  var membership: Membership { state.withLock { $0.membership } }

  /// The store's index and the log's.
  var indexes: (etcd: EtcdIndex, applied: LogIndex) { state.withLock { ($0.store.etcdIndex, $0.appliedIndex) } }

  /// This member's counters and how many watchers wait.
  var statistics: (counters: StoreStatistics, watcherCount: Int) {
    state.withLock { ($0.store.statistics, $0.hub.count) }
  }

  /// A copy of the replicated state; taking it is cheap, but the next change copies the tree while it is alive.
  func copy() -> (store: Store, membership: Membership, applied: LogIndex) {
    state.withLock { ($0.store, $0.membership, $0.appliedIndex) }
  }

  /// Lets deliveries go, those to one thread together.
  private func deliver(_ deliveries: [WatchDelivery]) {
    var carried = CarriedAnswers()
    for delivery in deliveries { carried.add(delivery.carrier) { delivery.flush() } }
    carried.depart()
  }

  private func forget(_ id: WatcherID) {
    state.withLock { state in
      state.hub.cancel(id)
      state.deliveries.removeValue(forKey: id)
    }
  }
}

extension Keyspace.State {
  fileprivate mutating func advance(to entry: Entry) {
    appliedIndex = entry.index
    if entry.term > term { term = entry.term }
  }

  /// Hands events to the deliveries of those concerned, to be flushed once the lock is gone.
  fileprivate mutating func notify(_ changes: [StoreChange]) -> [WatchDelivery] {
    guard !deliveries.isEmpty else { return [] }
    var concerned: [WatchDelivery] = []
    for change in changes {
      for match in hub.notify(change) {
        guard let delivery = deliveries[match.watcher] else { continue }
        concerned.append(delivery)
        let isWaiting = delivery.add(match.event, isLast: match.isLast)
        if match.isLast { deliveries.removeValue(forKey: match.watcher) }
        if !isWaiting {
          hub.cancel(match.watcher)
          deliveries.removeValue(forKey: match.watcher)
        }
      }
    }
    return concerned
  }

  fileprivate mutating func register(_ watch: KeysWatch, _ delivery: WatchDelivery) -> WatcherID? {
    let started = KeysWatchUpdate.started(
      etcdIndex: store.etcdIndex,
      raftIndex: appliedIndex.rawValue,
      raftTerm: term.rawValue
    )
    if isStopped {
      delivery.begin([.failed(EtcdError(.raftInternal, cause: ServerErrors.stopped))])
      return nil
    }
    nextWatcher += 1
    let id = WatcherID(nextWatcher)
    let wanted = Watch(key: watch.key, recursive: watch.recursive, waitIndex: watch.waitIndex, stream: watch.stream)
    switch hub.register(id, wanted, in: store) {
    case .failed(let error):
      delivery.begin([.failed(error)])
      return nil
    case .finished(let event):
      delivery.begin([started, .event(event), .closed])
      return nil
    case .registered(let history):
      delivery.begin([started] + history.map { .event($0) })
      deliveries[id] = delivery
      return id
    }
  }

  fileprivate mutating func forgetWatches() -> [WatchDelivery] {
    defer {
      hub = WatcherHub()
      deliveries = [:]
    }
    return deliveries.sorted { $0.key < $1.key }.map(\.value)
  }
}
