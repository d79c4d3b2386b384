// SPDX-License-Identifier: Apache-2.0

/// Tells a lost machine from a store that could not be reached: when absence may be believed.
///
/// Every machine that may lead keeps one and feeds it each answered write of its own, leading or not, so a new leader
/// need not wait for what it has watched itself all along. A machine whose presence is gone is lost once the store has
/// answered here without interruption for a settling time, in which every machine that lives would have come back:
///
/// | what went before | settling time |
/// |---|---|
/// | nothing: this node just started | one TTL |
/// | an interruption of a TTL or more, in which every presence may have expired | one TTL |
/// | a shorter interruption, such as an election among the store's members | a third of the TTL |
/// | none | nothing to wait for |
///
/// Machines refresh more often than every third of the TTL, and whoever lost a refresh tries again after a quarter, most
/// of which is over when an interruption is long enough to be one; hence the third. So a machine that dies
/// together with the store's leader is still lost at its TTL, while a store that stalls for all moves nothing.
/// Differs: fleet believes every absence at once. Source: specs/fleet.md §13, §14.1.
///
/// Units: moments are durations since any fixed start, from a clock that never goes back.
public struct StoreStability: Sendable, Equatable {
  private let ttl: Duration
  private var lastAnswer: Duration?
  private var settledFrom: Duration = .zero

  /// Makes a record without any answer yet.
  public init(ttl: Duration) {
    self.ttl = ttl
  }

  /// The longest time between two answers that is no interruption: half again a round of presence, which is 7/24.
  ///
  /// In a pause that is no interruption no presence may expire that is refreshed as it should be. Such a presence is at
  /// most a round old when the pause begins, and is back a retry (1/4) after its end: `7/24 + 7/16 + 1/4 < 1`.
  private var longestPause: Duration { ttl * 7 / 16 }

  /// Notes that the store answered.
  public mutating func storeAnswered(at now: Duration) {
    if let lastAnswer {
      let pause = now - lastAnswer
      if pause >= ttl {
        settledFrom = max(settledFrom, now + ttl)
      } else if pause > longestPause {
        settledFrom = max(settledFrom, now + ttl / 3)
      }
    } else {
      settledFrom = now + ttl
    }
    lastAnswer = now
  }

  /// Whether a machine that is absent now is lost.
  public func isSettled(at now: Duration) -> Bool {
    guard let lastAnswer else { return false }
    return now - lastAnswer <= longestPause && now >= settledFrom
  }
}
