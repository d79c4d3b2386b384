// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import Testing

@_spi(Simulation) @testable import EtcdServer

@Suite struct GatheredRefreshesTests {
  private func refresh(_ key: String, due: Int64) -> PatientRefresh<Int> {
    PatientRefresh(KeyRefresh(key: key, ttlSeconds: 3), dueNanoseconds: due, waiter: 0)
  }

  /// Adds refreshes and says of each whether it made the next batch due earlier.
  private func add(_ refreshes: [PatientRefresh<Int>], to gathered: inout GatheredRefreshes<Int>) -> [Bool] {
    refreshes.map { gathered.add($0) }
  }

  private func keys(_ batches: [[PatientRefresh<Int>]]) -> [[String]] { batches.map { $0.map(\.refresh.key) } }

  @Test func `all go when the first loses patience`() {
    var gathered = GatheredRefreshes<Int>()
    #expect(gathered.isEmpty && gathered.dueNanoseconds == nil)
    let earlier = add([refresh("/a", due: 50), refresh("/b", due: 70), refresh("/c", due: 40)], to: &gathered)
    #expect(earlier == [true, false, true])
    let early = gathered.takeDue(at: 39)
    #expect(early.isEmpty)
    let due = gathered.takeDue(at: 40)
    #expect(keys(due) == [["/a", "/b", "/c"]])
    #expect(gathered.isEmpty)
  }

  @Test func `a batch that is full goes at once`() {
    var gathered = GatheredRefreshes<Int>()
    for number in 1..<KeyRefresh.maximumBatch { _ = gathered.add(refresh("/\(number)", due: 50)) }
    #expect(gathered.dueNanoseconds == 50)
    let earlier = add([refresh("/last", due: 50), refresh("/next", due: 50)], to: &gathered)
    #expect(earlier == [true, false])
    let due = gathered.takeDue(at: 0)
    #expect(due.map(\.count) == [KeyRefresh.maximumBatch])
    #expect(gathered.dueNanoseconds == 50)
  }

  @Test func `long keys make small batches`() {
    var gathered = GatheredRefreshes<Int>()
    let key = "/" + String(repeating: "k", count: NodeKey.maximumBytes - 1)
    for _ in 0..<40 { _ = gathered.add(refresh(key, due: 50)) }
    let batches = gathered.takeAll()
    #expect(batches.map(\.count) == [16, 16, 8])
  }

  @Test func `single ones are taken out, and the rest stays`() {
    var gathered = GatheredRefreshes<Int>()
    for due in [30, 50, 70] as [Int64] { _ = gathered.add(refresh("/\(due)", due: due)) }
    let removed = gathered.remove { $0.dueNanoseconds < 50 }
    #expect(keys([removed]) == [["/30"]])
    #expect(gathered.dueNanoseconds == 50)
    let rest = gathered.takeAll()
    #expect(keys(rest) == [["/50", "/70"]])
  }

  /// Three hundred keys whose owners refresh 3.75 s after each answer with 5 s of patience come to share one batch.
  @Test func `owners with more patience than pause come together`() {
    var gathered = GatheredRefreshes<Int>()
    var next = (0..<300).map { Int64($0 * 29) }
    var batches: [Int64] = []
    for now in stride(from: 0 as Int64, to: 60_000, by: 10) {
      for owner in next.indices where next[owner] <= now {
        next[owner] = .max
        _ = gathered.add(
          PatientRefresh(KeyRefresh(key: "/k", ttlSeconds: 30), dueNanoseconds: now + 5_000, waiter: owner)
        )
      }
      for batch in gathered.takeDue(at: now) {
        batches.append(now)
        for refresh in batch { next[refresh.waiter] = now + 3_750 }
      }
    }
    #expect(batches.count <= 8, "one a round of 8.75 s: \(batches)")
  }
}
