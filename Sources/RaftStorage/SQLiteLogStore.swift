// SPDX-License-Identifier: Apache-2.0
public import Raft

/// A member's log and hard state in one SQLite file, `raft.db` in the data directory, its latest snapshot beside it.
///
/// Each batch is one transaction in WAL mode with `synchronous=FULL`, so it is durable when ``append(_:)`` returns and
/// a torn tail is cut off by SQLite's own recovery. Every row has a checksum, every transaction a number, and the
/// write-ahead file is looked through before SQLite takes it (``WriteAheadScan``); what does not fit is refused.
///
/// Concurrency: confined to one thread at a time. The directory is locked against other processes.
public final class SQLiteLogStore: LogStore {
  /// The file.
  public let path: String

  var cluster: ClusterID
  var member: MemberID
  private let lock: DirectoryLock
  /// Nil only while the file could not be opened again after an error.
  private var opened: LogStatements?
  var firstIndex = LogIndex(1)
  var lastIndex = LogIndex.zero
  /// The first entry in the file; those before `firstIndex` are removed bit by bit.
  var storedFirstIndex = LogIndex(1)
  var hardState = HardState()
  /// The number of the last transaction.
  var batchNumber: UInt64 = 0
  var snapshot: StoredSnapshot?
  /// The snapshot that is being received.
  var staged: SnapshotWriter?
  /// The snapshot of this member's own that is being written.
  var saving: SnapshotTask?
  var lastGeneration: UInt64 = 0
  /// Set by a failed mutation: what the file holds is known only after it has been opened again.
  var mustReopen = false

  /// Entries removed in one go.
  private static let removalStep: UInt64 = 512
  /// Free pages that are kept for reuse: 16 MiB of 4 KiB pages.
  private static let sparePages: UInt64 = 4_096
  /// Pages given back in one go.
  private static let returnedPages = 256

  /// Opens the log in a data directory, or makes an empty one.
  ///
  /// - Parameters:
  ///   - directory: The data directory; it is made when it is missing.
  ///   - cluster: The cluster the member belongs to.
  ///   - member: The member.
  ///   - makesRoom: Whether the write-ahead file gets its full length at once, which makes commits faster.
  /// - Throws: ``RaftStorageError`` when the directory is in use, the file is another cluster's, another member's or
  ///   another version's, is no database, or is damaged.
  public convenience init(
    directory: String,
    cluster: ClusterID,
    member: MemberID,
    makesRoom: Bool = false
  ) throws(RaftStorageError) {
    try self.init(
      directory: directory,
      cluster: cluster,
      member: member,
      makesRoom: makesRoom,
      lock: DirectoryLock(directory: directory)
    )
  }

  init(
    directory: String,
    cluster: ClusterID,
    member: MemberID,
    makesRoom: Bool = false,
    lock: DirectoryLock
  ) throws(RaftStorageError) {
    self.lock = lock
    path = directory + "/raft.db"
    self.cluster = cluster
    self.member = member
    let scan = try WriteAheadScan.read(database: path)
    let generations = SnapshotFile.generations(in: directory)
    guard Self.fileSize(path) > 0 || generations.isEmpty else {
      throw damaged("it is missing or empty, but its snapshot is there")
    }
    // Files that are left over are removed in the background: no new one may have their names.
    lastGeneration = generations.last ?? 0
    opened = try LogStatements(path: path)
    try checkIdentity()
    try readBounds()
    try readHardState()
    try scan.check(against: batchNumber, database: path)
    try verify()
    removeOtherSnapshots()
    if makesRoom { WriteAheadRoom.make(database: path) }
  }

  var directory: String { String(path.dropLast("/raft.db".utf8.count)) }

  /// The size of everything this store keeps.
  public var sizeBytes: UInt64 { Self.sizeBytes(directory: directory) }

  /// The size of what a data directory holds: database, write-ahead file, snapshots; callable from any thread.
  public static func sizeBytes(directory: String) -> UInt64 {
    let snapshots = SnapshotFile.generations(in: directory).map { fileSize(SnapshotFile.path($0, in: directory)) }
    return fileSize(directory + "/raft.db") + fileSize(directory + "/raft.db-wal") + snapshots.reduce(0, +)
  }

  /// Reads what is durable now, opening the file again after an error.
  ///
  /// - Throws: ``RaftStorageError``.
  public func load() throws -> StoredLog {
    if mustReopen { try reopen() }
    discardStaged()
    let compacted = firstIndex
    try readBounds()
    try compact(through: min(compacted.previous, snapshot?.metadata.index ?? .zero))
    try readHardState()
    return StoredLog(
      hardState: hardState,
      snapshot: snapshot?.metadata,
      firstIndex: firstIndex,
      lastIndex: lastIndex
    )
  }

  /// Makes a batch durable in one transaction.
  ///
  /// - Throws: ``RaftStorageError``; nothing of the batch is there then, or all of it, as ``load()`` tells.
  public func append(_ batch: LogBatch) throws {
    guard let first = batch.entries.first, let last = batch.entries.last else {
      if let hardState = batch.hardState { try mutate(lastIndex: lastIndex, hardState) {} }
      return
    }
    precondition(first.index <= lastIndex.next, "entries must follow the log without a gap")
    try mutate(lastIndex: last.index, batch.hardState ?? hardState) { () throws(RaftStorageError) in
      if first.index <= self.lastIndex { try self.statements.truncate(from: first.index) }
      for entry in batch.entries { try self.statements.insert(entry) }
      if self.storedFirstIndex < self.firstIndex { try self.removeCompacted(UInt64(2 * batch.entries.count)) }
    }
    firstIndex = min(firstIndex, first.index)
    storedFirstIndex = min(storedFirstIndex, first.index)
    lastIndex = last.index
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

  /// Removes entries that a snapshot covers; the file gives them up bit by bit, with later writes and
  /// ``maintain()``.
  public func compact(through index: LogIndex) throws {
    firstIndex = max(firstIndex, min(index.next, lastIndex.next))
  }

  /// Removes some of what was compacted, and gives some of the room that became free back to the file system.
  ///
  /// - Throws: ``RaftStorageError``.
  public func maintain() throws {
    if storedFirstIndex < firstIndex {
      try mutate(lastIndex: lastIndex, hardState) { () throws(RaftStorageError) in
        try self.removeCompacted(Self.removalStep)
      }
      return
    }
    let pages = try statements.pageCounts()
    guard pages.free > Self.sparePages, pages.free > pages.all / 2 else { return }
    try mutate(lastIndex: lastIndex, hardState) { () throws(RaftStorageError) in
      try self.statements.connection.execute("PRAGMA incremental_vacuum(\(Self.returnedPages))")
    }
  }

  private func removeCompacted(_ count: UInt64) throws(RaftStorageError) {
    let end = min(firstIndex.rawValue, storedFirstIndex.rawValue + max(64, min(count, Self.removalStep)))
    try statements.compact(through: LogIndex(end - 1))
    storedFirstIndex = LogIndex(end)
  }

  /// The statements of the open file.
  var statements: LogStatements {
    get throws(RaftStorageError) {
      guard let opened else { throw Self.notOpen(path) }
      return opened
    }
  }

  /// Runs one transaction, which also writes the hard state, the end of the log and the transaction's number.
  ///
  /// After a failure only ``load()`` makes the store usable again. Without an end and a hard state they stay.
  func mutate(
    lastIndex: LogIndex? = nil,
    _ hardState: HardState? = nil,
    _ body: () throws(RaftStorageError) -> Void
  ) throws(RaftStorageError) {
    guard !mustReopen else { throw Self.notOpen(path) }
    do {
      batchNumber += 1
      try statements.connection.transaction { () throws(RaftStorageError) in
        try body()
        try self.write(hardState ?? self.hardState, lastIndex: lastIndex ?? self.lastIndex)
      }
      if let hardState { self.hardState = hardState }
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
    _ = try WriteAheadScan.read(database: path)
    let reopened = try LogStatements(path: path)
    try reopened.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    opened = reopened
    mustReopen = false
  }

  private static func notOpen(_ path: String) -> RaftStorageError {
    RaftStorageError(.inputOutput, "\(path) failed before and has not been opened again yet")
  }
}
