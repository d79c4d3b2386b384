// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import Histories
import Testing

struct IndexTests {
  typealias Make = HistoryFixture

  private func rule(_ operations: [ClientOperation]) -> String? { IndexCheck().check(operations)?.rule }

  @Test func `indexes that grow are well`() {
    #expect(
      rule([
        Make.set("a", at: 1, 0, 1), Make.set("b", at: 2, key: "/other", 2, 3), Make.read("a", of: 1, at: 2, 4, 5),
        Make.failed(.keyNotFound, at: 2, key: "/none", 6, 7),
      ]) == nil
    )
  }

  @Test func `an index given twice is found`() {
    #expect(rule([Make.set("a", at: 1, 0, 10), Make.set("b", at: 1, key: "/other", 0, 10)]) == "unique indexes")
  }

  @Test func `a write with a smaller index than one answered before is found, on any key`() {
    let later = Make.set("b", at: 1, key: "/other", 2, 3)
    #expect(rule([Make.set("a", at: 2, 0, 1), later]) == "real-time order of writes")
    #expect(rule([Make.set("a", at: 2, 0, 5), later]) == nil, "they overlap")
  }

  @Test func `a quorum read or a refusal behind an answer is stale`() {
    let written = Make.set("a", at: 5, 0, 1)
    #expect(rule([written, Make.read("b", of: 2, at: 4, key: "/other", 2, 3)]) == "stale read")
    #expect(rule([written, Make.failed(.keyNotFound, at: 4, key: "/other", 2, 3)]) == "stale read")
  }

  @Test func `a plain read may be late but never goes back on one member`() {
    let written = Make.set("a", at: 5, 0, 1)
    let first = Make.read("b", of: 2, at: 4, key: "/b", quorum: false, member: "m2#1", 2, 3)
    let back = Make.read("b", of: 2, at: 3, key: "/b", quorum: false, member: "m2#1", 4, 5)
    let elsewhere = Make.read("b", of: 2, at: 3, key: "/b", quorum: false, member: "m3#1", 4, 5)
    #expect(rule([written, first, elsewhere]) == nil)
    #expect(rule([written, first, back]) == "plain reads never go back")
    let own = Make.read("b", of: 2, at: 4, key: "/b", quorum: false, member: "m1#1", 2, 3)
    #expect(rule([written, own]) == "plain reads never go back", "a client reads its own writes")
  }

  @Test func `a value under a foreign index is found`() {
    let read = Make.read("x", of: 5, at: 5, quorum: false, member: "m2#1", 0, 3)
    #expect(rule([Make.set("a", at: 5, 0, 1), read]) == "values")
  }

  // MARK: In the end

  private func survival(_ operations: [ClientOperation], _ nodes: [NodeView], at index: UInt64) -> String? {
    SurvivalCheck(nodes: nodes, etcdIndex: EtcdIndex(index)).check(operations)?.rule
  }

  @Test func `acknowledged writes are there in the end`() {
    let written = [Make.set("a", at: 3, 0, 1)]
    let kept = Make.file("/k", "a", created: 3, modified: 3)
    #expect(survival(written, [kept], at: 3) == nil)
    #expect(survival(written, [], at: 9) == "acknowledged writes", "gone")
    #expect(survival(written, [kept], at: 2) == "acknowledged writes", "the store went back")
    #expect(survival(written, [Make.file("/k", "b", created: 2, modified: 2)], at: 9) == "acknowledged writes")
    #expect(survival(written, [Make.file("/k", "b", created: 3, modified: 3)], at: 9) == "acknowledged writes")
    #expect(survival(written, [Make.file("/k", "b", created: 4, modified: 4)], at: 9) == nil, "replaced")
  }

  @Test func `an unanswered removal or a time to live explains a missing key`() {
    let delete = KeysWrite.delete(isDirectory: false, recursive: false)
    let unknown = Make.operation(.write(delete), Make.key, 2, Moment.never.rawValue, .unknown)
    #expect(survival([Make.set("a", at: 3, 0, 1), unknown], [], at: 9) == nil)
    let other = Make.operation(.write(delete), "/other", 2, Moment.never.rawValue, .unknown)
    #expect(survival([Make.set("a", at: 3, 0, 1), other], [], at: 9) == "acknowledged writes")
  }

  // MARK: Times to live

  @Test func `a key goes neither early nor late`() {
    let second: Int64 = 1_000_000_000
    var node = Make.file("/k", "a", created: 1, modified: 1)
    node.expiration = Timestamp(nanosecondsSinceEpoch: 10 * second)
    let gone = Make.event(.expire, Make.file("/k", nil, created: 1, modified: 2), node)
    let check = ExpiryCheck()
    #expect(check.checkEarly(gone, at: Timestamp(nanosecondsSinceEpoch: 10 * second)) == nil)
    #expect(check.checkEarly(gone, at: Timestamp(nanosecondsSinceEpoch: 9 * second)) != nil)
    #expect(check.checkLate([node], at: Timestamp(nanosecondsSinceEpoch: 10 * second)) == nil)
    #expect(check.checkLate([node], at: Timestamp(nanosecondsSinceEpoch: 11 * second)) != nil)
  }
}
