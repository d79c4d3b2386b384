// SPDX-License-Identifier: Apache-2.0
import EtcdWire

/// The answers of one turn, gathered by where they are wanted, so that each thread is woken once.
struct CarriedAnswers {
  private var groups: [(carrier: any AnswerCarrier, calls: [@Sendable () -> Void])] = []

  /// Adds a call; without a carrier it is made at once.
  mutating func add(_ carrier: (any AnswerCarrier)?, _ call: @escaping @Sendable () -> Void) {
    guard let carrier else { return call() }
    // There are as many groups as the callers have threads: few.
    if let place = groups.firstIndex(where: { $0.carrier.destination == carrier.destination }) {
      groups[place].calls.append(call)
    } else {
      groups.append((carrier, [call]))
    }
  }

  /// Hands everything over.
  mutating func depart() {
    for group in groups { group.carrier.carry(group.calls) }
    groups.removeAll(keepingCapacity: true)
  }
}
