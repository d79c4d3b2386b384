// SPDX-License-Identifier: Apache-2.0
import EtcdStore

/// Whether the writes and quorum reads of a history can be put into one order, key by key.
///
/// Answers bind with all they tell: values, indexes, the node before, and for refusals what they say was not so. The
/// promise is checked key by key, which is as good as on all keys at once; ``IndexCheck`` ties the keys together.
public struct LinearizabilityCheck: Sendable {
  /// How many configurations are looked at for one key before it counts as undecided.
  public var limit = 100_000

  /// Makes a check with the usual limit.
  public init() {}

  /// What a check came to.
  public struct Result: Sendable, Equatable {
    /// The first key, in their order, that no order explains; with the shortest history that shows it.
    public var violation: HistoryViolation?
    /// Keys whose histories were too tangled to decide within the limit.
    public var undecidedKeys: [String]

    /// Makes a result; without arguments that of a good history.
    public init(violation: HistoryViolation? = nil, undecidedKeys: [String] = []) {
      self.violation = violation
      self.undecidedKeys = undecidedKeys
    }
  }

  /// Checks the operations of a history, in any order.
  public func check(_ operations: [ClientOperation]) -> Result {
    var result = Result()
    for (key, steps) in KeyHistories(operations).steps.sorted(by: { $0.key < $1.key }) {
      switch LinearizationSearch(steps, limit: limit).run() {
      case .linearizable: break
      case .undecided: result.undecidedKeys.append(key)
      case .violated:
        result.violation = explain(key, steps)
        return result
      }
    }
    return result
  }

  /// Cuts a violated history down to the shortest beginning that is violated, and shows its end.
  private func explain(_ key: String, _ steps: [KeyStep]) -> HistoryViolation {
    let ends = steps.map(\.operation.returned).filter { $0 != .never }.sorted()
    // Beginnings of a linearizable history are linearizable, so that the first bad one is found by halving.
    var (low, high) = (0, ends.count - 1)
    while low < high {
      let middle = (low + high) / 2
      if case .violated = LinearizationSearch(beginning(of: steps, through: ends[middle]), limit: limit).run() {
        high = middle
      } else {
        low = middle + 1
      }
    }
    let end = ends.isEmpty ? Moment.never : ends[low]
    let window = HistoryWindow(beginning(of: steps, through: end).map(\.operation), endingAt: end)
    return HistoryViolation(
      "linearizability",
      "no order of the operations on \(key) explains the answer at \(end)",
      window: window.lines
    )
  }

  /// What had happened at a moment: what was not answered by then is not known to have taken effect.
  private func beginning(of steps: [KeyStep], through end: Moment) -> [KeyStep] {
    steps.filter { $0.operation.invoked <= end }.map { step in
      guard step.operation.returned > end else { return step }
      var cut = step
      cut.operation.finish(.unknown, at: .never)
      return cut
    }
  }
}

/// The end of a history, as people read it.
struct HistoryWindow {
  /// Operations shown before those that overlap the last one.
  private static let answeredBefore = 10
  /// The most unanswered operations shown.
  private static let unanswered = 10

  let lines: [String]

  init(_ operations: [ClientOperation], endingAt end: Moment) {
    let answered = operations.filter { $0.returned <= end && $0.returned != .never }.sorted {
      $0.returned < $1.returned
    }
    let started = answered.last?.invoked ?? end
    let concurrent = answered.filter { $0.returned >= started }
    let before = answered.filter { $0.returned < started }.suffix(Self.answeredBefore)
    let open = operations.filter { $0.returned == .never }.suffix(Self.unanswered)
    lines = (before + concurrent + open).sorted { $0.invoked < $1.invoked }.map { operation in
      "\(operation)\(operation.returned == end ? "   ◀ impossible" : "")"
    }
  }
}
