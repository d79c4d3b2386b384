// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import Meters
import Synchronization

/// What a worker counts of the requests that it sends on to members; any thread counts, `/metrics` reads.
///
/// Source: etcd v2.3.8 `proxy/metrics.go`.
final class ProxyMetrics: Sendable {
  /// Why a request got no member's answer.
  enum DropReason: String {
    /// No member was to be had.
    case zeroEndpoints = "zero_endpoints"
    /// No member answered.
    case failedGettingResponse = "failed_getting_response"
  }

  /// One sample's labels: a method, and a status or reason.
  struct Labels: Hashable {
    var method: KeysMethod
    var text: String
  }

  private struct Method {
    let received = Counter()
    /// How long members took to answer; watches are left out.
    let durations = Histogram.http()
  }

  private struct Counts {
    var handled: [Labels: UInt64] = [:]
    var dropped: [Labels: UInt64] = [:]
  }

  /// In the order of ``EtcdWire/KeysMethod/allCases``.
  private let methods = KeysMethod.allCases.map { _ in Method() }
  private let counts = Mutex(Counts())

  /// Counts a request that came.
  func received(_ method: KeysMethod) {
    self[method].received.add()
  }

  /// Counts a member's answer; the time is nil for a watch.
  func handled(_ method: KeysMethod, status: UInt, nanoseconds: Int64?) {
    counts.withLock { $0.handled[Labels(method: method, text: String(status)), default: 0] += 1 }
    if let nanoseconds { self[method].durations.observe(nanoseconds: nanoseconds) }
  }

  /// Counts a request without a member's answer.
  func dropped(_ method: KeysMethod, _ reason: DropReason) {
    counts.withLock { $0.dropped[Labels(method: method, text: reason.rawValue), default: 0] += 1 }
  }

  // MARK: Readings

  /// Requests without a member's answer, by method and reason, in the order of the labels.
  var drops: [(labels: Labels, count: UInt64)] { Self.ordered(counts.withLock { $0.dropped }) }

  /// Members' answers, by method and status, in the order of the labels.
  var answers: [(labels: Labels, count: UInt64)] { Self.ordered(counts.withLock { $0.handled }) }

  /// Requests that came and the times of their answers, for methods that were used.
  var used: [(method: KeysMethod, received: UInt64, durations: HistogramReading)] {
    KeysMethod.allCases.compactMap { method in
      let count = self[method].received.value
      return count == 0 ? nil : (method, count, self[method].durations.reading)
    }
  }

  private static func ordered(_ counts: [Labels: UInt64]) -> [(labels: Labels, count: UInt64)] {
    counts.map { (labels: $0.key, count: $0.value) }
      .sorted { ($0.labels.text, $0.labels.method.rawValue) < ($1.labels.text, $1.labels.method.rawValue) }
  }

  private subscript(method: KeysMethod) -> Method { methods[RequestMetrics.place(of: method)] }
}
