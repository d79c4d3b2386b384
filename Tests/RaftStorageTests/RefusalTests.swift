// SPDX-License-Identifier: Apache-2.0
import Foundation
import Raft
import Testing

@testable import RaftStorage

@Suite struct RefusalTests {
  let directory: ScratchDirectory

  init() throws {
    directory = try ScratchDirectory()
  }

  private func refusal(_ code: RaftStorageError.Code, _ open: () throws -> SQLiteLogStore) -> String? {
    do {
      _ = try open()
      Issue.record("the file was accepted")
      return nil
    } catch let error as RaftStorageError {
      #expect(error.code == code)
      return error.description
    } catch {
      Issue.record(error)
      return nil
    }
  }

  /// Makes a database with some content and runs SQL on it, as a broken disk or another program might.
  private func damage(_ sql: String) throws {
    do {
      let store = try openStore(directory)
      try store.append(LogBatch(hardState: HardState(term: Term(1)), entries: entries(1...9)))
      try store.stageSnapshot([UInt8](repeating: 7, count: 3_000), at: 0)
      try store.saveStagedSnapshot(metadata(4))
    }
    let connection = try SQLiteConnection(path: directory.path + "/raft.db")
    try connection.execute(sql)
  }

  @Test func `another cluster's file is refused by name`() throws {
    _ = try openStore(directory)
    let message = refusal(.foreign) {
      try SQLiteLogStore(directory: directory.path, cluster: ClusterID(0xBAD), member: member)
    }
    #expect(message?.contains("raft.db belongs to cluster c0ffee, not to bad") == true)
  }

  @Test func `another member's file is refused by name`() throws {
    _ = try openStore(directory)
    let message = refusal(.foreign) {
      try SQLiteLogStore(directory: directory.path, cluster: cluster, member: MemberID(0xB))
    }
    #expect(message?.contains("raft.db belongs to member a, not to b") == true)
  }

  @Test func `another format is refused by its number`() throws {
    _ = try openStore(directory)
    let checksum = RowChecksum.of(3, cluster.rawValue, member.rawValue)
    do {
      let connection = try SQLiteConnection(path: directory.path + "/raft.db")
      try connection.execute("UPDATE identity SET format = 3, checksum = \(Int64(bitPattern: checksum))")
    }
    let message = refusal(.unsupportedFormat) { try openStore(directory) }
    #expect(message?.contains("has format 3") == true)
  }

  @Test func `a file that is no database is refused`() throws {
    let text = Data(String(repeating: "this is no database\n", count: 100).utf8)
    try text.write(to: URL(fileURLWithPath: directory.path + "/raft.db"))
    let message = refusal(.corrupt) { try openStore(directory) }
    #expect(message?.contains("raft.db is not a Raft database") == true)
  }

  @Test func `a directory in use is refused`() throws {
    let first = try openStore(directory)
    let message = refusal(.inUse) { try openStore(directory) }
    #expect(message?.contains("the data directory \(directory.path) is in use by another process") == true)
    _ = try first.load()
  }

  @Test(
    arguments: [
      "UPDATE entries SET entry = zeroblob(length(entry)) WHERE log_index = 5",
      "UPDATE entries SET term = 2 WHERE log_index = 5",
      "DELETE FROM entries WHERE log_index = 6",
      "DELETE FROM entries WHERE log_index < 7",
      "UPDATE hard_state SET term = 8",
      "UPDATE hard_state SET vote = 1",
      "UPDATE identity SET member = 3",
      "UPDATE hard_state SET last_index = 8",
      "DELETE FROM hard_state",
      "DELETE FROM entries WHERE log_index = 9",
      "UPDATE snapshot SET size = 2999",
    ]
  )
  func `damage inside is refused`(_ sql: String) throws {
    try damage(sql)
    let message = refusal(.corrupt) { try openStore(directory) }
    #expect(message?.contains("raft.db is damaged") == true)
  }

  @Test func `a damaged or missing snapshot is refused`() throws {
    try damage("SELECT 1")
    let name = try #require(directory.storeFiles.first { $0.hasPrefix("snapshot-") })
    var bytes = try directory.contents(of: name)
    bytes[1_000] ^= 1
    try directory.write(bytes, to: name)
    #expect(throws: RaftStorageError.self) { try snapshotBytes(openStore(directory), index: 4) }
    try directory.write(Array(bytes.dropLast()), to: name)
    #expect(refusal(.corrupt) { try openStore(directory) }?.contains("instead of 3008") == true)
    try FileManager.default.removeItem(atPath: directory.path + "/" + name)
    #expect(refusal(.corrupt) { try openStore(directory) }?.contains("is damaged") == true)
  }

  @Test func `a page of garbage is refused and does not crash`() throws {
    do {
      let store = try openStore(directory)
      for first in stride(from: UInt64(1), to: 2_000, by: 100) {
        try store.append(LogBatch(entries: entries(first...first + 99)))
      }
    }
    let file = directory.path + "/raft.db"
    let pristine = try Data(contentsOf: URL(fileURLWithPath: file))
    for page in 1..<pristine.count / 4_096 {
      var broken = pristine
      broken.replaceSubrange(page * 4_096..<(page + 1) * 4_096, with: Data(repeating: 0xA5, count: 4_096))
      try broken.write(to: URL(fileURLWithPath: file))
      // A page on no list is harmless; every other must be noticed.
      do {
        let store = try openStore(directory)
        #expect(try Content(store).entries.count == 2_000)
      } catch let error as RaftStorageError {
        #expect(error.code == .corrupt, "page \(page): \(error) \(error.cause ?? "")")
      }
    }
  }
}
