// SPDX-License-Identifier: Apache-2.0

extension SQLiteConnection {
  /// The version of the tables below; another one is refused by name.
  static let formatVersion: UInt64 = 2

  /// Pages in the write-ahead file after which SQLite copies them into the main file: 8 MiB of 4 KiB pages.
  static let checkpointPages = 2_048

  /// Opens a Raft database with the durability settings it relies on, and makes its tables when they are missing.
  static func openLog(path: String) throws(RaftStorageError) -> SQLiteConnection {
    let connection = try SQLiteConnection(path: path)
    // The exclusive mode keeps the index of the write-ahead file in memory and spares a lock a transaction.
    try connection.execute("PRAGMA locking_mode=EXCLUSIVE")
    // Pages that became free can be given back to the file system; it must be said before there is a table.
    try connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
    try connection.execute("PRAGMA journal_mode=WAL")
    try connection.execute("PRAGMA synchronous=FULL")
    try connection.execute("PRAGMA wal_autocheckpoint=\(checkpointPages)")
    try connection.execute("PRAGMA journal_size_limit=\(64 << 20)")
    try connection.execute("PRAGMA cache_size=-4096")
    try connection.execute("PRAGMA temp_store=MEMORY")
    try connection.execute("PRAGMA trusted_schema=OFF")
    try connection.transaction { () throws(RaftStorageError) in try connection.execute(schema) }
    return connection
  }

  /// Unsigned numbers are kept bit by bit in signed columns, which changes nothing for indexes below 2^63.
  private static let schema = """
    CREATE TABLE IF NOT EXISTS identity (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      format INTEGER NOT NULL, cluster INTEGER NOT NULL, member INTEGER NOT NULL, checksum INTEGER NOT NULL
    );
    CREATE TABLE IF NOT EXISTS hard_state (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      term INTEGER NOT NULL, vote INTEGER, commit_index INTEGER NOT NULL,
      last_index INTEGER NOT NULL, mark BLOB NOT NULL, checksum INTEGER NOT NULL
    );
    CREATE TABLE IF NOT EXISTS entries (
      log_index INTEGER PRIMARY KEY,
      term INTEGER NOT NULL, entry BLOB NOT NULL, checksum INTEGER NOT NULL
    );
    CREATE TABLE IF NOT EXISTS snapshot (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      generation INTEGER NOT NULL, size INTEGER NOT NULL, metadata BLOB NOT NULL, checksum INTEGER NOT NULL
    );
    """
}
