// SPDX-License-Identifier: Apache-2.0

/// The keyspace of etcd v2 as one value: the tree, its index, its expirations and the history of its events.
///
/// Equal commands with equal stamps give equal stores, whatever the machine: nothing here reads a clock, draws a
/// random number or depends on the order of a dictionary.
///
/// Shape: a value without references; applying a command changes a store in place while no copy of it is alive, and
/// copies the whole tree once when one is. Keep one store behind a lock; copy it only to take a snapshot.
/// Source: etcd v2.3.8 `store/store.go`; specs §3–§11.
public struct Store: Sendable {
  /// How many events the history of the original keeps.
  public static let defaultHistoryCapacity = 1_000

  /// Index of the newest change.
  public internal(set) var etcdIndex: EtcdIndex = .zero

  /// Counters of `/v2/stats/store`; they are this member's own and no part of the replicated content.
  public var statistics = StoreStatistics()

  /// The newest events, for watches that start in the past.
  public internal(set) var history: EventHistory

  var tree = NodeTree()

  /// Makes an empty store: a root at index 0.
  public init(historyCapacity: Int = Store.defaultHistoryCapacity) {
    history = EventHistory(capacity: historyCapacity)
  }

  /// When the next node expires; nil when every node is permanent.
  public var nextExpiration: Timestamp? {
    tree.nextToExpire.flatMap { tree[$0].expiration }
  }

  /// How many nodes there are, the root included.
  public var nodeCount: Int { tree.count }

  /// Applies the next command of the log.
  ///
  /// Invariant: ``etcdIndex`` grows by one for each change in the outcome and stands still for a failure.
  ///
  /// - Parameters:
  ///   - command: The command, applied on every member in the same order.
  ///   - stamp: The leader's clock when it appended the command; TTLs count from it.
  /// - Returns: The answer for the proposer, and the changes for the watcher hub.
  public mutating func apply(_ command: StoreCommand, at stamp: Timestamp) -> StoreOutcome {
    switch command {
    case .write(let key, let write): return apply(write, on: key, at: stamp)
    case .refresh(let refreshes):
      let outcomes = refreshes.map { refresh in
        apply(.update(value: nil, ttl: .seconds(refresh.ttlSeconds), refresh: true), on: refresh.key, at: stamp)
      }
      return StoreOutcome(
        result: nil,
        refreshed: outcomes.compactMap(\.result),
        changes: outcomes.flatMap(\.changes)
      )
    case .expire(let moment):
      return StoreOutcome(result: nil, changes: expire(through: min(moment, stamp)))
    }
  }

  private mutating func apply(_ write: KeysWrite, on key: String, at stamp: Timestamp) -> StoreOutcome {
    let outcome = StoreOutcome(applying: { () throws(EtcdError) in
      try self.perform(write, on: NodeKey.cleaned(key), at: stamp)
    })
    statistics.count(write, succeeded: !outcome.changes.isEmpty)
    return outcome
  }

  /// Finishes a change: counts the index up and keeps the event.
  mutating func record(_ event: Event) {
    precondition(event.etcdIndex == etcdIndex.next, "an event takes the next index")
    etcdIndex = event.etcdIndex
    history.append(event)
  }

  /// An error with the store's present index.
  func error(_ code: EtcdErrorCode, _ cause: String) -> EtcdError {
    EtcdError(code, cause: cause, index: etcdIndex)
  }
}

extension StoreOutcome {
  fileprivate init(applying body: () throws(EtcdError) -> StoreChange) {
    do {
      let change = try body()
      self.init(result: .success(change.event), changes: [change])
    } catch {
      self.init(result: .failure(error), changes: [])
    }
  }
}
