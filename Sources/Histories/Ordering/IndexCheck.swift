// SPDX-License-Identifier: Apache-2.0
import EtcdStore

/// What the indexes of answers say about the one order of all keys.
///
/// No index is given twice; who asks after an answer sees at least its index; a member's own state never goes back.
public struct IndexCheck: Sendable {
  /// Makes a check.
  public init() {}

  /// The first violation among the operations of a history.
  public func check(_ operations: [ClientOperation]) -> HistoryViolation? {
    uniqueness(operations) ?? realTime(operations) ?? ownState(operations)
  }

  // MARK: Uniqueness

  private func uniqueness(_ operations: [ClientOperation]) -> HistoryViolation? {
    var writers: [EtcdIndex: ClientOperation] = [:]
    for operation in operations where operation.isAcknowledgedWrite {
      guard case .succeeded(let event) = operation.outcome else { continue }
      let index = event.node.modifiedIndex
      if let other = writers.updateValue(operation, forKey: index) {
        let window = [other.description, operation.description]
        return HistoryViolation("unique indexes", "two writes were answered with index \(index)", window: window)
      }
      if event.node.createdIndex > index {
        return HistoryViolation(
          "unique indexes",
          "a node was created after it changed",
          window: [operation.description]
        )
      }
    }
    return nil
  }

  // MARK: Real time

  /// What a finished operation showed, in the order in which they finished.
  private struct Seen {
    var operation: ClientOperation
    var index: EtcdIndex
  }

  private func realTime(_ operations: [ClientOperation]) -> HistoryViolation? {
    let linearizable = operations.filter(\.isLinearizable)
    return goingBack(later: linearizable, than: linearizable).map { earlier, later in
      let kind = later.isAcknowledgedWrite ? "real-time order of writes" : "stale read"
      let what = "index \(later.observedIndex ?? .zero), though \(earlier.observedIndex ?? .zero) was answered before"
      return HistoryViolation(kind, "an answer shows \(what)", window: [earlier.description, later.description])
    }
  }

  // MARK: One member's own state

  /// Plain reads may be late, but on one member never go back, and never behind what it has answered.
  private func ownState(_ operations: [ClientOperation]) -> HistoryViolation? {
    let byMember = Dictionary(grouping: operations, by: \.member)
    for (member, asked) in byMember.sorted(by: { $0.key < $1.key }) {
      let plain = asked.filter { $0.action == .read(quorum: false) }
      if let (earlier, later) = goingBack(later: plain, than: asked) {
        let what = "to \(later.observedIndex ?? .zero) from \(earlier.observedIndex ?? .zero)"
        let window = [earlier.description, later.description]
        return HistoryViolation("plain reads never go back", "member \(member) went back \(what)", window: window)
      }
    }
    return wrongValue(operations)
  }

  /// Two operations of which the one asked after the other's answer shows less; a write must show more.
  private func goingBack(
    later: [ClientOperation],
    than earlier: [ClientOperation]
  ) -> (earlier: ClientOperation, later: ClientOperation)? {
    let finished = earlier.filter { $0.returned != .never }.sorted { $0.returned < $1.returned }
    var next = finished.startIndex
    var newest: Seen?
    for operation in later.sorted(by: { $0.invoked < $1.invoked }) {
      while next < finished.endIndex, finished[next].returned < operation.invoked {
        if let index = finished[next].observedIndex, index > (newest?.index ?? .zero) {
          newest = Seen(operation: finished[next], index: index)
        }
        next += 1
      }
      guard let newest, let index = operation.observedIndex else { continue }
      if index < newest.index || (index == newest.index && operation.isAcknowledgedWrite) {
        return (newest.operation, operation)
      }
    }
    return nil
  }

  /// Any read, however late, shows at an index what was written at that index.
  private func wrongValue(_ operations: [ClientOperation]) -> HistoryViolation? {
    var written: [EtcdIndex: ClientOperation] = [:]
    for operation in operations where operation.isAcknowledgedWrite {
      if let index = operation.observedIndex { written[index] = operation }
    }
    for operation in operations {
      guard case .read = operation.action, case .succeeded(let event) = operation.outcome, !event.node.isDirectory,
        let writer = written[event.node.modifiedIndex], case .succeeded(let original) = writer.outcome
      else { continue }
      if original.node.key != event.node.key || original.node.value != event.node.value {
        let window = [writer.description, operation.description]
        return HistoryViolation("values", "a read shows another value than was written at its index", window: window)
      }
    }
    return nil
  }
}
