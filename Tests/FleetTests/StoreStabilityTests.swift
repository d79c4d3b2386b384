// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Fleet

@Suite struct StoreStabilityTests {
  /// Answers every second from `first` through `last`.
  func stability(_ first: Int, through last: Int) -> StoreStability {
    var stability = StoreStability(ttl: .seconds(3))
    for second in first...last { stability.storeAnswered(at: .seconds(second)) }
    return stability
  }

  @Test func `nothing is believed before the first answer`() {
    #expect(!StoreStability(ttl: .seconds(3)).isSettled(at: .seconds(100)))
  }

  @Test func `a node that just started waits one TTL`() {
    #expect(!stability(0, through: 2).isSettled(at: .milliseconds(2_900)))
    #expect(stability(0, through: 3).isSettled(at: .seconds(3)))
  }

  @Test func `while the store is silent nothing is believed`() {
    #expect(stability(0, through: 10).isSettled(at: .milliseconds(11_300)))
    #expect(!stability(0, through: 10).isSettled(at: .milliseconds(11_400)))
  }

  @Test func `after a short interruption a third of the TTL is enough`() {
    var stability = stability(0, through: 10)
    stability.storeAnswered(at: .milliseconds(12_500))
    #expect(!stability.isSettled(at: .milliseconds(13_400)))
    stability.storeAnswered(at: .milliseconds(13_500))
    #expect(stability.isSettled(at: .milliseconds(13_500)))
  }

  @Test func `a failure while it settles begins the wait anew`() {
    var stability = stability(0, through: 10)
    stability.storeAnswered(at: .milliseconds(12_500))
    stability.storeFailed(at: .milliseconds(13_300), sentAt: .milliseconds(12_900))
    #expect(!stability.isSettled(at: .milliseconds(13_500)), "before the next answer")
    stability.storeAnswered(at: .milliseconds(13_700))
    #expect(!stability.isSettled(at: .milliseconds(14_600)))
    stability.storeAnswered(at: .milliseconds(14_700))
    #expect(stability.isSettled(at: .milliseconds(14_700)))
  }

  @Test func `a failure does not count that belongs to the interruption, or comes when it has settled`() {
    var stability = stability(0, through: 10)
    stability.storeAnswered(at: .milliseconds(12_500))
    stability.storeFailed(at: .milliseconds(13_000), sentAt: .milliseconds(12_400))
    stability.storeAnswered(at: .milliseconds(13_500))
    #expect(stability.isSettled(at: .milliseconds(13_500)))
    stability.storeFailed(at: .milliseconds(13_700), sentAt: .milliseconds(13_600))
    #expect(stability.isSettled(at: .milliseconds(13_700)))
  }

  @Test func `after a long interruption it takes a whole TTL`() {
    var stability = stability(0, through: 10)
    for second in [20, 21, 22] { stability.storeAnswered(at: .seconds(second)) }
    #expect(!stability.isSettled(at: .milliseconds(22_900)))
    stability.storeAnswered(at: .seconds(23))
    #expect(stability.isSettled(at: .seconds(23)))
  }

  @Test func `a short interruption does not shorten a long wait`() {
    var stability = stability(0, through: 10)
    stability.storeAnswered(at: .seconds(20))
    stability.storeAnswered(at: .seconds(22))
    #expect(!stability.isSettled(at: .milliseconds(22_900)))
  }
}
