// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import Glibc
import Meters

/// What a server counts of the requests it answers; any thread counts, `/metrics` reads.
///
/// Source: etcd v3.4 `etcdserver/api/v2http/metrics.go`; specs/etcd-v2.md §12.
final class RequestMetrics: Sendable {
  /// The requests of one method.
  struct Method: Sendable {
    let name: String
    /// Requests that could be read.
    let received = Counter()
    /// How long successes took.
    let durations = Histogram.http()
    /// Failures, by the status at the same place in ``RequestMetrics/failureStatuses``.
    let failures = RequestMetrics.failureStatuses.map { _ in Counter() }
  }

  /// The statuses that failures are counted by; others count as the last.
  static let failureStatuses = [400, 401, 403, 404, 412, 502, 503, 500]

  /// By method of `/v2/keys`, in the order of ``EtcdWire/KeysMethod/allCases``.
  let methods = KeysMethod.allCases.map { Method(name: $0.rawValue) }
  /// Health checks that found the member well, and those that did not.
  let health = (successes: Counter(), failures: Counter())

  /// Counts a request that could be read.
  func received(_ method: KeysMethod) {
    methods[Self.place(of: method)].received.add()
  }

  /// Counts a success, with the time since it was received.
  func succeeded(_ method: KeysMethod, since start: Int64) {
    methods[Self.place(of: method)].durations.observe(nanoseconds: Self.now() - start)
  }

  /// Counts a failure.
  func failed(_ method: KeysMethod, status: Int) {
    let place = Self.failureStatuses.firstIndex(of: status) ?? Self.failureStatuses.count - 1
    methods[Self.place(of: method)].failures[place].add()
  }

  /// Nanoseconds of a clock that never jumps.
  static func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  /// Where a method stands in ``EtcdWire/KeysMethod/allCases``.
  static func place(of method: KeysMethod) -> Int {
    switch method {
    case .head: 0
    case .get: 1
    case .put: 2
    case .post: 3
    case .delete: 4
    }
  }
}
