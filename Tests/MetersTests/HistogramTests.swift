// SPDX-License-Identifier: Apache-2.0
import Meters
import Testing

@Suite struct HistogramTests {
  @Test func `a duration falls into the first bucket that is not below it`() {
    let histogram = Histogram(firstBoundNanoseconds: 1_000, bucketCount: 3)
    for nanoseconds in [-5, 0, 1_000, 1_001, 2_000, 2_001, 4_000, 4_001, 1_000_000] as [Int64] {
      histogram.observe(nanoseconds: nanoseconds)
    }
    let reading = histogram.reading
    #expect(reading.buckets.map(\.upperBoundNanoseconds) == [1_000, 2_000, 4_000])
    #expect(reading.buckets.map(\.cumulativeCount) == [3, 5, 7])
    #expect(reading.count == 9)
    #expect(reading.sumNanoseconds == 1_000 + 1_001 + 2_000 + 2_001 + 4_000 + 4_001 + 1_000_000)
  }

  @Test func `counts of several threads add up`() async {
    let counter = Counter()
    let histogram = Histogram.disk()
    await withTaskGroup { group in
      for _ in 0..<8 {
        group.addTask {
          for number in 0..<1_000 {
            counter.add()
            histogram.observe(nanoseconds: Int64(number) * 10_000)
          }
        }
      }
    }
    #expect(counter.value == 8_000)
    #expect(histogram.reading.count == 8_000)
  }
}
