// SPDX-License-Identifier: Apache-2.0
@_spi(Simulation) import EtcdServer
import EtcdStore
import FleetWire

/// The store of a simulated fleet: the production keyspace, which counts what is written to it.
///
/// A write is an entry of the log of its members; a batch of refreshes, gathered as a member does, is one.
struct FleetStore {
  /// How the store is.
  enum Condition {
    case working
    /// Requests fail at once, and watches end.
    case failing
    /// Nothing is answered, and watches stay silent.
    case silent
  }

  /// What is written, as far as it is told apart.
  enum Subject: String, CaseIterable {
    case presence, lease, placement, launched, unitState, client
  }

  var condition = Condition.working
  let layout = RegistryLayout()
  private var store = Store()
  /// Writes that took effect, by what they are about.
  private(set) var writes: [Subject: Int] = [:]
  /// Bytes of their keys and values.
  private(set) var writtenBytes = 0

  /// How many members machines share among them.
  static let memberCount = 3
  /// Who waits for a refresh.
  typealias Waiter = (Result<Event, EtcdError>) -> Void
  /// What each member keeps back.
  private var gathered = [GatheredRefreshes<Waiter>](repeating: GatheredRefreshes(), count: Self.memberCount)

  var etcdIndex: EtcdIndex { store.etcdIndex }
  var writeCount: Int { writes.values.reduce(0, +) }

  /// Takes a write; returns the answer and what watchers hear of it.
  mutating func apply(_ key: String, _ write: KeysWrite, at time: Int) -> (Result<Event, EtcdError>, [Event]) {
    let outcome = store.apply(.write(key: key, write), at: Self.stamp(time))
    if !outcome.changes.isEmpty {
      writes[subject(of: key), default: 0] += 1
      writtenBytes += key.utf8.count + (write.value?.utf8.count ?? 0)
    }
    return (outcome.result ?? .failure(EtcdError(.raftInternal)), outcome.events.filter { !$0.isRefresh })
  }

  /// Takes a refresh that may be kept back; ``applyRefreshes(at:)`` comes for it.
  mutating func gather(_ refresh: KeyRefresh, patience: Int, at time: Int, by member: Int, _ waiter: @escaping Waiter) {
    let due = Self.stamp(time + patience).nanosecondsSinceEpoch
    _ = gathered[member].add(PatientRefresh(refresh, dueNanoseconds: due, waiter: waiter))
  }

  /// Carries out the batches that are due.
  ///
  /// - Returns: Who is to be told what; nobody is when the store does not work.
  mutating func applyRefreshes(at time: Int) -> [(Waiter, Result<Event, EtcdError>)] {
    var answers: [(Waiter, Result<Event, EtcdError>)] = []
    let stamp = Self.stamp(time)
    for member in gathered.indices {
      for batch in gathered[member].takeDue(at: stamp.nanosecondsSinceEpoch) where condition == .working {
        let outcome = store.apply(.refresh(batch.map(\.refresh)), at: stamp)
        writes[.presence, default: 0] += 1
        writtenBytes += batch.reduce(0) { $0 + $1.refresh.key.utf8.count }
        answers += zip(batch.map(\.waiter), outcome.refreshed)
      }
    }
    return answers
  }

  /// Removes what has expired.
  mutating func expire(at time: Int) -> [Event] {
    let stamp = Self.stamp(time)
    guard condition == .working, let next = store.nextExpiration, next <= stamp else { return [] }
    return store.apply(.expire(through: stamp), at: stamp).events
  }

  /// The whole registry, as a machine lists it.
  func listing(at time: Int) -> NodeView? {
    try? store.get(layout.prefix, recursive: true, sorted: false, at: Self.stamp(time)).node
  }

  private static func stamp(_ time: Int) -> Timestamp {
    Timestamp(nanosecondsSinceEpoch: Int64(time) * 1_000_000)
  }

  private func subject(of key: String) -> Subject {
    switch layout.place(of: key) {
    case .machine: .presence
    case .engineLease: .lease
    case .target: .placement
    case .jobState: .launched
    case .unitState: .unitState
    default: .client
    }
  }
}

extension KeysWrite {
  fileprivate var value: String? {
    switch self {
    case .set(let value, _, _, _), .create(let value, _, _), .createInOrder(let value, _, _),
      .compareAndSwap(let value, _, _, _):
      value
    case .update(let value, _, _): value
    case .delete, .compareAndDelete: nil
    }
  }
}
