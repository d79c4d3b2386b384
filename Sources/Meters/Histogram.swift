// SPDX-License-Identifier: Apache-2.0

/// How durations are spread over buckets, counted by any thread without a lock.
///
/// Shape: the bounds double from bucket to bucket, as those of etcd's histograms do; finding the bucket takes one
/// division and one count of leading zeros.
public final class Histogram: Sendable {
  private let firstBoundNanoseconds: UInt64
  /// One counter for each bound, and one for what lies above the last.
  private let buckets: [Counter]
  private let sumNanoseconds = Counter()

  /// Makes an empty histogram.
  ///
  /// - Parameters:
  ///   - firstBoundNanoseconds: The upper bound of the first bucket.
  ///   - bucketCount: How many bounds there are.
  public init(firstBoundNanoseconds: UInt64, bucketCount: Int) {
    precondition(firstBoundNanoseconds > 0 && bucketCount > 0, "a histogram has buckets")
    self.firstBoundNanoseconds = firstBoundNanoseconds
    buckets = (0...bucketCount).map { _ in Counter() }
  }

  /// A histogram with the bounds of etcd's disk and proposal histograms: 1 ms to 8.192 s.
  public static func disk() -> Histogram { Histogram(firstBoundNanoseconds: 1_000_000, bucketCount: 14) }

  /// A histogram with the bounds of etcd's HTTP histograms: 0.5 ms to 2.048 s.
  public static func http() -> Histogram { Histogram(firstBoundNanoseconds: 500_000, bucketCount: 13) }

  /// Counts a duration; negative ones count as none.
  public func observe(nanoseconds: Int64) {
    let duration = UInt64(max(0, nanoseconds))
    buckets[bucket(of: duration)].add()
    sumNanoseconds.add(duration)
  }

  /// The first bucket whose bound is not below the duration.
  private func bucket(of nanoseconds: UInt64) -> Int {
    guard nanoseconds > firstBoundNanoseconds else { return 0 }
    let multiple = (nanoseconds - 1) / firstBoundNanoseconds
    return min(UInt64.bitWidth - multiple.leadingZeroBitCount, buckets.count - 1)
  }

  /// What was counted so far.
  public var reading: HistogramReading {
    var cumulative: UInt64 = 0
    var bound = firstBoundNanoseconds
    var counts: [HistogramReading.Bucket] = []
    for bucket in buckets.dropLast() {
      cumulative += bucket.value
      counts.append(HistogramReading.Bucket(upperBoundNanoseconds: bound, cumulativeCount: cumulative))
      bound *= 2
    }
    let count = cumulative + (buckets.last?.value ?? 0)
    return HistogramReading(buckets: counts, count: count, sumNanoseconds: sumNanoseconds.value)
  }
}

/// What a histogram held at one moment.
public struct HistogramReading: Sendable, Equatable {
  /// One bucket.
  public struct Bucket: Sendable, Equatable {
    /// The largest duration in it.
    public var upperBoundNanoseconds: UInt64
    /// How many durations were at most that long.
    public var cumulativeCount: UInt64

    /// Makes a bucket.
    public init(upperBoundNanoseconds: UInt64, cumulativeCount: UInt64) {
      self.upperBoundNanoseconds = upperBoundNanoseconds
      self.cumulativeCount = cumulativeCount
    }
  }

  /// The buckets, by bound.
  public var buckets: [Bucket]
  /// How many durations were counted.
  public var count: UInt64
  /// All durations together.
  public var sumNanoseconds: UInt64

  /// Makes a reading.
  public init(buckets: [Bucket] = [], count: UInt64 = 0, sumNanoseconds: UInt64 = 0) {
    self.buckets = buckets
    self.count = count
    self.sumNanoseconds = sumNanoseconds
  }
}
