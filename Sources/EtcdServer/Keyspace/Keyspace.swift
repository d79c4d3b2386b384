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
  /// The most watches that wait here; further ones are refused.
  ///
  /// Connections run out long before.
  static let maximumWatchers = 262_144

  private let state: Mutex<State>
  /// What the state says of users, for requests that ask this alone.
  private let requiresAuth = Atomic(false)
  private let clocks: MemberClocks
  private let brokenRule: BrokenStoreRule?

  fileprivate struct State {
    var store: Store
    var membership = Membership()
    var auth = AuthState()
    var hub = WatcherHub()
    var deliveries: [WatcherID: WatchDelivery] = [:]
    var nextWatcher: UInt64 = 0
    var appliedIndex = LogIndex.zero
    var term = Term.zero
    var isStopped = false
  }

  init(historyCapacity: Int, clocks: MemberClocks, brokenRule: BrokenStoreRule? = nil) {
    self.clocks = clocks
    self.brokenRule = brokenRule
    state = Mutex(State(store: Store(historyCapacity: historyCapacity)))
  }

  // MARK: Changes, from the replica's thread

  /// Applies a command and wakes its watchers.
  ///
  /// - Returns: The answer to a write, or those to the refreshes of a batch.
  func apply(
    _ command: StoreCommand,
    of entry: Entry
  ) -> (reply: Result<KeysReply, EtcdError>?, refreshed: [Result<KeysReply, EtcdError>]) {
    var stamp = Timestamp(nanosecondsSinceEpoch: entry.timestampNanoseconds)
    var command = command
    if brokenRule == .expireByOwnClock, case .expire = command {
      stamp = clocks.wall()
      command = .expire(through: stamp)
    }
    let (outcome, concerned) = state.withLock { state in
      let outcome = state.store.apply(command, at: stamp)
      state.advance(to: entry)
      return (outcome, state.notify(outcome.changes))
    }
    deliver(concerned)
    func reply(_ event: Event) -> KeysReply {
      KeysReply(event: event, raftIndex: entry.index.rawValue, raftTerm: entry.term.rawValue)
    }
    return (outcome.result?.map(reply), outcome.refreshed.map { $0.map(reply) })
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

  /// Applies a change of users or roles, which takes no index of the store.
  func apply(_ change: AuthChange, of entry: Entry) -> Result<AuthOutcome, AuthError> {
    state.withLock { state in
      state.advance(to: entry)
      do throws(AuthError) {
        let outcome = try state.auth.apply(change)
        requiresAuth.store(state.auth.isEnabled, ordering: .releasing)
        return .success(outcome)
      } catch {
        return .failure(error)
      }
    }
  }

  /// Passes over an entry that changes nothing here.
  func skip(_ entry: Entry) {
    state.withLock { $0.advance(to: entry) }
  }

  /// Replaces everything.
  ///
  /// Watches end, since the events in between are not known; their owners begin again where they were.
  func replace(store: Store, membership: Membership, auth: AuthState, at metadata: SnapshotMetadata) {
    let closing = state.withLock { state in
      let statistics = state.store.statistics
      state.store = store
      state.store.statistics = statistics
      state.membership = membership
      state.auth = auth
      requiresAuth.store(auth.isEnabled, ordering: .releasing)
      state.appliedIndex = metadata.index
      state.term = max(state.term, metadata.term)
      return brokenRule == .watchOverSnapshot ? [] : state.forgetWatches()
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
    let now = clocks.wall()
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

  /// The users and roles as applied.
  var auth: AuthState { state.withLock { $0.auth } }

  /// Whether requests need permission.
  var isAuthEnabled: Bool { requiresAuth.load(ordering: .acquiring) }

  /// The store's index and the log's.
  var indexes: (etcd: EtcdIndex, applied: LogIndex) { state.withLock { ($0.store.etcdIndex, $0.appliedIndex) } }

  /// What is counted here: operations, watchers, nodes.
  var metrics: MemberMetrics {
    var metrics = MemberMetrics()
    state.withLock { state in
      metrics.store = state.store.statistics
      metrics.watcherCount = state.hub.count
      metrics.watchRequestCount = state.nextWatcher
      metrics.nodeCount = state.store.nodeCount
    }
    return metrics
  }

  /// A copy of the replicated state; taking it is cheap, but the next change copies the tree while it is alive.
  func copy() -> (store: Store, membership: Membership, auth: AuthState, applied: LogIndex) {
    state.withLock { ($0.store, $0.membership, $0.auth, $0.appliedIndex) }
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
    guard deliveries.count < Keyspace.maximumWatchers else {
      delivery.begin([.failed(EtcdError(.raftInternal, cause: ServerErrors.tooManyWatchers))])
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
