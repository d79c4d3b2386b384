// SPDX-License-Identifier: Apache-2.0
import Foundation
import Raft
import TestKit
import Testing

@testable import RaftStorage

/// A log as a crash left it is cut, flipped and zeroed everywhere: what opens is what was durable, or nothing opens.
///
/// `CORACLE_RECOVERY_CASES` sets the number of cases of each kind (`make recovery`).
@Suite(.serialized) struct RecoveryTests {
  private static let cases =
    ProcessInfo.processInfo.environment["CORACLE_RECOVERY_CASES"].flatMap { Int($0) } ?? 120
  private static let pageBytes = 4_096
  private static let frameBytes = 24 + pageBytes

  /// The files of a crashed member, and what it held after each transaction.
  private struct Wreck {
    let files: [String: [UInt8]]
    let moments: [Content]

    /// Appends, conflicts, snapshots, compactions, part of it checkpointed and part only in the write-ahead file.
    init(seed: UInt64) throws {
      var generator = SeededGenerator(seed: seed)
      let live = try ScratchDirectory()
      let store = try openStore(live)
      var moments = [try Content(store)]
      var files: [String: [UInt8]] = [:]
      var last: UInt64 = 0
      var snapshot: UInt64 = 0
      for step in 1...60 as ClosedRange<UInt64> {
        switch Int.random(in: 0..<12, using: &generator) {
        case 0 where last > snapshot + 1:
          snapshot = last - 1
          try store.stageSnapshot([UInt8](repeating: UInt8(step), count: 20_000), at: 0)
          try store.saveStagedSnapshot(metadata(snapshot))
        case 1:
          try store.compact(through: LogIndex(snapshot))
          try store.maintain()
        default:
          let first = UInt64.random(in: min(snapshot, last) + 1...last + 1, using: &generator)
          let count = UInt64.random(in: 1...20, using: &generator)
          let large = String(repeating: "z", count: Int.random(in: 0...900, using: &generator))
          let batch = (first..<first + count).map { entry($0, term: step, large) }
          let hardState = HardState(term: Term(step), commitIndex: LogIndex(snapshot))
          try store.append(LogBatch(hardState: hardState, entries: batch))
          last = first + count - 1
        }
        moments.append(try Content(store))
        // A cut write-ahead file names an older snapshot, whose file a crash at that moment would have left.
        for name in live.storeFiles where name.hasPrefix("snapshot-") {
          // It may be removed in the background meanwhile.
          if let bytes = try? live.contents(of: name) { files[name] = bytes }
        }
        if step == 30 { try store.statements.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)") }
      }
      // Read before the store is closed, which would move the write-ahead file into the main one.
      files["raft.db"] = try live.contents(of: "raft.db")
      files["raft.db-wal"] = try live.writeAheadBytes()
      self.files = files
      self.moments = moments
    }

    func bytes(_ name: String) -> [UInt8] { files[name] ?? [] }
  }

  /// What a store made of such files.
  private enum Outcome: Equatable {
    case opened(moment: Int)
    case strange
    case refused(RaftStorageError.Code)
  }

  private func open(_ wreck: Wreck, _ changed: [String: [UInt8]?]) throws -> Outcome {
    let directory = try ScratchDirectory(inMemory: true)
    for (name, bytes) in wreck.files.merging(changed.compactMapValues { $0 }, uniquingKeysWith: { $1 }) {
      if case .some(.none) = changed[name] { continue }
      try directory.write(bytes, to: name)
    }
    do {
      let store = try openStore(directory)
      let content = try Content(store)
      if let snapshot = content.stored.snapshot { _ = try snapshotBytes(store, index: snapshot.index.rawValue) }
      guard let moment = wreck.moments.lastIndex(of: content) else { return .strange }
      // It must also take more, and still be the same after that.
      let next = content.stored.lastIndex.next.rawValue
      try store.append(LogBatch(entries: entries(next...next + 20, term: 1_000)))
      guard try Content(store).entries == content.entries + entries(next...next + 20, term: 1_000) else {
        return .strange
      }
      return .opened(moment: moment)
    } catch let error as RaftStorageError {
      return .refused(error.code)
    }
  }

  @Test func `a write-ahead file cut anywhere gives what was whole before the cut`() throws {
    let wreck = try Wreck(seed: 1)
    let wal = wreck.bytes("raft.db-wal")
    #expect(wal.count > 30 * Self.frameBytes)
    var cuts = Set([0, 1, 31, 32, 33, wal.count])
    for frame in 0...wal.count / Self.frameBytes {
      for extra in frame % 4 == 0 ? [0, 1, 23, 24, 512, 4_119] : [0, 2_000] {
        cuts.insert(min(wal.count, 32 + frame * Self.frameBytes + extra))
      }
    }
    var earliest: Int?
    for cut in cuts.sorted() {
      guard case .opened(let moment) = try open(wreck, ["raft.db-wal": Array(wal[..<cut])]) else {
        Issue.record("cut at \(cut): not opened")
        continue
      }
      #expect(moment >= earliest ?? 0, "cut at \(cut): a longer file knows less")
      earliest = moment
    }
    #expect(earliest == wreck.moments.count - 1)
  }

  @Test func `a flipped bit in the write-ahead file is refused, or it tears the last transaction`() throws {
    var generator = SeededGenerator(seed: 2)
    let wreck = try Wreck(seed: 2)
    let wal = wreck.bytes("raft.db-wal")
    let last = wreck.moments.count - 1
    let transaction = lastTransaction(in: wal)
    for _ in 0..<Self.cases {
      // Half of the flips hit headers, which are a small part of the file.
      var offset = Int.random(in: 0..<wal.count, using: &generator)
      if Bool.random(using: &generator), offset >= 32 {
        offset = 32 + (offset - 32) / Self.frameBytes * Self.frameBytes + Int.random(in: 0..<24, using: &generator)
      }
      var broken = wal
      broken[offset] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
      switch try open(wreck, ["raft.db-wal": broken]) {
      case .refused(let code): #expect(code == .corrupt, "flip at \(offset)")
      case .opened(let moment):
        #expect(offset >= transaction.start && moment >= last - 1, "flip at \(offset): moment \(moment) of \(last)")
      case .strange: Issue.record("flip at \(offset): a state that never was")
      }
    }
  }

  @Test func `frames of the write-ahead file that were zeroed are refused, or they tear the last transaction`() throws {
    var generator = SeededGenerator(seed: 3)
    let wreck = try Wreck(seed: 3)
    let wal = wreck.bytes("raft.db-wal")
    let last = wreck.moments.count - 1
    let transaction = lastTransaction(in: wal)
    let frames = wal.count / Self.frameBytes
    for number in stride(from: 0, to: frames, by: max(1, frames / (Self.cases / 3))) {
      for size in [Self.frameBytes, 24, 512] {
        var broken = wal
        let start = 32 + number * Self.frameBytes + (size == 512 ? Int.random(in: 0..<3_000, using: &generator) : 0)
        for place in start..<start + size { broken[place] = 0 }
        switch try open(wreck, ["raft.db-wal": broken]) {
        case .refused(let code): #expect(code == .corrupt, "zeroes at \(start)")
        case .opened(let moment):
          // Zeroes over zeroes are no damage.
          let isChanged = broken != wal
          #expect(!isChanged || start >= transaction.start, "zeroes at \(start): moment \(moment) of \(last)")
          #expect(moment >= last - 1)
        case .strange: Issue.record("zeroes at \(start): a state that never was")
        }
      }
    }
    var headless = wal
    for place in 0..<32 { headless[place] = 0 }
    #expect(try open(wreck, ["raft.db-wal": headless]) == .refused(.corrupt))
  }

  @Test func `a flipped bit in the database is refused or without effect`() throws {
    var generator = SeededGenerator(seed: 4)
    let wreck = try Wreck(seed: 4)
    let database = wreck.bytes("raft.db")
    let last = wreck.moments.count - 1
    for number in 0..<2 * Self.cases {
      // The headers of the file and of its pages are small, and hit as often as everything else.
      var offset = Int.random(in: 0..<database.count, using: &generator)
      if number % 4 == 1 { offset = offset / Self.pageBytes * Self.pageBytes + offset % 16 }
      if number % 4 == 2 { offset %= 116 }
      var broken = database
      broken[offset] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
      switch try open(wreck, ["raft.db": broken]) {
      case .refused: break
      case .opened(let moment): #expect(moment == last, "flip at \(offset)")
      case .strange: Issue.record("flip at \(offset): a state that never was")
      }
    }
  }

  @Test func `a database that is cut, or whose pages are zeroed, is refused or whole`() throws {
    let wreck = try Wreck(seed: 5)
    let database = wreck.bytes("raft.db")
    let last = wreck.moments.count - 1
    for page in 0...database.count / Self.pageBytes {
      for extra in [0, 1, 100, 2_047] where page * Self.pageBytes + extra <= database.count {
        let cut = page * Self.pageBytes + extra
        let outcome = try open(wreck, ["raft.db": Array(database[..<cut])])
        if case .refused = outcome { continue }
        #expect(outcome == .opened(moment: last), "cut at \(cut)")
      }
      guard (page + 1) * Self.pageBytes <= database.count else { continue }
      var broken = database
      for place in page * Self.pageBytes..<(page + 1) * Self.pageBytes { broken[place] = 0 }
      let outcome = try open(wreck, ["raft.db": broken])
      if case .refused = outcome { continue }
      #expect(outcome == .opened(moment: last), "page \(page) zeroed")
    }
  }

  @Test func `a missing write-ahead file gives the last checkpoint, a missing database is refused`() throws {
    let wreck = try Wreck(seed: 6)
    guard case .opened(let moment) = try open(wreck, ["raft.db-wal": nil]) else {
      Issue.record("not opened")
      return
    }
    #expect(moment >= 29)
    #expect(try open(wreck, ["raft.db": nil]) == .refused(.corrupt))
    #expect(try open(wreck, ["raft.db": []]) == .refused(.corrupt))
  }

  /// Where the last transaction of a write-ahead file begins.
  private func lastTransaction(in wal: [UInt8]) -> (start: Int, frames: Int) {
    let count = (wal.count - 32) / Self.frameBytes
    var first = count - 1
    while first > 0 {
      let previous = 32 + (first - 1) * Self.frameBytes
      if wal[previous + 4..<previous + 8].contains(where: { $0 != 0 }) { break }
      first -= 1
    }
    return (32 + first * Self.frameBytes, count - first)
  }
}
