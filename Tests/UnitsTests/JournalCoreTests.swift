// SPDX-License-Identifier: Apache-2.0
import Testing
import Units

@Suite struct JournalCoreTests {
  // MARK: Selection

  @Test func `a template stands for its instances, a pattern for what fits, a name for itself`() {
    let selection = JournalSelection(["web@.service", "db*.service", "a.service"])
    for name in ["web@1.service", "web@x-y.service", "db.service", "db@3.service", "a.service"] {
      #expect(selection.matches(name), "\(name)")
    }
    for name in ["web.service", "xweb@1.service", "b.service", "web@1.timer"] {
      #expect(!selection.matches(name), "\(name)")
    }
    #expect(!selection.isOneName)
    #expect(JournalSelection(["a.service"]).isOneName)
    #expect(!JournalSelection(["a.service", "b.service"]).isOneName)
    #expect(!JournalSelection([]).matches("a.service"))
  }

  // MARK: Limit of lines

  @Test func `lines beyond the burst are dropped, and counted before the first of the next span`() {
    let limit = LineRateLimit(intervalMicroseconds: 1_000, burst: 2)
    var count = LineRateLimit.Count()
    let verdicts = [0, 1, 2, 999, 1_000, 1_001].map { count.add(under: limit, atMicroseconds: $0) }
    #expect(verdicts.map(\.isKept) == [true, true, false, false, true, true])
    #expect(verdicts.map(\.suppressedBefore) == [0, 0, 0, 0, 2, 0])
  }

  @Test func `a clock that is set back begins a new span, and zero is no limit`() {
    var count = LineRateLimit.Count()
    let limit = LineRateLimit(intervalMicroseconds: 1_000, burst: 1)
    #expect(count.add(under: limit, atMicroseconds: 5_000).isKept)
    #expect(!count.add(under: limit, atMicroseconds: 5_001).isKept)
    #expect(count.add(under: limit, atMicroseconds: 100) == .init(isKept: true, suppressedBefore: 1))
    for _ in 0..<10 { #expect(count.add(under: LineRateLimit(burst: 0), atMicroseconds: 100).isKept) }
  }

  // MARK: Retention

  private func segment(_ unit: String, _ name: String, _ bytes: Int, at last: Int64) -> JournalRetention.Segment {
    JournalRetention.Segment(unit: unit, name: name, bytes: bytes, lastEpochMicroseconds: last * 1_000_000)
  }

  private func names(_ segments: [JournalRetention.Segment]) -> [String] {
    segments.map { "\($0.unit)/\($0.name)" }
  }

  @Test func `too old files go, the newest of a unit too`() {
    let limits = JournalRetention(ageSeconds: 100)
    let segments = [segment("a", "1", 1, at: 800), segment("a", "2", 1, at: 899), segment("b", "1", 1, at: 900)]
    #expect(names(limits.removals(of: segments, nowEpochSeconds: 1_000)) == ["a/1", "a/2"])
  }

  @Test func `a unit loses its oldest files and never its newest to its own limit`() {
    let limits = JournalRetention(unitBytes: 25)
    let segments = [
      segment("a", "3", 10, at: 3), segment("a", "1", 10, at: 1), segment("a", "2", 10, at: 2),
      segment("b", "1", 100, at: 1),
    ]
    #expect(names(limits.removals(of: segments, nowEpochSeconds: 10)) == ["a/1"])
  }

  @Test func `a machine loses the files that were left alone longest`() {
    let limits = JournalRetention(unitBytes: 100, machineBytes: 25)
    let segments = [
      segment("gone", "1", 10, at: 1), segment("a", "1", 10, at: 2), segment("a", "2", 10, at: 4),
      segment("b", "1", 10, at: 3),
    ]
    #expect(names(limits.removals(of: segments, nowEpochSeconds: 10)) == ["gone/1", "a/1"])
    #expect(limits.removals(of: Array(segments.dropFirst(2)), nowEpochSeconds: 10).isEmpty)
  }

  @Test func `a file ends by its size and by its age`() {
    let limits = JournalRetention(unitBytes: 400, ageSeconds: 3_000)
    #expect(!limits.isFull(bytes: 99, beganEpochSeconds: 0, nowEpochSeconds: 99))
    #expect(limits.isFull(bytes: 100, beganEpochSeconds: 0, nowEpochSeconds: 0))
    #expect(limits.isFull(bytes: 1, beganEpochSeconds: 0, nowEpochSeconds: 100))
  }
}
