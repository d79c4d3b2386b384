// SPDX-License-Identifier: Apache-2.0
public import Raft

/// A member's log, hard state and latest snapshot in one SQLite file, `raft.db` in the data directory.
///
/// Each batch is one transaction in WAL mode with `synchronous=FULL`, so it is durable when ``append(_:)`` returns and
/// a torn tail is cut off by SQLite's own recovery. Every row has a checksum; what does not fit is refused.
///
/// Concurrency: confined to one thread at a time. The directory is locked against other processes.
public final class SQLiteLogStore: LogStore {
  /// The file.
  public let path: String

  let cluster: ClusterID
  let member: MemberID
  private let lock: DirectoryLock
  /// Nil only while the file could not be opened again after an error.
  private var opened: LogStatements?
  var firstIndex = LogIndex(1)
  var lastIndex = LogIndex.zero
  var snapshot: StoredSnapshot?
  var staged = StagedSnapshot()
  /// Set by a failed mutation: what the file holds is known only after it has been opened again.
  private var mustReopen = false

  /// Opens the log in a data directory, or makes an empty one.
  ///
  /// - Parameters:
  ///   - directory: The data directory; it is made when it is missing.
  ///   - cluster: The cluster the member belongs to.
  ///   - member: The member.
  /// - Throws: ``RaftStorageError`` when the directory is in use, the file is another cluster's, another member's or
  ///   another version's, is no database, or is damaged.
  public init(directory: String, cluster: ClusterID, member: MemberID) throws(RaftStorageError) {
    lock = try DirectoryLock(directory: directory)
    path = directory + "/raft.db"
    self.cluster = cluster
    self.member = member
    opened = try LogStatements(path: path)
    try checkIdentity()
    try readBounds()
    try verifyRows()
  }

  /// The size of the file and of its write-ahead file.
  public var sizeBytes: UInt64 { Self.sizeBytes(directory: String(path.dropLast("/raft.db".count))) }

  /// The size of the database of a data directory, with its write-ahead file; callable from any thread.
  public static func sizeBytes(directory: String) -> UInt64 {
    fileSize(directory + "/raft.db") + fileSize(directory + "/raft.db-wal")
  }

  /// Reads what is durable now, opening the file again after an error.
  ///
  /// - Throws: ``RaftStorageError``.
  public func load() throws -> StoredLog {
    if mustReopen { try reopen() }
    staged = StagedSnapshot()
    try readBounds()
    return StoredLog(
      hardState: try readHardState(),
      snapshot: snapshot?.metadata,
      firstIndex: firstIndex,
      lastIndex: lastIndex
    )
  }

  /// Makes a batch durable in one transaction.
  ///
  /// - Throws: ``RaftStorageError``; nothing of the batch is there then, or all of it, as ``load()`` tells.
  public func append(_ batch: LogBatch) throws {
    try mutate { () throws(RaftStorageError) in
      if let hardState = batch.hardState { try self.write(hardState) }
      guard let first = batch.entries.first, let last = batch.entries.last else { return }
      precondition(first.index <= self.lastIndex.next, "entries must follow the log without a gap")
      if first.index <= self.lastIndex { try self.statements.truncate(from: first.index) }
      for entry in batch.entries { try self.statements.insert(entry) }
      self.firstIndex = min(self.firstIndex, first.index)
      self.lastIndex = last.index
    }
  }

  /// The entries of a range, as many as fit.
  ///
  /// - Throws: ``RaftStorageError``.
  public func entries(from first: LogIndex, through last: LogIndex, maxBytes: Int) throws -> [Entry] {
    try statements.entries(from: first, through: last, maxBytes: maxBytes)
  }

  /// The term of an entry the log holds, or of the snapshot.
  ///
  /// - Throws: ``RaftStorageError``.
  public func term(at index: LogIndex) throws -> Term? {
    if let metadata = snapshot?.metadata, metadata.index == index { return metadata.term }
    guard index >= firstIndex, index <= lastIndex else { return nil }
    return try statements.term(at: index)
  }

  /// Removes entries that a snapshot covers.
  ///
  /// - Throws: ``RaftStorageError``.
  public func compact(through index: LogIndex) throws {
    guard index >= firstIndex else { return }
    try mutate { () throws(RaftStorageError) in
      try self.statements.compact(through: index)
      self.firstIndex = max(self.firstIndex, index.next)
    }
  }

  /// The statements of the open file.
  var statements: LogStatements {
    get throws(RaftStorageError) {
      guard let opened else { throw Self.notOpen(path) }
      return opened
    }
  }

  /// Runs one transaction; after a failure only ``load()`` makes the store usable again.
  func mutate(_ body: () throws(RaftStorageError) -> Void) throws(RaftStorageError) {
    guard !mustReopen else { throw Self.notOpen(path) }
    do {
      try statements.connection.transaction(body)
    } catch {
      mustReopen = true
      throw error
    }
  }

  /// Opens the file again and moves everything from the write-ahead file into the main file.
  ///
  /// After a failed fsync the system may believe that pages are clean which never reached the disk. Copying them over
  /// writes them anew, so that the fsync that follows means something.
  private func reopen() throws(RaftStorageError) {
    opened = nil
    let reopened = try LogStatements(path: path)
    try reopened.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    opened = reopened
    mustReopen = false
  }

  private static func notOpen(_ path: String) -> RaftStorageError {
    RaftStorageError(.inputOutput, "\(path) failed before and has not been opened again yet")
  }
}
