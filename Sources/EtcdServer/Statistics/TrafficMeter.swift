// SPDX-License-Identifier: Apache-2.0
import EtcdWire

/// Counts append requests and keeps the newest for their rate.
///
/// Source: etcd v2.3.8 `etcdserver/stats/queue.go`: a window of 200 requests, empty after 5 s without one.
struct TrafficMeter {
  private static let windowRequests = 200
  private static let idleNanoseconds: Int64 = 5_000_000_000

  private var count: UInt64 = 0
  private var window: [(nanoseconds: Int64, bytes: Int)] = []
  private var oldest = 0

  mutating func record(bytes: Int, at nanoseconds: Int64) {
    count += 1
    if window.count < Self.windowRequests {
      window.append((nanoseconds, bytes))
    } else {
      window[oldest] = (nanoseconds, bytes)
      oldest = (oldest + 1) % Self.windowRequests
    }
  }

  func traffic(at now: Int64) -> AppendTraffic {
    guard !window.isEmpty else { return AppendTraffic(requestCount: count) }
    let first = window[oldest].nanoseconds
    let last = window[(oldest + window.count - 1) % window.count].nanoseconds
    guard now - last <= Self.idleNanoseconds, last > first else { return AppendTraffic(requestCount: count) }
    let seconds = Double(last - first) / 1e9
    let bytes = window.reduce(0) { $0 + $1.bytes }
    return AppendTraffic(
      requestCount: count,
      packageRatePerSecond: Double(window.count) / seconds,
      bytesPerSecond: Double(bytes) / seconds
    )
  }
}
