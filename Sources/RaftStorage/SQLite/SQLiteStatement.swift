// SPDX-License-Identifier: Apache-2.0
import CSQLite

/// One prepared statement: bind by position from 1, step, read columns from 0, reset.
final class SQLiteStatement {
  private let handle: OpaquePointer
  private let connection: SQLiteConnection
  private let operation: String

  init(handle: OpaquePointer, connection: SQLiteConnection, operation: String) {
    self.handle = handle
    self.connection = connection
    self.operation = operation
  }

  deinit {
    sqlite3_finalize(handle)
  }

  /// Binds a number; unsigned 64-bit numbers are kept bit by bit.
  func bind(_ position: Int32, _ value: UInt64) throws(RaftStorageError) {
    try check(sqlite3_bind_int64(handle, position, Int64(bitPattern: value)))
  }

  /// Binds bytes; SQLite copies them.
  func bind(_ position: Int32, _ bytes: borrowing RawSpan) throws(RaftStorageError) {
    let code = bytes.withUnsafeBytes { buffer -> Int32 in
      guard let base = buffer.baseAddress else { return sqlite3_bind_zeroblob(handle, position, 0) }
      return sqlite3_bind_blob64(handle, position, base, UInt64(buffer.count), Self.copied)
    }
    try check(code)
  }

  /// Binds bytes; SQLite copies them.
  func bind(_ position: Int32, _ bytes: [UInt8]) throws(RaftStorageError) {
    try bind(position, bytes.span.bytes)
  }

  /// Runs a statement that returns no rows, and makes it ready to be bound again.
  func run() throws(RaftStorageError) {
    let code = sqlite3_step(handle)
    sqlite3_reset(handle)
    guard code == SQLITE_DONE || code == SQLITE_ROW else { throw connection.error(code, operation: operation) }
  }

  /// Binds NULL.
  func bindNull(_ position: Int32) throws(RaftStorageError) {
    try check(sqlite3_bind_null(handle, position))
  }

  /// Calls `row` for each row, and makes the statement ready to be bound again.
  func forEachRow(_ row: (SQLiteStatement) throws(RaftStorageError) -> Void) throws(RaftStorageError) {
    try forEachRowWhile { statement throws(RaftStorageError) in
      try row(statement)
      return true
    }
  }

  /// Calls `row` for each row until it returns false, and makes the statement ready to be bound again.
  func forEachRowWhile(_ row: (SQLiteStatement) throws(RaftStorageError) -> Bool) throws(RaftStorageError) {
    defer { sqlite3_reset(handle) }
    while true {
      let code = sqlite3_step(handle)
      switch code {
      case SQLITE_ROW: guard try row(self) else { return }
      case SQLITE_DONE: return
      default: throw connection.error(code, operation: operation)
      }
    }
  }

  /// A number in the current row.
  func number(_ column: Int32) -> UInt64 {
    UInt64(bitPattern: sqlite3_column_int64(handle, column))
  }

  /// Whether the current row has NULL there.
  func isNull(_ column: Int32) -> Bool {
    sqlite3_column_type(handle, column) == SQLITE_NULL
  }

  /// Bytes in the current row, copied.
  func bytes(_ column: Int32) -> [UInt8] {
    let count = Int(sqlite3_column_bytes(handle, column))
    guard count > 0, let base = sqlite3_column_blob(handle, column) else { return [] }
    return [UInt8](UnsafeRawBufferPointer(start: base, count: count))
  }

  /// SQLITE_TRANSIENT, a macro that Swift does not import: "copy the bytes before returning".
  private static let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

  private func check(_ code: Int32) throws(RaftStorageError) {
    guard code == SQLITE_OK else { throw connection.error(code, operation: operation) }
  }
}
