// SPDX-License-Identifier: Apache-2.0
public import EtcdStore

/// Whether keys with a time to live went when they were due: never before, and not much later.
///
/// The time that counts is the leader's: its stamp on the log's entries. Where all clocks agree, as on one machine, a
/// wall clock read after an event was delivered will do for it.
public struct ExpiryCheck: Sendable {
  /// How long after its time a key may still be there while there is a leader.
  public var graceNanoseconds: Int64

  /// Makes a check.
  ///
  /// - Parameter graceNanoseconds: How long after its time a key may still be there while there is a leader.
  public init(graceNanoseconds: Int64 = 500_000_000) {
    self.graceNanoseconds = graceNanoseconds
  }

  /// A key that went before its time.
  ///
  /// - Parameters:
  ///   - event: Any event; only `expire` is looked at.
  ///   - stamp: The leader's time when it happened, or later.
  /// - Returns: The violation, if it is one.
  public func checkEarly(_ event: Event, at stamp: Timestamp) -> HistoryViolation? {
    guard event.action == .expire else { return nil }
    guard let expiration = event.previousNode?.expiration else {
      return HistoryViolation("times to live", "a key without one ran out", window: [event.line])
    }
    guard expiration > stamp else { return nil }
    let early = (expiration.nanosecondsSinceEpoch - stamp.nanosecondsSinceEpoch) / 1_000_000
    return HistoryViolation("times to live", "a key went \(early) ms before its time", window: [event.line])
  }

  /// A key that is still there after its time.
  ///
  /// - Parameters:
  ///   - nodes: What the store holds.
  ///   - now: The leader's time at that moment; there must have been a leader for the grace before.
  /// - Returns: The violation, if there is one.
  public func checkLate(_ nodes: [NodeView], at now: Timestamp) -> HistoryViolation? {
    for node in nodes {
      guard let expiration = node.expiration else { continue }
      let late = now.nanosecondsSinceEpoch - expiration.nanosecondsSinceEpoch
      if late > graceNanoseconds {
        let detail = "a key is still there \(late / 1_000_000) ms after its time"
        return HistoryViolation("times to live", detail, window: [node.line])
      }
    }
    return nil
  }
}
