// SPDX-License-Identifier: Apache-2.0
import CDiskFaults
import Foundation
import Raft
import Testing

@testable import RaftStorage

/// The disk fails at every single write or sync of a run, below SQLite: nothing durable is lost, nothing half is kept.
@Suite struct DiskFaultTests {
  enum Fault: CaseIterable {
    case full, failing, torn, unsynced
  }

  private func step(_ number: UInt64, _ store: SQLiteLogStore) throws {
    let last = 4 * number
    try store.append(
      LogBatch(hardState: HardState(term: Term(number)), entries: entries(last + 1...last + 4, term: number + 1))
    )
    if number % 3 == 2 {
      try store.stageSnapshot([UInt8](repeating: UInt8(number), count: 9_000), at: 0)
      try store.saveStagedSnapshot(metadata(last, term: number))
      try store.compact(through: LogIndex(last - 2))
      try store.maintain()
    }
  }

  @Test(arguments: Fault.allCases)
  func `a disk that fails once at any call is survived`(_ fault: Fault) throws {
    var isReached = true
    var call = 0
    while isReached {
      let directory = try ScratchDirectory()
      let faults = try #require(disk_faults_of(directory.path))
      let store = try openStore(directory)
      switch fault {
      case .full: disk_faults_fail_writes(faults, ENOSPC, call, 0)
      case .failing: disk_faults_fail_writes(faults, EIO, call, 0)
      case .torn: disk_faults_fail_writes(faults, EIO, call, 1)
      case .unsynced: disk_faults_fail_syncs(faults, EIO, call)
      }
      isReached = false
      for number in 0..<6 as Range<UInt64> {
        let before = try Content(store)
        do {
          try step(number, store)
          continue
        } catch let error as RaftStorageError {
          isReached = true
          #expect(error.code == (fault == .full ? .diskFull : .inputOutput), "\(fault) at call \(call): \(error)")
        }
        disk_faults_heal(faults)
        let crashed = try ScratchDirectory()
        try directory.copyDatabase(to: crashed)
        let lastBefore = before.stored.lastIndex
        for survivor in [store, try openStore(crashed)] {
          let after = try Content(survivor)
          #expect(after.stored.lastIndex == lastBefore || after.stored.lastIndex == LogIndex(4 * number + 4))
          if after.stored.lastIndex == lastBefore { try step(number, survivor) }
          #expect(try Content(survivor).stored.lastIndex == LogIndex(4 * number + 4))
        }
      }
      #expect(try Content(openAgain(store, directory)).stored.lastIndex == LogIndex(24), "\(fault) at call \(call)")
      call += 1
    }
    #expect(call > 10)
  }

  /// What another process would find.
  private func openAgain(_ store: SQLiteLogStore, _ directory: ScratchDirectory) throws -> SQLiteLogStore {
    let copy = try ScratchDirectory()
    _ = try store.load()
    try directory.copyDatabase(to: copy)
    return try openStore(copy)
  }

  @Test func `a disk that stays full refuses every write and serves every read until there is room`() throws {
    let directory = try ScratchDirectory()
    let faults = try #require(disk_faults_of(directory.path))
    let store = try openStore(directory)
    try store.append(LogBatch(entries: entries(1...50)))
    disk_faults_fail_writes(faults, ENOSPC, 0, 0)
    for _ in 0..<5 {
      #expect(throws: RaftStorageError.self) { try store.append(LogBatch(entries: entries(51...52))) }
      _ = try? store.load()
    }
    disk_faults_heal(faults)
    #expect(try Content(store).entries == entries(1...50))
    try store.append(LogBatch(entries: entries(51...52)))
    #expect(try Content(store).entries == entries(1...52))
  }
}
