// SPDX-License-Identifier: Apache-2.0
public import EtcdStore

/// Whether watches delivered what they owed: every matching event once, in order, from where they began.
///
/// Source: specs §11; the guarantees that etcd's robustness tests check (ordered, unique, reliable, resumable).
public struct WatchCheck: Sendable {
  /// The changes there were.
  public var sequence: EventSequence
  /// Up to here open watches must have delivered everything; nil when that is not asked.
  public var deliveredThrough: EtcdIndex?

  /// Makes a check.
  public init(_ sequence: EventSequence, deliveredThrough: EtcdIndex? = nil) {
    self.sequence = sequence
    self.deliveredThrough = deliveredThrough
  }

  /// The first violation among some watches.
  public func check(_ watches: [RecordedWatch]) -> HistoryViolation? {
    let indexes = sequence.indexes
    for watch in watches {
      if let violation = order(watch) ?? content(watch) ?? gaps(watch, indexes) { return violation }
    }
    return nil
  }

  // MARK: Order and uniqueness

  private func order(_ watch: RecordedWatch) -> HistoryViolation? {
    if !watch.stream, watch.events.count > 1 {
      return violation("watch events come once", "a watch for one event delivered \(watch.events.count)", watch)
    }
    var last: EtcdIndex?
    for event in watch.events {
      let index = event.node.modifiedIndex
      if let first = watch.firstIndex, index < first {
        return violation("watch order", "an event of \(index) came, though the watch began at \(first)", watch, event)
      }
      if let last, index <= last {
        let rule = index == last ? "watch events come once" : "watch order"
        return violation(rule, "an event of \(index) came after one of \(last)", watch, event)
      }
      last = index
    }
    return nil
  }

  // MARK: Content

  private func content(_ watch: RecordedWatch) -> HistoryViolation? {
    for event in watch.events {
      let index = event.node.modifiedIndex
      if watch.match(event) == .no {
        return violation("watch content", "an event of \(event.node.key) is not for this watch", watch, event)
      }
      if let known = sequence.events[index] {
        if !known.isSameChange(as: event) {
          let window = [watch.description, "delivered: \(event.line)", "happened: \(known.line)"]
          return HistoryViolation("watch content", "an event of \(index) is not what happened", window: window)
        }
        if known.isRefresh { return violation("watch content", "a refresh woke the watch", watch, event) }
      } else if sequence.complete?.contains(index) == true {
        return violation("watch content", "an event of \(index) never happened", watch, event)
      }
    }
    return nil
  }

  // MARK: Gaps

  private func gaps(_ watch: RecordedWatch, _ indexes: [EtcdIndex]) -> HistoryViolation? {
    guard let first = watch.firstIndex, let through = dueThrough(watch) else { return nil }
    var delivered = watch.events.makeIterator()
    var next = delivered.next()
    for index in indexes where index >= first && index <= through {
      while let event = next, event.node.modifiedIndex < index { next = delivered.next() }
      guard let event = sequence.events[index], !event.isRefresh, watch.match(event) == .certain else { continue }
      if next?.node.modifiedIndex != index {
        return violation("watches have no gaps", "the event of \(index) was not delivered", watch, event)
      }
    }
    return nil
  }

  /// The last index whose event must have come.
  private func dueThrough(_ watch: RecordedWatch) -> EtcdIndex? {
    let last = watch.events.last?.node.modifiedIndex
    let isWaiting = watch.end == .open && watch.startedIndex != nil && (watch.stream || watch.events.isEmpty)
    guard isWaiting, let deliveredThrough else { return last }
    return max(deliveredThrough, last ?? .zero)
  }

  private func violation(
    _ rule: String,
    _ detail: String,
    _ watch: RecordedWatch,
    _ event: Event? = nil
  ) -> HistoryViolation {
    var window = [watch.description]
    let place = event.map { event in
      watch.events.firstIndex { $0.node.modifiedIndex >= event.node.modifiedIndex } ?? watch.events.count
    }
    let around = place.map { max(0, $0 - 3)..<min(watch.events.count, $0 + 3) } ?? 0..<min(watch.events.count, 3)
    window += watch.events[around].map { "delivered: \($0.line)" }
    if let event { window.append("concerned: \(event.line)") }
    return HistoryViolation(rule, detail, window: window)
  }
}

extension RecordedWatch {
  /// Whether a change is for a watch.
  enum Match {
    case no
    case certain
    /// The removal of a directory above: live it is for those only whose key existed, in the history for all below.
    case possible
  }

  func match(_ event: Event) -> Match {
    let changed = event.node.key
    if changed == key { return .certain }
    if event.action.isRemoval, isAncestor(changed, of: key) { return .possible }
    guard recursive, isAncestor(key, of: changed) else { return .no }
    let below = changed.dropFirst(key == "/" ? 1 : key.count + 1)
    return below.split(separator: "/").contains { $0.hasPrefix("_") } ? .no : .certain
  }
}
