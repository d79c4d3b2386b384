// SPDX-License-Identifier: Apache-2.0
import Testing
import Units

@testable import CoracleCommands

@Suite struct JournalMergeTests {
  private func record(_ time: Int64, _ text: String = "", bytes: Int = 0) -> JournalRecord {
    JournalRecord(
      position: JournalPosition(rawValue: time),
      epochMicroseconds: time,
      unit: "a.service",
      identifier: "sh",
      message: Array(text.utf8) + [UInt8](repeating: 0, count: bytes)
    )
  }

  private func times(_ records: [JournalRecord]) -> [Int64] { records.map(\.epochMicroseconds) }

  @Test func `what machines hold is merged by time, as far as all of them are known`() {
    var merge = JournalMerge()
    merge.open("m1")
    merge.open("m2")
    #expect(merge.hungry == ["m1", "m2"])
    merge.add([record(1), record(4), record(6)], from: "m1", at: .zero)
    #expect(merge.take(at: nil).isEmpty)
    merge.add([record(2), record(5)], from: "m2", at: .zero)
    #expect(times(merge.take(at: nil)) == [1, 2, 4, 5])
    #expect(merge.hungry == ["m2"])
    merge.close("m2")
    #expect(times(merge.take(at: nil)) == [6])
    #expect(!merge.isOver)
    merge.close("m1")
    #expect(merge.isOver)
  }

  @Test func `an entry is held back for silent machines, and no longer than it takes`() {
    var merge = JournalMerge()
    merge.open("m1")
    merge.open("m2")
    merge.add([record(10)], from: "m1", at: .milliseconds(0))
    #expect(merge.take(at: .milliseconds(100)).isEmpty)
    merge.add([record(9)], from: "m2", at: .milliseconds(200))
    #expect(times(merge.take(at: .milliseconds(201))) == [9])
    #expect(times(merge.take(at: .milliseconds(250))) == [10])
  }

  @Test func `a late machine delays nobody for longer, whatever the times of its entries`() {
    var merge = JournalMerge()
    merge.open("m1")
    merge.open("m2")
    merge.open("m3")
    merge.add([record(100)], from: "m1", at: .milliseconds(0))
    merge.add([record(1), record(2)], from: "m2", at: .milliseconds(249))
    #expect(times(merge.take(at: .milliseconds(250))) == [1, 2, 100])
  }

  @Test func `the order of each machine's journal is kept, though its times run back`() {
    var merge = JournalMerge()
    merge.open("m1")
    merge.open("m2")
    merge.add([record(5, "a"), record(3, "b"), record(8, "c")], from: "m1", at: .zero)
    merge.add([record(4, "d"), record(9, "e")], from: "m2", at: .zero)
    merge.close("m1")
    merge.close("m2")
    #expect(merge.take(at: nil).map(\.text) == ["d", "a", "b", "c", "e"])
  }

  @Test func `a machine is full after so many entries or bytes`() {
    var merge = JournalMerge()
    merge.open("m1")
    #expect(!merge.isFull("m1"))
    merge.add((0..<JournalMerge.machineEntries).map { record(Int64($0)) }, from: "m1", at: .zero)
    #expect(merge.isFull("m1"))
    #expect(merge.take(at: nil, limit: 1).count == 1)
    #expect(!merge.isFull("m1"))
    merge.add([record(9_999, bytes: JournalMerge.machineBytes)], from: "m2", at: .zero)
    #expect(merge.isFull("m2"))
    _ = merge.take(at: .seconds(1), limit: .max)
    #expect(!merge.isFull("m2"))
  }

  @Test func `only the last are kept, and not more bytes than may be`() {
    var tail = JournalTailBuffer(limit: 3, limitBytes: 100)
    for time in 1...5 { tail.add(record(Int64(time))) }
    #expect(times(tail.records) == [3, 4, 5])
    tail.add(record(6, bytes: 60))
    tail.add(record(7, bytes: 60))
    #expect(times(tail.records) == [7])
  }
}
