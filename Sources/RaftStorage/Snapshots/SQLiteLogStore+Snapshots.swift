// SPDX-License-Identifier: Apache-2.0
import Glibc
public import Raft
import Threads

// Snapshots are files of their own beside the database: written once, in the background, named by a row when complete.
extension SQLiteLogStore {
  /// Adds a piece of a snapshot that is received.
  ///
  /// - Throws: ``RaftStorageError``.
  public func stageSnapshot(_ bytes: [UInt8], at offset: UInt64) throws {
    if offset == 0 {
      discardStaged()
      staged = try SnapshotWriter(nextGeneration(), in: directory)
    }
    let sizeBytes = staged?.sizeBytes ?? 0
    precondition(offset == sizeBytes, "\(sizeBytes) bytes are staged, the piece starts at \(offset)")
    guard let staged else { return }
    do {
      try staged.append(bytes)
    } catch {
      mustReopen = true
      throw error
    }
  }

  /// Begins to write a snapshot of this member's own, on a thread of its own.
  public func beginSnapshot(_ state: any FrozenState) throws {
    discardStaged()
    saving = SnapshotTask(state, generation: nextGeneration(), in: directory)
  }

  /// Whether what was begun is durable.
  ///
  /// - Throws: Why it could not be written.
  public func isSnapshotWritten() throws -> Bool {
    switch saving?.progress {
    case nil, .written: return true
    case .writing: return false
    case .failed(let error):
      saving = nil
      throw error
    }
  }

  /// The size of the latest snapshot.
  public var snapshotBytes: UInt64 { snapshot?.sizeBytes ?? 0 }

  /// Makes what was begun or staged the latest snapshot; the log stays as it is.
  ///
  /// - Throws: ``RaftStorageError``.
  public func saveStagedSnapshot(_ metadata: SnapshotMetadata) throws {
    let saved = try finishStaged(metadata)
    try mutate { () throws(RaftStorageError) in try self.makeLatest(saved) }
    adopt(saved)
  }

  /// Makes the staged bytes the latest snapshot and empties the log.
  ///
  /// - Throws: ``RaftStorageError``.
  public func installStagedSnapshot(_ metadata: SnapshotMetadata, hardState: HardState) throws {
    let installed = try finishStaged(metadata)
    try mutate(lastIndex: metadata.index, hardState) { () throws(RaftStorageError) in
      try self.makeLatest(installed)
      try self.statements.removeAllEntries()
    }
    adopt(installed)
    (firstIndex, lastIndex, storedFirstIndex) = (metadata.index.next, metadata.index, metadata.index.next)
  }

  /// A piece of the latest snapshot.
  ///
  /// - Throws: ``RaftStorageError``.
  public func snapshotChunk(index: LogIndex, offset: UInt64, maxBytes: Int) throws -> SnapshotChunk? {
    guard let snapshot, snapshot.metadata.index == index else { return nil }
    guard offset < snapshot.sizeBytes else { return SnapshotChunk(bytes: [], isLast: true) }
    let piece = try SnapshotFile.read(snapshot, at: offset, in: directory).prefix(maxBytes)
    return SnapshotChunk(bytes: Array(piece), isLast: offset + UInt64(piece.count) == snapshot.sizeBytes)
  }

  /// The row of the latest snapshot.
  func readSnapshotRow() throws(RaftStorageError) -> StoredSnapshot? {
    var snapshot: StoredSnapshot?
    let select = try statements.connection.prepare(
      "SELECT generation, size, metadata, checksum FROM snapshot",
      operation: "read which snapshot is the latest"
    )
    try select.forEachRow { row throws(RaftStorageError) in
      let (generation, size, bytes) = (row.number(0), row.number(1), row.bytes(2))
      guard row.number(3) == RowChecksum.of(generation, size, bytes),
        let metadata = try? SnapshotMetadata(decoding: bytes)
      else { throw damaged("the checksum of the snapshot's description does not fit") }
      snapshot = StoredSnapshot(generation: generation, sizeBytes: size, metadata: metadata)
    }
    return snapshot
  }

  /// Checks that the file of the latest snapshot is as long as it was; what is in it is checked when it is read.
  func checkSnapshotFile() throws(RaftStorageError) {
    guard let snapshot else { return }
    let path = SnapshotFile.path(snapshot.generation, in: directory)
    let found = Self.fileSize(path)
    let wanted = SnapshotFile.fileBytes(of: snapshot.sizeBytes)
    guard found == wanted, access(path, R_OK) == 0 else {
      throw RaftStorageError(
        .corrupt,
        RaftStorageError.damage(path, "it has \(found) bytes instead of \(wanted)")
      )
    }
  }

  /// Removes the files that no row names: of older snapshots, and of ones that were never finished.
  ///
  /// It happens in the background, since freeing a large file takes the file system a while.
  func removeOtherSnapshots() {
    let latest = snapshot?.generation
    let directory = directory
    let doomed = SnapshotFile.generations(in: directory).filter {
      $0 != latest && $0 != staged?.generation && $0 != saving?.generation
    }
    guard !doomed.isEmpty else { return }
    let remove: @Sendable () -> Void = {
      for generation in doomed { unlink(SnapshotFile.path(generation, in: directory)) }
    }
    do throws(DedicatedThread.Refused) {
      try DedicatedThread.start(name: "snapshot-rm", niceness: 5, remove)
    } catch {
      remove()
    }
  }

  /// Forgets what is staged and what is being written.
  func discardStaged() {
    if let staged { unlink(SnapshotFile.path(staged.generation, in: directory)) }
    staged = nil
    saving?.cancel()
    saving = nil
  }

  /// A number no file has had since this store was opened.
  private func nextGeneration() -> UInt64 {
    lastGeneration = max(lastGeneration, snapshot?.generation ?? 0) + 1
    return lastGeneration
  }

  private func finishStaged(_ metadata: SnapshotMetadata) throws -> StoredSnapshot {
    if let saving {
      guard case .written(let sizeBytes) = saving.progress else {
        preconditionFailure("a snapshot is saved once it is written")
      }
      return StoredSnapshot(generation: saving.generation, sizeBytes: sizeBytes, metadata: metadata)
    }
    let writer = try staged ?? SnapshotWriter(nextGeneration(), in: directory)
    do {
      try writer.finish()
    } catch {
      mustReopen = true
      throw error
    }
    return StoredSnapshot(generation: writer.generation, sizeBytes: writer.sizeBytes, metadata: metadata)
  }

  private func makeLatest(_ snapshot: StoredSnapshot) throws(RaftStorageError) {
    let replace = try statements.connection.prepare(
      "INSERT OR REPLACE INTO snapshot VALUES (1, ?, ?, ?, ?)",
      operation: "save a snapshot"
    )
    let metadata = snapshot.metadata.encoded()
    try replace.bind(1, snapshot.generation)
    try replace.bind(2, snapshot.sizeBytes)
    try replace.bind(3, metadata)
    try replace.bind(4, RowChecksum.of(snapshot.generation, snapshot.sizeBytes, metadata))
    try replace.run()
  }

  private func adopt(_ saved: StoredSnapshot) {
    snapshot = saved
    staged = nil
    saving = nil
    removeOtherSnapshots()
  }
}
