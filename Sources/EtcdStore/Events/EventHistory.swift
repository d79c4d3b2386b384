// SPDX-License-Identifier: Apache-2.0

/// The newest events of a store, of every key, refreshes included, for watches that start in the past.
///
/// Invariant: the events' indexes follow one another without gaps, since each index belongs to exactly one event.
/// Source: etcd v2.3.8 `store/event_history.go`; specs §11.
public struct EventHistory: Sendable, Equatable {
  /// How many events are kept at most.
  public let capacity: Int
  private var ring: [Event] = []
  private var oldestPosition = 0

  /// Makes an empty history.
  public init(capacity: Int) {
    precondition(capacity > 0, "an event history keeps at least one event")
    self.capacity = capacity
  }

  /// How many events are kept now.
  public var count: Int { ring.count }

  /// Index of the oldest event kept; nil when there is none.
  public var oldestIndex: EtcdIndex? { ring.isEmpty ? nil : ring[oldestPosition].etcdIndex }

  /// Index of the newest event; nil when there is none.
  public var newestIndex: EtcdIndex? {
    oldestIndex.map { EtcdIndex($0.rawValue + UInt64(ring.count) - 1) }
  }

  /// The events, oldest first.
  public var events: some Sequence<Event> {
    [ring[oldestPosition...], ring[..<oldestPosition]].joined()
  }

  /// The event of one index; nil when it is not kept.
  public func event(at index: EtcdIndex) -> Event? {
    guard let oldestIndex, index >= oldestIndex else { return nil }
    let distance = index.rawValue - oldestIndex.rawValue
    guard distance < UInt64(ring.count) else { return nil }
    return ring[(oldestPosition + Int(distance)) % ring.count]
  }

  /// Whether both keep the same events, wherever they stand in the ring.
  public static func == (left: EventHistory, right: EventHistory) -> Bool {
    left.capacity == right.capacity && left.events.elementsEqual(right.events)
  }

  /// Adds the next event; the oldest gives way when the history is full.
  mutating func append(_ event: Event) {
    precondition(newestIndex.map { $0.next == event.etcdIndex } ?? true, "an event skipped an index")
    if ring.count < capacity {
      ring.append(event)
    } else {
      ring[oldestPosition] = event
      oldestPosition = (oldestPosition + 1) % capacity
    }
  }
}
