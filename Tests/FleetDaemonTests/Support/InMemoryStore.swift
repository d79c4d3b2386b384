// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import Synchronization

/// The real keyspace in memory, for several machines whose way to it can be cut.
final class InMemoryStore: Sendable {
  private struct Contents {
    var store = Store()
    var hub = WatcherHub()
    var nextWatcher: UInt64 = 0
    var deliveries: [WatcherID: @Sendable (KeysWatchUpdate) -> Void] = [:]
    var operations = 0
    var writes: [String] = []
    /// What watchers are still to be told, in order.
    var pending: [@Sendable () -> Void] = []
    var isDelivering = false
    var isHoldingBack = false
  }

  private let contents = Mutex(Contents())
  private let clock: ManualClock

  init(clock: ManualClock) {
    self.clock = clock
  }

  /// How many requests there were.
  var operationCount: Int { contents.withLock { $0.operations } }

  /// Keys written, refreshes included, in order.
  var writtenKeys: [String] { contents.withLock { $0.writes } }

  private var stamp: Timestamp {
    let (seconds, attoseconds) = clock.now().components
    return Timestamp(nanosecondsSinceEpoch: seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
  }

  /// Removes what has expired.
  func expire() {
    let stamp = stamp
    apply { $0.store.apply(.expire(through: stamp), at: stamp) }
  }

  func perform(_ request: KeysRequest) -> Result<KeysReply, EtcdError> {
    let stamp = stamp
    switch request {
    case .read(let key, let read):
      return contents.withLock { contents in
        contents.operations += 1
        do throws(EtcdError) {
          let event = try contents.store.get(key, recursive: read.recursive, sorted: read.sorted, at: stamp)
          return .success(KeysReply(event: event, raftIndex: 0, raftTerm: 0))
        } catch {
          return .failure(error)
        }
      }
    case .write(let key, let write, _):
      let outcome = apply { contents in
        contents.operations += 1
        contents.writes.append(key)
        return contents.store.apply(.write(key: key, write), at: stamp)
      }
      switch outcome.result {
      case .success(let event)?: return .success(KeysReply(event: event, raftIndex: 0, raftTerm: 0))
      case .failure(let error)?: return .failure(error)
      case nil: return .failure(EtcdError(.raftInternal))
      }
    }
  }

  @discardableResult
  private func apply(_ body: (inout Contents) -> StoreOutcome) -> StoreOutcome {
    let outcome = contents.withLock { contents in
      let outcome = body(&contents)
      for match in outcome.changes.flatMap({ contents.hub.notify($0) }) {
        guard let deliver = contents.deliveries[match.watcher] else { continue }
        contents.pending.append { deliver(.event(match.event)) }
      }
      return outcome
    }
    tellWatchers()
    return outcome
  }

  /// Tells watchers in order and outside the lock: a watcher that is being cancelled holds locks of its own.
  private func tellWatchers() {
    while true {
      let next: (@Sendable () -> Void)? = contents.withLock { contents in
        guard !contents.isDelivering, !contents.isHoldingBack, !contents.pending.isEmpty else { return nil }
        contents.isDelivering = true
        return contents.pending.removeFirst()
      }
      guard let next else { return }
      next()
      contents.withLock { $0.isDelivering = false }
    }
  }

  /// Keeps what watchers are to be told, or tells it after all.
  func setHoldingBack(_ isHoldingBack: Bool) {
    contents.withLock { $0.isHoldingBack = isHoldingBack }
    tellWatchers()
  }

  func watch(_ watch: KeysWatch, deliver: @escaping @Sendable (KeysWatchUpdate) -> Void) -> WatcherID {
    let id = contents.withLock { contents in
      contents.nextWatcher += 1
      let id = WatcherID(contents.nextWatcher)
      let wanted = Watch(key: watch.key, recursive: watch.recursive, waitIndex: watch.waitIndex, stream: watch.stream)
      switch contents.hub.register(id, wanted, in: contents.store) {
      case .registered(let history):
        contents.deliveries[id] = deliver
        let index = contents.store.etcdIndex
        contents.pending.append { deliver(.started(etcdIndex: index, raftIndex: 0, raftTerm: 0)) }
        for event in history { contents.pending.append { deliver(.event(event)) } }
      case .finished(let event):
        contents.pending += [{ deliver(.event(event)) }, { deliver(.closed) }]
      case .failed(let error):
        contents.pending.append { deliver(.failed(error)) }
      }
      return id
    }
    tellWatchers()
    return id
  }

  func cancel(_ id: WatcherID) {
    contents.withLock { contents in
      contents.hub.cancel(id)
      contents.deliveries[id] = nil
    }
  }

  /// Every key below a directory that holds a value, hidden ones too, and every empty directory, sorted.
  func keys(below directory: String) -> [String] {
    guard case .success(let reply) = perform(.read(key: directory, KeysRead(recursive: true))) else { return [] }
    var pending = reply.event.node.nodes ?? []
    var keys: [String] = []
    while let node = pending.popLast() {
      if let nodes = node.nodes { pending += nodes } else { keys.append(node.key) }
    }
    return keys.sorted()
  }

  func value(_ key: String) -> String? {
    try? perform(.read(key: key, KeysRead())).get().event.node.value
  }
}

/// One machine's way to the store.
final class StoreConnection: KeysAPI {
  enum Condition: Sendable {
    case working
    /// Requests fail at once.
    case failing
    /// Requests are never answered.
    case silent
    /// As silent; watches stand, and what they would tell comes later: ``StoreConnection/tellNext()``.
    case behind
  }

  private struct Contents {
    var condition = Condition.working
    var watches: [WatcherID: @Sendable (KeysWatchUpdate) -> Void] = [:]
    var untold: [@Sendable () -> Void] = []
    var keepsBackPatient = false
    var keptBack: [@Sendable () -> Void] = []
    /// The way is cut by the first write of such a key, which is lost.
    var fatalKey: (@Sendable (String) -> Bool)?
  }

  private let store: InMemoryStore
  private let contents = Mutex(Contents())

  init(_ store: InMemoryStore) {
    self.store = store
  }

  /// Changes the condition; watches that stood while the way was cut end, as over a real network.
  func set(_ condition: Condition) {
    let ended = contents.withLock { contents -> [WatcherID: @Sendable (KeysWatchUpdate) -> Void] in
      let keepsWatches = condition == .behind || contents.condition == .behind
      contents.condition = condition
      if keepsWatches { return [:] }
      defer { contents.watches = [:] }
      return contents.watches
    }
    for (id, deliver) in ended {
      store.cancel(id)
      deliver(.closed)
    }
  }

  /// Tells watches the next thing that they have missed; returns whether there was one.
  func tellNext() -> Bool {
    let next = contents.withLock { $0.untold.first }
    next?()
    contents.withLock { if !$0.untold.isEmpty { $0.untold.removeFirst() } }
    return next != nil
  }

  /// Lets the first write of some key be lost, and cuts the way to the store.
  func cut(atWriteOf isFatal: @escaping @Sendable (String) -> Bool) {
    contents.withLock { $0.fatalKey = isFatal }
  }

  func perform(_ request: KeysRequest, answer: @escaping @Sendable (Result<KeysReply, EtcdError>) -> Void) {
    let isCut = contents.withLock { contents in
      guard case .write(let key, _, _) = request, contents.fatalKey?(key) == true else { return false }
      contents.fatalKey = nil
      return true
    }
    if isCut { set(.silent) }
    let isKeptBack = contents.withLock { contents in
      guard contents.keepsBackPatient, case .write(_, _, let patience) = request, patience > .zero else { return false }
      contents.keptBack.append { [store] in answer(store.perform(request)) }
      return true
    }
    guard !isKeptBack else { return }
    switch contents.withLock({ $0.condition }) {
    case .working: answer(store.perform(request))
    case .failing: answer(.failure(EtcdError(.raftInternal, cause: "no leader")))
    case .silent, .behind: break
    }
  }

  /// Keeps patient refreshes back from now on, or carries all out that were kept back.
  func keepBackPatient(_ keepsBack: Bool) {
    let due = contents.withLock { contents in
      contents.keepsBackPatient = keepsBack
      defer { if !keepsBack { contents.keptBack = [] } }
      return keepsBack ? [] : contents.keptBack
    }
    for perform in due { perform() }
  }

  /// Whether requests are never answered.
  var isSilent: Bool { contents.withLock { $0.condition == .silent } }

  /// How many refreshes are kept back.
  var keptBack: Int { contents.withLock { $0.keptBack.count } }

  func watch(_ watch: KeysWatch, deliver: @escaping @Sendable (KeysWatchUpdate) -> Void) -> KeysWatchCancellation {
    guard contents.withLock({ $0.condition == .working }) else {
      deliver(.failed(EtcdError(.raftInternal, cause: "no leader")))
      return KeysWatchCancellation {}
    }
    let id = store.watch(watch) { [self] update in
      let mustWait = contents.withLock { contents in
        guard contents.condition == .behind || !contents.untold.isEmpty else { return false }
        contents.untold.append { deliver(update) }
        return true
      }
      if !mustWait { deliver(update) }
    }
    contents.withLock { $0.watches[id] = deliver }
    return KeysWatchCancellation { [self] in
      store.cancel(id)
      _ = contents.withLock { $0.watches.removeValue(forKey: id) }
    }
  }
}
