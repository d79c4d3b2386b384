// SPDX-License-Identifier: Apache-2.0

/// Everything that the clients of one run did and saw.
public struct History: Sendable {
  /// Reads and writes, in any order.
  public var operations: [ClientOperation] = []
  /// Watches, in any order.
  public var watches: [RecordedWatch] = []

  /// Makes an empty history.
  public init() {}

  /// Checks all that needs no knowledge but the history's own, then its watches against what happened.
  ///
  /// - Parameters:
  ///   - sequence: The true changes as far as they are known; nil takes those that clients saw acknowledged.
  ///   - watchCheck: How far watches are checked; nil checks them against `sequence`, for what they have delivered.
  /// - Returns: The first violation, and the keys that could not be decided.
  public func check(
    against sequence: EventSequence? = nil,
    watches watchCheck: WatchCheck? = nil
  ) -> LinearizabilityCheck.Result {
    let sequence = sequence ?? EventSequence(acknowledged: operations)
    let found =
      IndexCheck().check(operations) ?? sequence.firstWrongPrevious()
      ?? (watchCheck ?? WatchCheck(sequence)).check(watches)
    if let found { return LinearizabilityCheck.Result(violation: found) }
    return LinearizabilityCheck().check(operations)
  }
}
