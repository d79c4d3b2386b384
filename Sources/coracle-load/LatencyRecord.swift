// SPDX-License-Identifier: Apache-2.0

/// Latencies in microseconds: counts of ever wider classes, each at most 1/64 of its value wide.
struct LatencyRecord {
  private static let subdivisions = 64
  private var counts = [Int](repeating: 0, count: 64 * subdivisions)
  private(set) var count = 0
  private(set) var maximum = 0

  mutating func add(microseconds: Int) {
    counts[Self.position(of: max(0, microseconds))] += 1
    count += 1
    maximum = max(maximum, microseconds)
  }

  /// The latency that a share of all stays at or below; 0 when there is none.
  func quantile(_ share: Double) -> Int {
    let wanted = Int((Double(count) * share).rounded(.up))
    var seen = 0
    for (position, number) in counts.enumerated() {
      seen += number
      if seen >= wanted, seen > 0 { return min(Self.value(at: position), maximum) }
    }
    return 0
  }

  private static func position(of value: Int) -> Int {
    if value < subdivisions { return value }
    let exponent = Int.bitWidth - 1 - value.leadingZeroBitCount - 6
    return (exponent + 1) * subdivisions + (value >> exponent) - subdivisions
  }

  private static func value(at position: Int) -> Int {
    if position < subdivisions { return position }
    let exponent = position / subdivisions - 1
    return (position % subdivisions + subdivisions + 1) << exponent - 1
  }
}
