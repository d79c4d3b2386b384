// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import Raft

/// Measures how long a follower takes to acknowledge entries.
///
/// Source: etcd v2.3.8 `etcdserver/stats/leader.go`.
struct FollowerMeter {
  /// Appends on their way that are remembered; later ones are not measured until these are answered.
  private static let maximumInFlight = 256

  private var inFlight: [(last: LogIndex, sentNanoseconds: Int64)] = []
  private var success: UInt64 = 0
  private var fail: UInt64 = 0
  private var current = 0.0
  private var sum = 0.0
  private var sumOfSquares = 0.0
  private var minimum = 0.0
  private var maximum = 0.0

  mutating func sent(through last: LogIndex, at nanoseconds: Int64) {
    guard inFlight.count < Self.maximumInFlight else { return }
    inFlight.append((last, nanoseconds))
  }

  mutating func acknowledged(through match: LogIndex, at nanoseconds: Int64) {
    guard let newest = inFlight.lastIndex(where: { $0.last <= match }) else { return }
    let milliseconds = Double(nanoseconds - inFlight[newest].sentNanoseconds) / 1e6
    inFlight.removeFirst(newest + 1)
    minimum = success == 0 ? milliseconds : min(minimum, milliseconds)
    maximum = max(maximum, milliseconds)
    current = milliseconds
    sum += milliseconds
    sumOfSquares += milliseconds * milliseconds
    success += 1
  }

  mutating func rejected() {
    fail += 1
    inFlight = []
  }

  func statistics(of member: MemberID) -> FollowerStatistics {
    var statistics = FollowerStatistics(id: member.rawValue)
    statistics.successCount = success
    statistics.failCount = fail
    guard success > 0 else { return statistics }
    let average = sum / Double(success)
    statistics.currentMilliseconds = current
    statistics.averageMilliseconds = average
    statistics.standardDeviationMilliseconds = max(0, sumOfSquares / Double(success) - average * average).squareRoot()
    statistics.minimumMilliseconds = minimum
    statistics.maximumMilliseconds = maximum
    return statistics
  }
}
