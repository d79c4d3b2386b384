// SPDX-License-Identifier: Apache-2.0
import Raft
import Testing

@testable import RaftStorage

@Suite struct SQLiteLogStoreTests {
  let directory: ScratchDirectory

  init() throws {
    directory = try ScratchDirectory()
  }

  @Test func `a new log is empty`() throws {
    #expect(try openStore(directory).load() == StoredLog())
  }

  @Test func `a batch is there after the file was opened again`() throws {
    let hardState = HardState(term: Term(3), vote: MemberID(.max), commitIndex: LogIndex(2))
    do {
      let store = try openStore(directory)
      try store.append(LogBatch(hardState: hardState, entries: entries(1...3)))
    }
    let content = try Content(openStore(directory))
    #expect(content.stored == StoredLog(hardState: hardState, firstIndex: LogIndex(1), lastIndex: LogIndex(3)))
    #expect(content.entries == entries(1...3))
  }

  @Test func `a hard state alone is a batch`() throws {
    let store = try openStore(directory)
    try store.append(LogBatch(hardState: HardState(term: Term(9), vote: nil, commitIndex: .zero)))
    #expect(try store.load().hardState.term == Term(9))
    #expect(try store.load().hardState.vote == nil)
  }

  @Test func `a conflicting suffix is replaced`() throws {
    let store = try openStore(directory)
    try store.append(LogBatch(entries: entries(1...5)))
    try store.append(LogBatch(entries: entries(3...4, term: 2)))
    let content = try Content(store)
    #expect(content.entries == entries(1...2) + entries(3...4, term: 2))
    #expect(content.stored.lastIndex == LogIndex(4))
    #expect(try store.term(at: LogIndex(4)) == Term(2))
    #expect(try store.term(at: LogIndex(5)) == nil)
  }

  @Test func `reads stop at the byte limit but give at least one entry`() throws {
    let store = try openStore(directory)
    try store.append(LogBatch(entries: entries(1...10)))
    let size = entries(1...1)[0].sizeBytes
    #expect(try store.entries(from: LogIndex(4), through: LogIndex(9), maxBytes: 1).map(\.index) == [LogIndex(4)])
    #expect(try store.entries(from: LogIndex(4), through: LogIndex(9), maxBytes: size * 2).count == 2)
    #expect(try store.entries(from: LogIndex(4), through: LogIndex(9), maxBytes: .max).count == 6)
  }

  @Test func `compaction removes the front`() throws {
    let store = try openStore(directory)
    try store.append(LogBatch(entries: entries(1...10)))
    try store.stageSnapshot([1, 2, 3], at: 0)
    try store.saveStagedSnapshot(metadata(8))
    try store.compact(through: LogIndex(6))
    #expect(try store.load().firstIndex == LogIndex(7))
    #expect(try store.term(at: LogIndex(6)) == nil)
    try store.compact(through: LogIndex(2))
    #expect(try store.load().firstIndex == LogIndex(7))
    #expect(try store.load().lastIndex == LogIndex(10))
  }

  @Test func `a log compacted to its end goes on after it`() throws {
    let store = try openStore(directory)
    try store.append(LogBatch(entries: entries(1...4)))
    try store.stageSnapshot([], at: 0)
    try store.saveStagedSnapshot(metadata(4))
    try store.compact(through: LogIndex(4))
    #expect(try store.load().firstIndex == LogIndex(5))
    #expect(try store.load().lastIndex == LogIndex(4))
    #expect(try store.term(at: LogIndex(4)) == Term(1))
    try store.append(LogBatch(entries: entries(5...5)))
    #expect(try Content(store).entries == entries(5...5))
  }

  @Test func `a snapshot of several megabytes comes back in pieces of any size`() throws {
    let store = try openStore(directory)
    try store.append(LogBatch(entries: entries(1...3)))
    let bytes = (0..<5_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    try store.stageSnapshot(Array(bytes[..<3_000_000]), at: 0)
    try store.stageSnapshot(Array(bytes[3_000_000...]), at: 3_000_000)
    #expect(try store.load().snapshot == nil)
    try store.stageSnapshot(bytes, at: 0)
    try store.saveStagedSnapshot(metadata(3))
    #expect(try snapshotBytes(store, index: 3, maxBytes: 1 << 20) == bytes)
    #expect(try snapshotBytes(store, index: 3, maxBytes: 700_001) == bytes)
    #expect(try store.snapshotChunk(index: LogIndex(2), offset: 0, maxBytes: 10) == nil)
    #expect(
      try store.snapshotChunk(index: LogIndex(3), offset: 5_000_000, maxBytes: 10)
        == SnapshotChunk(bytes: [], isLast: true)
    )
  }

  @Test func `staged bytes do not survive and do not disturb the latest snapshot`() throws {
    do {
      let store = try openStore(directory)
      try store.append(LogBatch(entries: entries(1...9)))
      try store.stageSnapshot([1], at: 0)
      try store.saveStagedSnapshot(metadata(3))
      try store.stageSnapshot([2, 2], at: 0)
    }
    let store = try openStore(directory)
    #expect(try store.load().snapshot == metadata(3))
    #expect(try snapshotBytes(store, index: 3) == [1])
    try store.stageSnapshot([3, 3, 3], at: 0)
    try store.saveStagedSnapshot(metadata(5))
    #expect(try snapshotBytes(store, index: 5) == [3, 3, 3])
    #expect(try snapshotBytes(store, index: 3) == nil)
  }

  @Test func `an installed snapshot empties the log and brings its hard state`() throws {
    let hardState = HardState(term: Term(4), vote: nil, commitIndex: LogIndex(100))
    do {
      let store = try openStore(directory)
      try store.append(LogBatch(entries: entries(1...5)))
      try store.stageSnapshot([9, 9], at: 0)
      try store.installStagedSnapshot(metadata(100, term: 4), hardState: hardState)
    }
    let store = try openStore(directory)
    let expected = StoredLog(
      hardState: hardState,
      snapshot: metadata(100, term: 4),
      firstIndex: LogIndex(101),
      lastIndex: LogIndex(100)
    )
    #expect(try store.load() == expected)
    #expect(try store.term(at: LogIndex(100)) == Term(4))
    try store.append(LogBatch(entries: entries(101...102, term: 4)))
    #expect(try store.load().lastIndex == LogIndex(102))
  }
}
