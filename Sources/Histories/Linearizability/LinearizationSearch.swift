// SPDX-License-Identifier: Apache-2.0
import EtcdStore

/// Looks for an order of the steps of one key that the model allows and that keeps real time.
///
/// Each answered step must find its place between its invocation and its answer; an unanswered one may stand anywhere
/// after its invocation, or nowhere. Of unanswered ones only those placements are tried that somebody may have noticed.
/// Source: Wing and Gong, "Testing and verifying concurrent objects"; the memory of visited configurations is Lowe's,
/// as in porcupine.
struct LinearizationSearch {
  /// What a search came to.
  enum Verdict {
    case linearizable
    case violated
    /// The limit of configurations was reached first.
    case undecided
  }

  /// A set of steps, by position.
  private struct Steps: Hashable {
    var words: [UInt64]

    init(count: Int) { words = [UInt64](repeating: 0, count: (count + 63) / 64) }

    func contains(_ position: Int) -> Bool { words[position >> 6] >> UInt64(position & 63) & 1 == 1 }

    mutating func insert(_ position: Int) { words[position >> 6] |= 1 << UInt64(position & 63) }
  }

  /// Which steps have been placed, and what the key holds then.
  private struct Configuration: Hashable {
    var placed: Steps
    var state: KeyState
    /// The last step was an unanswered one.
    var endsUnanswered = false
  }

  /// A configuration with what is left to try from it.
  private struct Frame {
    var configuration: Configuration
    /// Every answered step before this position has been placed.
    var firstOpen: Int
    var successors: [(position: Int, state: KeyState)]
  }

  /// Answered steps, by invocation, then the unanswered ones, by invocation too.
  private let steps: [KeyStep]
  private let answeredCount: Int
  /// Of the unanswered steps: which are as good as each other; nil for one that is like no other.
  private let kinds: [KeyStep.UnnoticedKind?]
  private let limit: Int

  init(_ steps: [KeyStep], limit: Int) {
    let answered = steps.filter { $0.operation.returned != .never }
    let noticed = Set(steps.flatMap(\.noticedValues))
    let unanswered = steps.filter { $0.operation.returned == .never }.map { $0.hidingValue(unless: noticed) }
    self.steps = answered + unanswered
    answeredCount = answered.count
    kinds = unanswered.map(\.unnoticedKind)
    self.limit = limit
  }

  func run() -> Verdict {
    guard answeredCount > 0 else { return .linearizable }
    var visited: Set<Configuration> = []
    let start = Configuration(placed: Steps(count: steps.count), state: KeyState())
    var stack = [frame(start, firstOpen: 0)]
    while let top = stack.indices.last {
      guard let next = stack[top].successors.popLast() else {
        stack.removeLast()
        continue
      }
      var configuration = stack[top].configuration
      configuration.placed.insert(next.position)
      configuration.state = next.state
      configuration.endsUnanswered = next.position >= answeredCount
      guard visited.insert(configuration).inserted else { continue }
      if visited.count > limit { return .undecided }
      var firstOpen = stack[top].firstOpen
      while firstOpen < answeredCount, configuration.placed.contains(firstOpen) { firstOpen += 1 }
      if firstOpen == answeredCount { return .linearizable }
      stack.append(frame(configuration, firstOpen: firstOpen))
    }
    return .violated
  }

  /// The next steps to try, the most promising last.
  private func frame(_ configuration: Configuration, firstOpen: Int) -> Frame {
    var earliestReturn = Moment.never
    var open: [Int] = []
    for position in firstOpen..<answeredCount where !configuration.placed.contains(position) {
      let operation = steps[position].operation
      if operation.invoked > earliestReturn { break }
      earliestReturn = min(earliestReturn, operation.returned)
      open.append(position)
    }
    open.removeAll { steps[$0].operation.invoked > earliestReturn }
    open.sort { rank($0) < rank($1) }
    open += unanswered(configuration, before: earliestReturn)
    var successors: [(position: Int, state: KeyState)] = []
    for position in open.reversed() {
      // Pushed in reverse, so that the plain reading comes before "it had run out by then".
      for state in steps[position].successors(of: configuration.state).reversed() {
        successors.append((position, state))
      }
    }
    return Frame(configuration: configuration, firstOpen: firstOpen, successors: successors)
  }

  /// The unanswered steps worth trying.
  ///
  /// Of those that are as good as each other the first will do, and one that wipes out an unanswered step before it
  /// could as well stand without it.
  private func unanswered(_ configuration: Configuration, before earliestReturn: Moment) -> [Int] {
    var found: [Int] = []
    var seen: Set<KeyStep.UnnoticedKind> = []
    for position in answeredCount..<steps.count where !configuration.placed.contains(position) {
      guard steps[position].operation.invoked <= earliestReturn else { break }
      if configuration.endsUnanswered, steps[position].wipesOut { continue }
      if let kind = kinds[position - answeredCount], !seen.insert(kind).inserted { continue }
      found.append(position)
    }
    return found
  }

  /// The order in which the answers say the steps stood: by index, a write before those who saw it.
  private func rank(_ position: Int) -> (UInt64, Int, Moment) {
    let operation = steps[position].operation
    let index = operation.observedIndex?.rawValue ?? .max
    return (index, operation.isAcknowledgedWrite ? 0 : 1, operation.returned)
  }
}
