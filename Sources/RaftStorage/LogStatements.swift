// SPDX-License-Identifier: Apache-2.0
import Raft

/// The prepared statements of one open file; each reads or writes rows and minds their checksums.
final class LogStatements {
  let connection: SQLiteConnection
  private let insertEntry: SQLiteStatement
  private let truncateEntries: SQLiteStatement
  private let compactEntries: SQLiteStatement
  private let selectEntries: SQLiteStatement
  private let selectTerm: SQLiteStatement
  private let deleteEntries: SQLiteStatement
  let upsertHardState: SQLiteStatement
  private let selectFreePages: SQLiteStatement
  private let selectPages: SQLiteStatement

  init(path: String) throws(RaftStorageError) {
    connection = try SQLiteConnection.openLog(path: path)
    insertEntry = try connection.prepare("INSERT INTO entries VALUES (?, ?, ?, ?)", operation: "append entries")
    truncateEntries = try connection.prepare("DELETE FROM entries WHERE log_index >= ?", operation: "truncate the log")
    compactEntries = try connection.prepare("DELETE FROM entries WHERE log_index <= ?", operation: "compact the log")
    selectEntries = try connection.prepare(
      "SELECT log_index, term, entry, checksum FROM entries WHERE log_index BETWEEN ? AND ? ORDER BY log_index",
      operation: "read entries"
    )
    selectTerm = try connection.prepare("SELECT term FROM entries WHERE log_index = ?", operation: "read a term")
    deleteEntries = try connection.prepare("DELETE FROM entries", operation: "empty the log")
    upsertHardState = try connection.prepare(
      "INSERT OR REPLACE INTO hard_state VALUES (1, ?, ?, ?, ?, ?, ?)",
      operation: "write the hard state"
    )
    selectFreePages = try connection.prepare("PRAGMA freelist_count", operation: "count free pages")
    selectPages = try connection.prepare("PRAGMA page_count", operation: "count pages")
  }

  /// Removes every entry at once.
  func removeAllEntries() throws(RaftStorageError) {
    try deleteEntries.run()
  }

  /// How many pages the file has, and how many of them hold nothing.
  func pageCounts() throws(RaftStorageError) -> (all: UInt64, free: UInt64) {
    var (all, free): (UInt64, UInt64) = (0, 0)
    try selectPages.forEachRow { row in all = row.number(0) }
    try selectFreePages.forEachRow { row in free = row.number(0) }
    return (all, free)
  }

  func insert(_ entry: Entry) throws(RaftStorageError) {
    let bytes = entry.encoded()
    try insertEntry.bind(1, entry.index.rawValue)
    try insertEntry.bind(2, entry.term.rawValue)
    try insertEntry.bind(3, bytes)
    try insertEntry.bind(4, RowChecksum.of(entry.index.rawValue, entry.term.rawValue, bytes))
    try insertEntry.run()
  }

  func truncate(from index: LogIndex) throws(RaftStorageError) {
    try truncateEntries.bind(1, index.rawValue)
    try truncateEntries.run()
  }

  func compact(through index: LogIndex) throws(RaftStorageError) {
    try compactEntries.bind(1, index.rawValue)
    try compactEntries.run()
  }

  func term(at index: LogIndex) throws(RaftStorageError) -> Term? {
    try selectTerm.bind(1, index.rawValue)
    var term: Term?
    try selectTerm.forEachRow { row in term = Term(row.number(0)) }
    return term
  }

  /// Contiguous entries from `first`, at least one, as many as stay within `maxBytes`.
  func entries(from first: LogIndex, through last: LogIndex, maxBytes: Int) throws(RaftStorageError) -> [Entry] {
    var entries: [Entry] = []
    var bytes = 0
    try forEachEntry(from: first, through: last) { entry in
      if !entries.isEmpty && bytes + entry.sizeBytes > maxBytes { return false }
      bytes += entry.sizeBytes
      entries.append(entry)
      return true
    }
    guard entries.first?.index == first else {
      throw RaftStorageError(.corrupt, RaftStorageError.damage(connection.path, "entry \(first) is missing"))
    }
    return entries
  }

  /// Calls `body` with each entry of a range, checked, until it returns false.
  func forEachEntry(
    from first: LogIndex,
    through last: LogIndex,
    _ body: (Entry) -> Bool
  ) throws(RaftStorageError) {
    try selectEntries.bind(1, first.rawValue)
    try selectEntries.bind(2, last.rawValue)
    var expected = first
    try selectEntries.forEachRowWhile { row throws(RaftStorageError) in
      let entry = try entry(in: row)
      guard entry.index == expected else {
        throw RaftStorageError(.corrupt, RaftStorageError.damage(connection.path, "entry \(expected) is missing"))
      }
      expected = expected.next
      return body(entry)
    }
  }

  private func entry(in row: SQLiteStatement) throws(RaftStorageError) -> Entry {
    let index = row.number(0)
    let term = row.number(1)
    let bytes = row.bytes(2)
    guard row.number(3) == RowChecksum.of(index, term, bytes), let entry = try? Entry(decoding: bytes),
      entry.index.rawValue == index, entry.term.rawValue == term
    else {
      throw RaftStorageError(
        .corrupt,
        RaftStorageError.damage(connection.path, "the checksum of entry \(index) does not fit")
      )
    }
    return entry
  }
}
