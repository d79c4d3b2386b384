// SPDX-License-Identifier: Apache-2.0
import CDiskFaults
import CSQLite

/// One open SQLite file with the durability settings of a log: WAL, `synchronous=FULL`, exclusive.
///
/// Concurrency: confined to one thread at a time by its owner; SQLite is opened without its own mutexes.
final class SQLiteConnection {
  let path: String
  private let handle: OpaquePointer

  /// Opens or creates the file.
  init(path: String) throws(RaftStorageError) {
    var opened: OpaquePointer?
    let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
    let code = sqlite3_open_v2(path, &opened, flags, Self.vfs(for: path))
    guard code == SQLITE_OK, let opened else {
      let error = Self.error(code, operation: "open", path: path, handle: opened)
      sqlite3_close_v2(opened)
      throw error
    }
    self.path = path
    handle = opened
  }

  deinit {
    sqlite3_close_v2(handle)
  }

  /// The disk with faults when a test has put some on this file or the environment asks for them, else the system's.
  private static func vfs(for path: String) -> UnsafePointer<CChar>? {
    disk_faults_for_file(path) != nil || disk_faults_are_in_environment() != 0 ? disk_faults_vfs() : nil
  }

  /// Runs statements that return no rows of interest.
  func execute(_ sql: String) throws(RaftStorageError) {
    let code = sqlite3_exec(handle, sql, nil, nil, nil)
    guard code == SQLITE_OK else { throw error(code, operation: sql == "COMMIT" ? "write a batch" : sql) }
  }

  /// Compiles a statement to be run many times; `operation` names it in errors.
  func prepare(_ sql: String, operation: String) throws(RaftStorageError) -> SQLiteStatement {
    var statement: OpaquePointer?
    let code = sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil)
    guard code == SQLITE_OK, let statement else { throw error(code, operation: operation) }
    return SQLiteStatement(handle: statement, connection: self, operation: operation)
  }

  /// Runs `body` in one transaction: durable when this returns, undone when it throws.
  func transaction<Value>(
    _ body: () throws(RaftStorageError) -> Value
  ) throws(RaftStorageError) -> Value {
    try execute("BEGIN IMMEDIATE")
    do {
      let value = try body()
      try execute("COMMIT")
      return value
    } catch {
      // SQLite has already rolled back after some errors (SQLITE_FULL, SQLITE_IOERR); then there is nothing to undo.
      if sqlite3_get_autocommit(handle) == 0 { _ = sqlite3_exec(handle, "ROLLBACK", nil, nil, nil) }
      throw error
    }
  }

  /// Turns a SQLite result code into this target's error.
  func error(_ code: Int32, operation: String) -> RaftStorageError {
    Self.error(code, operation: operation, path: path, handle: handle)
  }

  private static func error(
    _ code: Int32,
    operation: String,
    path: String,
    handle: OpaquePointer?
  ) -> RaftStorageError {
    let detail = handle.flatMap { sqlite3_errmsg($0) } ?? sqlite3_errstr(code)
    let cause = "\(detail.map { String(cString: $0) } ?? "unknown") (SQLite code \(code))"
    switch code & 0xFF {
    case SQLITE_FULL:
      return RaftStorageError(
        .diskFull,
        "cannot \(operation) in \(path): the disk is full; free some space",
        cause: cause
      )
    case SQLITE_IOERR, SQLITE_CANTOPEN, SQLITE_READONLY, SQLITE_PERM:
      return RaftStorageError(
        .inputOutput,
        "cannot \(operation) in \(path): the disk or its permissions refuse it; check the file system",
        cause: cause
      )
    case SQLITE_BUSY, SQLITE_LOCKED:
      return RaftStorageError(
        .inUse,
        "cannot \(operation) in \(path): another process has the file open; stop it first",
        cause: cause
      )
    case SQLITE_NOTADB:
      return RaftStorageError(
        .corrupt,
        "\(path) is not a Raft database; move it away, or name another data directory",
        cause: cause
      )
    case SQLITE_CORRUPT:
      return RaftStorageError(.corrupt, RaftStorageError.damage(path, "SQLite finds it malformed"), cause: cause)
    default:
      return RaftStorageError(.unexpected, "cannot \(operation) in \(path)", cause: cause)
    }
  }
}

extension RaftStorageError {
  /// The sentence for a file whose content cannot be trusted.
  static func damage(_ path: String, _ finding: String) -> String {
    "\(path) is damaged (\(finding)); this member must not start from it: remove the member from the cluster, "
      + "clear its data directory and add it again, or restore a backup"
  }
}
