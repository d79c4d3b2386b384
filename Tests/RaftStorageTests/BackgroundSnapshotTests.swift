// SPDX-License-Identifier: Apache-2.0
import Foundation
import Raft
import Synchronization
import TestKit
import Testing

@testable import RaftStorage

@Suite struct BackgroundSnapshotTests {
  let directory: ScratchDirectory

  init() throws {
    directory = try ScratchDirectory()
  }

  /// A state of some pieces, written only while a gate is open.
  private final class GatedState: FrozenState {
    let pieces: [[UInt8]]
    let isOpen = Atomic(false)

    init(_ pieces: [[UInt8]]) {
      self.pieces = pieces
    }

    func writeSnapshot(_ write: ([UInt8]) throws -> Void) throws {
      for piece in pieces {
        while !isOpen.load(ordering: .acquiring) { poll(nil, 0, 1) }
        try write(piece)
      }
    }
  }

  private func written(_ store: SQLiteLogStore) async throws {
    try await eventually("the snapshot is written") { try store.isSnapshotWritten() }
  }

  @Test func `batches become durable while a snapshot is written`() async throws {
    let store = try openStore(directory)
    try store.append(LogBatch(entries: entries(1...10)))
    let state = GatedState([[1, 2, 3], [UInt8](repeating: 9, count: 700_000)])
    try store.beginSnapshot(state)
    try store.append(LogBatch(entries: entries(11...20)))
    #expect(try !store.isSnapshotWritten())
    state.isOpen.store(true, ordering: .releasing)
    try await written(store)
    try store.saveStagedSnapshot(metadata(10))
    try store.append(LogBatch(entries: entries(21...21)))
    #expect(try snapshotBytes(store, index: 10, maxBytes: 1 << 20) == state.pieces.flatMap { $0 })
    #expect(store.snapshotBytes == 700_003)
    #expect(try store.load().lastIndex == LogIndex(21))
  }

  @Test func `older snapshots are removed, and so is one that was never finished`() async throws {
    do {
      let store = try openStore(directory)
      try store.append(LogBatch(entries: entries(1...10)))
      for index in 1...5 as ClosedRange<UInt64> {
        let state = GatedState([[UInt8(index)]])
        state.isOpen.store(true, ordering: .releasing)
        try store.beginSnapshot(state)
        try await written(store)
        try store.saveStagedSnapshot(metadata(index))
      }
      try store.stageSnapshot([1, 2, 3], at: 0)
    }
    let store = try openStore(directory)
    try await eventually("one file is left") { directory.storeFiles.count { $0.hasPrefix("snapshot-") } == 1 }
    #expect(try snapshotBytes(store, index: 5) == [5])
  }

  @Test func `a received snapshot takes the place of one that is being written`() async throws {
    let store = try openStore(directory)
    try store.append(LogBatch(entries: entries(1...10)))
    let state = GatedState([[1]])
    try store.beginSnapshot(state)
    try store.stageSnapshot([7, 7], at: 0)
    state.isOpen.store(true, ordering: .releasing)
    try store.installStagedSnapshot(metadata(30), hardState: HardState(term: Term(1), commitIndex: LogIndex(30)))
    #expect(try snapshotBytes(store, index: 30) == [7, 7])
    #expect(try store.load().firstIndex == LogIndex(31))
  }

  @Test func `what was compacted goes with later writes, and the room is given back`() throws {
    let store = try openStore(directory)
    let large = String(repeating: "x", count: 20_000)
    for first in stride(from: UInt64(1), to: 4_000, by: 100) {
      try store.append(LogBatch(entries: (first..<first + 100).map { entry($0, large) }))
    }
    try store.stageSnapshot([1], at: 0)
    try store.saveStagedSnapshot(metadata(3_990))
    try store.compact(through: LogIndex(3_900))
    #expect(try store.load().firstIndex == LogIndex(3_901))
    let before = store.sizeBytes
    #expect(before > 70 << 20)
    for _ in 0..<200 { try store.maintain() }
    #expect(try Content(store).entries.count == 10)
    try store.statements.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    #expect(store.sizeBytes < 24 << 20, "\(store.sizeBytes) bytes of \(before) are left")
  }
}
