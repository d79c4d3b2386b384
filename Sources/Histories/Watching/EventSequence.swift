// SPDX-License-Identifier: Apache-2.0
public import EtcdStore

/// The true sequence of changes, as far as it is known: what watches are compared with.
///
/// It comes from the committed log (then it is complete), or from acknowledged writes and a watch over everything.
public struct EventSequence: Sendable {
  /// The known changes by their index; refreshes are part of them.
  public private(set) var events: [EtcdIndex: Event] = [:]
  /// Every change in this range is known.
  public private(set) var complete: ClosedRange<EtcdIndex>?

  /// Makes an empty sequence.
  public init() {}

  /// Collects the changes that clients saw acknowledged.
  public init(acknowledged operations: [ClientOperation]) {
    for operation in operations where operation.isAcknowledgedWrite {
      if case .succeeded(let event) = operation.outcome { add(event) }
    }
  }

  /// Adds one change; its index is the node's modifiedIndex.
  public mutating func add(_ event: Event) {
    events[event.node.modifiedIndex] = event
  }

  /// Says that nothing is missing between two indexes; an index without an event is one that no watcher sees.
  public mutating func noteComplete(_ range: ClosedRange<EtcdIndex>) {
    complete = range
  }

  /// The known indexes in order.
  public var indexes: [EtcdIndex] { events.keys.sorted() }

  /// The first event whose node before is not what the sequence says stood there.
  public func firstWrongPrevious() -> HistoryViolation? {
    var newest: [String: Event] = [:]
    for index in indexes {
      guard let event = events[index] else { continue }
      let key = event.node.key
      if let previous = event.previousNode, let source = events[previous.modifiedIndex], source.node.key == key {
        let isSame = source.node.value == previous.value && source.node.createdIndex == previous.createdIndex
        if !isSame { return Self.wrongPrevious(event, source) }
      }
      // Directories come and go without events of their own, with the files below them.
      if let last = newest[key], !event.node.isDirectory, isComplete(from: last.node.modifiedIndex, through: index) {
        let expected = last.action.isRemoval ? nil : last.node.modifiedIndex
        if event.previousNode?.modifiedIndex != expected { return Self.wrongPrevious(event, last) }
      }
      if event.action.isRemoval { newest = newest.filter { !isAncestor(key, of: $0.key) } }
      newest[key] = event
    }
    return nil
  }

  private func isComplete(from first: EtcdIndex, through last: EtcdIndex) -> Bool {
    complete.map { $0.contains(first) && $0.contains(last) } ?? false
  }

  private static func wrongPrevious(_ event: Event, _ before: Event) -> HistoryViolation {
    let detail = "the event at \(event.node.modifiedIndex) has another node before it than the change before left"
    return HistoryViolation("previous nodes", detail, window: [before.line, event.line])
  }
}

extension Event {
  /// Whether both tell of the same change; times left and headers are not part of it.
  func isSameChange(as other: Event) -> Bool {
    action == other.action && node.isSame(as: other.node)
      && (previousNode.map { $0.isSame(as: other.previousNode) } ?? (other.previousNode == nil))
  }
}

extension NodeView {
  fileprivate func isSame(as other: NodeView?) -> Bool {
    guard let other else { return false }
    return key == other.key && value == other.value && isDirectory == other.isDirectory
      && modifiedIndex == other.modifiedIndex && createdIndex == other.createdIndex
      && (expiration == nil) == (other.expiration == nil)
  }
}
