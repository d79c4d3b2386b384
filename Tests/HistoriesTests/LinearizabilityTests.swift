// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import Histories
import Testing

struct LinearizabilityTests {
  typealias Make = HistoryFixture

  private func violation(_ operations: [ClientOperation]) -> HistoryViolation? {
    LinearizabilityCheck().check(operations).violation
  }

  @Test func `writes and reads in turn are in order`() {
    #expect(
      violation([
        Make.failed(.keyNotFound, at: 0, 0, 1),
        Make.set("a", at: 1, 2, 3), Make.read("a", of: 1, at: 1, 4, 5),
        Make.set("b", at: 2, over: ("a", 1), 6, 7), Make.read("b", of: 2, at: 2, 8, 9),
      ]) == nil
    )
  }

  @Test func `operations at the same time may stand in any order`() {
    #expect(
      violation([
        Make.set("a", at: 2, over: ("b", 1), 0, 10), Make.set("b", at: 1, 1, 9), Make.read("b", of: 1, at: 1, 2, 8),
        Make.read("a", of: 2, at: 2, 3, 8),
      ]) == nil
    )
  }

  @Test func `a read of an overwritten value is found, and where`() throws {
    let found = violation([
      Make.set("a", at: 1, 0, 1), Make.set("b", at: 2, over: ("a", 1), 2, 3), Make.read("a", of: 1, at: 0, 4, 5),
      Make.read("b", of: 2, at: 2, 6, 7), Make.set("c", at: 3, over: ("b", 2), 8, 9),
    ])
    let shown = try #require(found)
    #expect(shown.window.count == 3, "the shortest beginning: \(shown)")
    #expect(shown.window.last?.hasSuffix("impossible") == true)
  }

  @Test func `a read of a value that nobody wrote is found`() {
    #expect(violation([Make.set("a", at: 1, 0, 1), Make.read("x", of: 1, at: 1, 2, 3)]) != nil)
  }

  @Test func `a lost update is found`() {
    // Both swaps replace the same value, one after the other.
    let swap = { (value: String, index: UInt64, invoked: Int64) in
      let comparison = Comparison(previousValue: "a")
      let write = KeysWrite.compareAndSwap(value: value, comparison: comparison, ttl: .permanent, refresh: false)
      let event = Make.event(
        .compareAndSwap,
        Make.file("/k", value, created: 1, modified: index),
        Make.file("/k", "a", created: 1, modified: 1)
      )
      return Make.operation(.write(write), Make.key, invoked, invoked + 20, .succeeded(event))
    }
    let written = Make.set("a", at: 1, 0, 1)
    #expect(violation([written, swap("b", 2, 3)]) == nil)
    #expect(violation([written, swap("b", 2, 3), swap("c", 3, 4)]) != nil)
  }

  @Test func `an unanswered write may take effect late, or never, but not before it was asked`() {
    let start = [Make.set("a", at: 1, 0, 1), Make.unknownSet("b", 2)]
    #expect(violation(start + [Make.read("a", of: 1, at: 1, 10, 11)]) == nil)
    #expect(violation(start + [Make.read("a", of: 1, at: 1, 10, 11), Make.read("b", of: 2, at: 2, 12, 13)]) == nil)
    #expect(violation(start + [Make.read("b", of: 2, at: 2, 10, 11), Make.read("a", of: 1, at: 2, 12, 13)]) != nil)
    #expect(
      violation([Make.set("a", at: 1, 0, 1), Make.read("b", of: 2, at: 2, 2, 3), Make.unknownSet("b", 4)]) != nil
    )
  }

  @Test func `an unanswered write takes effect once`() {
    #expect(
      violation([
        Make.unknownSet("b", 0), Make.read("b", of: 1, at: 1, 2, 3), Make.set("a", at: 2, over: ("b", 1), 4, 5),
        Make.read("b", of: 3, at: 3, 6, 7),
      ]) != nil
    )
  }

  @Test func `a refusal is an observation`() {
    let swap = KeysWrite.compareAndSwap(
      value: "z",
      comparison: Comparison(previousValue: "a"),
      ttl: .permanent,
      refresh: false
    )
    let create = KeysWrite.create(value: "z", isDirectory: false, ttl: .permanent)
    let written = Make.set("a", at: 1, 0, 1)
    #expect(violation([written, Make.failed(.keyNotFound, at: 1, 2, 3)]) != nil, "it is there")
    #expect(violation([written, Make.failed(.testFailed, at: 1, to: .write(swap), 2, 3)]) != nil, "the value is equal")
    #expect(violation([written, Make.failed(.nodeExists, at: 1, to: .write(create), 2, 3)]) == nil)
    #expect(violation([Make.failed(.nodeExists, at: 0, to: .write(create), 2, 3)]) != nil, "nothing is there")
    #expect(
      violation([
        written, Make.set("b", at: 2, over: ("a", 1), 2, 3), Make.failed(.testFailed, at: 2, to: .write(swap), 4, 5),
      ]) == nil
    )
  }

  @Test func `an answer with the wrong node before is found`() {
    #expect(violation([Make.set("a", at: 1, 0, 1), Make.set("b", at: 2, 2, 3)]) != nil)
    #expect(violation([Make.set("a", at: 1, 0, 1), Make.set("b", at: 2, over: ("x", 1), 2, 3)]) != nil)
  }

  @Test func `a file with a time to live may go, another not`() {
    let gone = Make.failed(.keyNotFound, at: 2, 4, 5)
    #expect(violation([Make.set("a", at: 1, 0, 1, ttl: .seconds(1)), gone]) == nil)
    #expect(violation([Make.set("a", at: 1, 0, 1), gone]) != nil)
  }

  @Test func `removing a directory removes what is below`() {
    let delete = KeysWrite.delete(isDirectory: true, recursive: true)
    let removed = Make.event(
      .delete,
      NodeView(key: "/d", isDirectory: true, modifiedIndex: EtcdIndex(2), createdIndex: EtcdIndex(1)),
      NodeView(key: "/d", isDirectory: true, modifiedIndex: EtcdIndex(1), createdIndex: EtcdIndex(1))
    )
    let operations = [
      Make.set("a", at: 1, key: "/d/x", 0, 1), Make.operation(.write(delete), "/d", 2, 3, .succeeded(removed)),
    ]
    #expect(violation(operations + [Make.failed(.keyNotFound, at: 2, key: "/d/x", 4, 5)]) == nil)
    #expect(violation(operations + [Make.read("a", of: 1, at: 2, key: "/d/x", 4, 5)]) != nil)
  }

  /// Many clients at once, half of the answers lost: still decided at once.
  @Test func `a tangled history is decided`() {
    var operations: [ClientOperation] = []
    var last: (String, UInt64)?
    for round in 0..<300 as Range<UInt64> {
      let time = Int64(round) * 10
      if round % 3 == 0 { operations.append(Make.unknownSet("lost\(round)", time)) }
      operations.append(Make.set("v\(round)", at: round + 1, over: last, time, time + 25))
      last = ("v\(round)", round + 1)
      operations.append(Make.read("v\(round)", of: round + 1, at: round + 1, time + 1, time + 35))
    }
    let good = LinearizabilityCheck().check(operations)
    #expect(good == LinearizabilityCheck.Result())
    operations.append(Make.read("v7", of: 8, at: 0, 5_000, 5_001))
    #expect(violation(operations) != nil)
  }
}
