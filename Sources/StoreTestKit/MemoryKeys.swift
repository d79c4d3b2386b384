// SPDX-License-Identifier: Apache-2.0
public import EtcdStore
public import EtcdWire
import Synchronization

/// The port over a bare store: everything is answered at once on the caller's thread.
public final class MemoryKeys: KeysAPI {
  private struct State {
    var store = Store()
    var hub = WatcherHub()
    var consumers: [WatcherID: @Sendable (KeysWatchUpdate) -> Void] = [:]
    var nextID: UInt64 = 1
    var cancelledCount = 0
  }

  private let state = Mutex(State())

  /// Makes an empty store.
  public init() {}

  /// How many watches stand.
  public var watcherCount: Int { state.withLock { $0.hub.count } }
  /// How many watches were cancelled, whether they stood or not.
  public var cancelledCount: Int { state.withLock { $0.cancelledCount } }

  /// Carries out one request, at a time that stands still.
  public func perform(_ request: KeysRequest, answer: @escaping @Sendable (Result<KeysReply, EtcdError>) -> Void) {
    let now = Timestamp(nanosecondsSinceEpoch: 1_000_000_000_000)
    let (result, deliveries) = state.withLock { state -> (Result<Event, EtcdError>, [@Sendable () -> Void]) in
      switch request {
      case .read(let key, let read):
        let result = Result { () throws(EtcdError) in
          try state.store.get(key, recursive: read.recursive, sorted: read.sorted, at: now)
        }
        return (result, [])
      case .write(let key, let write, _):
        let outcome = state.store.apply(.write(key: key, write), at: now)
        let result = outcome.result ?? .failure(EtcdError(.raftInternal))
        return (result, Self.deliveries(of: outcome, in: &state))
      }
    }
    for deliver in deliveries { deliver() }
    answer(result.map { KeysReply(event: $0, raftIndex: $0.etcdIndex.rawValue + 100, raftTerm: 2) })
  }

  /// Registers a watch and hands over what the history has for it.
  public func watch(_ watch: KeysWatch, deliver: @escaping @Sendable (KeysWatchUpdate) -> Void) -> KeysWatchCancellation
  {
    let (id, updates) = state.withLock { state -> (WatcherID, [KeysWatchUpdate]) in
      let id = WatcherID(state.nextID)
      state.nextID += 1
      let wanted = Watch(
        key: watch.key,
        recursive: watch.recursive,
        waitIndex: watch.waitIndex,
        stream: watch.stream
      )
      let index = state.store.etcdIndex
      let started = KeysWatchUpdate.started(etcdIndex: index, raftIndex: index.rawValue + 100, raftTerm: 2)
      switch state.hub.register(id, wanted, in: state.store) {
      case .registered(let history):
        state.consumers[id] = deliver
        return (id, [started] + history.map { .event($0) })
      case .finished(let event): return (id, [started, .event(event), .closed])
      case .failed(let error): return (id, [.failed(error)])
      }
    }
    for update in updates { deliver(update) }
    return KeysWatchCancellation { [self] in
      state.withLock { state in
        state.hub.cancel(id)
        state.consumers[id] = nil
        state.cancelledCount += 1
      }
    }
  }

  /// Ends every watch, as a store that stops does.
  public func stop() {
    let consumers = state.withLock { state in
      defer { state.consumers = [:] }
      return state.consumers.sorted { $0.key < $1.key }.map(\.value)
    }
    for consumer in consumers { consumer(.closed) }
  }

  private static func deliveries(of outcome: StoreOutcome, in state: inout State) -> [@Sendable () -> Void] {
    var deliveries: [@Sendable () -> Void] = []
    for match in outcome.changes.flatMap({ state.hub.notify($0) }) {
      guard let consumer = state.consumers[match.watcher] else { continue }
      deliveries.append { consumer(.event(match.event)) }
      if match.isLast {
        state.consumers[match.watcher] = nil
        deliveries.append { consumer(.closed) }
      }
    }
    return deliveries
  }
}

extension Result {
  fileprivate init(_ body: () throws(Failure) -> Success) {
    do throws(Failure) {
      self = .success(try body())
    } catch {
      self = .failure(error)
    }
  }
}
