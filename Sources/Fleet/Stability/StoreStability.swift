// SPDX-License-Identifier: Apache-2.0

/// Tells a lost machine from a store that could not be reached: when absence may be believed.
///
/// Every machine that may lead keeps one and feeds it each write of its own, leading or not, so a new leader
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
/// A write that fails within the settling time was an interruption, however short it is: machines that would have come
/// back just then could not, so that a third of the TTL is waited for anew. Later a failure says no more than silence does.
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
  /// When the settling time began, and when it ends or has ended.
  private var settlingSince: Duration = .zero
  private var settledFrom: Duration = .zero
  /// Whether a write has failed since the last answer, within the settling time.
  private var hasFailed = false

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
        settle(for: ttl, from: now)
      } else if pause > longestPause || hasFailed {
        settle(for: ttl / 3, from: now)
      }
    } else {
      settle(for: ttl, from: now)
    }
    lastAnswer = now
    hasFailed = false
  }

  private mutating func settle(for time: Duration, from now: Duration) {
    settlingSince = now
    settledFrom = max(settledFrom, now + time)
  }

  /// Notes that a write failed, or was not answered in time.
  ///
  /// One that was sent before the settling time began was lost in the interruption that is known already.
  public mutating func storeFailed(at now: Duration, sentAt: Duration) {
    guard lastAnswer != nil, sentAt >= settlingSince, now < settledFrom else { return }
    hasFailed = true
  }

  /// Whether a machine that is absent now is lost.
  public func isSettled(at now: Duration) -> Bool {
    guard let lastAnswer, !hasFailed else { return false }
    return now - lastAnswer <= longestPause && now >= settledFrom
  }
}
