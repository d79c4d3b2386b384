// SPDX-License-Identifier: Apache-2.0
import Foundation
import Raft
import TestKit
import Testing

@testable import RaftStorage

@Suite struct CrashTests {
  /// What a log looks like after each step of a run with appends, conflicts, snapshots and compactions.
  private func run(_ seed: UInt64, in directory: ScratchDirectory, after: (Content) throws -> Void) throws {
    var generator = SeededGenerator(seed: seed)
    let store = try openStore(directory)
    var last: UInt64 = 0
    var snapshot: UInt64 = 0
    for step in 1...30 as ClosedRange<UInt64> {
      switch Int.random(in: 0..<10, using: &generator) {
      case 0 where last > snapshot + 1:
        snapshot = last - 1
        try store.stageSnapshot([UInt8](repeating: UInt8(step), count: 20_000), at: 0)
        try after(Content(store))
        try store.stageSnapshot([UInt8](repeating: UInt8(step), count: 20_000), at: 0)
        try store.saveStagedSnapshot(metadata(snapshot))
      case 1: try store.compact(through: LogIndex(snapshot))
      default:
        let first = UInt64.random(in: min(snapshot, last) + 1...last + 1, using: &generator)
        let count = UInt64.random(in: 1...20, using: &generator)
        let batch = entries(first...first + count - 1, term: step)
        try store.append(LogBatch(hardState: HardState(term: Term(step)), entries: batch))
        last = first + count - 1
      }
      try after(Content(store))
    }
  }

  @Test(arguments: 1...4 as ClosedRange<UInt64>)
  func `a crash after any commit loses nothing`(_ seed: UInt64) throws {
    let live = try ScratchDirectory()
    try run(seed, in: live) { content in
      let crashed = try ScratchDirectory()
      try live.copyDatabase(to: crashed)
      #expect(try Content(openStore(crashed)) == content)
    }
  }

  @Test(arguments: 5...6 as ClosedRange<UInt64>)
  func `a write-ahead file cut anywhere leaves a whole earlier moment`(_ seed: UInt64) throws {
    let live = try ScratchDirectory()
    var moments: [Content] = []
    let crashed = try ScratchDirectory()
    // The copy is taken before the live file is closed, which would move the write-ahead file into the main one.
    try run(seed, in: live) { content in
      moments.append(content)
      try live.copyDatabase(to: crashed)
    }
    let walBytes = UInt64(try crashed.writeAheadBytes().count)
    let headerBytes: UInt64 = 32
    let frameBytes: UInt64 = 24 + 4_096
    var previous = moments.count
    var cut = walBytes
    while cut > headerBytes {
      for bytes in [cut, cut - 1, cut - 4_000] where bytes > headerBytes {
        let torn = try ScratchDirectory()
        try crashed.copyDatabase(to: torn)
        try torn.truncate("raft.db-wal", to: bytes)
        let recovered = try Content(openStore(torn))
        let moment = moments.lastIndex(of: recovered) ?? (recovered.stored == StoredLog() ? -1 : nil)
        let found = try #require(moment, "cut at \(bytes): a state that never was")
        #expect(found <= previous, "cut at \(bytes): a shorter file knows more")
        previous = found
      }
      cut -= min(cut, frameBytes)
    }
    #expect(previous <= 0)
  }

  @Test func `a full disk is reported, undone, and survived`() throws {
    let directory = try ScratchDirectory()
    let store = try openStore(directory)
    try store.append(LogBatch(entries: entries(1...10)))
    let before = try Content(store)
    let pages = try store.statements.connection.pageCount()
    try store.statements.connection.execute("PRAGMA max_page_count=\(pages + 2)")
    let large = Entry(
      term: Term(1),
      index: LogIndex(11),
      kind: .command,
      timestampNanoseconds: 0,
      data: [UInt8](repeating: 1, count: 100_000)
    )
    do {
      try store.append(LogBatch(hardState: HardState(term: Term(5)), entries: [large]))
      Issue.record("there was room after all")
    } catch let error as RaftStorageError {
      #expect(error.code == .diskFull)
      #expect(error.description.contains("raft.db: the disk is full"))
    }
    // Nothing may be written until what is durable has been read again.
    #expect(throws: RaftStorageError.self) { try store.append(LogBatch(entries: entries(11...11))) }
    #expect(try Content(store) == before)
    try store.append(LogBatch(entries: [large]))
    #expect(try Content(store).entries.last == large)
  }
}

extension SQLiteConnection {
  fileprivate func pageCount() throws -> UInt64 {
    var count: UInt64 = 0
    try prepare("PRAGMA page_count", operation: "count").forEachRow { row in count = row.number(0) }
    return count
  }
}
