// SPDX-License-Identifier: Apache-2.0
public import Raft

/// What has been staged of a snapshot.
struct StagedSnapshot {
  /// Which pieces belong to it; nil when nothing is staged.
  var generation: UInt64?
  /// How many bytes are staged.
  var sizeBytes: UInt64 = 0
}

// Snapshots are kept in pieces, so that neither writing nor reading one holds all of it in memory.
extension SQLiteLogStore {
  /// The longest piece in one row.
  private static let pieceLimitBytes = 1 << 20

  /// Writes a piece of a snapshot to the staging place.
  ///
  /// - Throws: ``RaftStorageError``.
  public func stageSnapshot(_ bytes: [UInt8], at offset: UInt64) throws {
    let current = snapshot?.generation ?? 0
    if offset == 0 { staged = StagedSnapshot(generation: current + 1) }
    precondition(offset == staged.sizeBytes, "\(staged.sizeBytes) bytes are staged, the piece starts at \(offset)")
    guard let generation = staged.generation else { return }
    try mutate { () throws(RaftStorageError) in
      if offset == 0 { try self.discardPieces(except: current) }
      var start = 0
      while start < bytes.count {
        let end = min(bytes.count, start + Self.pieceLimitBytes)
        try self.insertPiece(Array(bytes[start..<end]), generation: generation, position: offset + UInt64(start))
        start = end
      }
    }
    staged.sizeBytes += UInt64(bytes.count)
  }

  /// Makes the staged bytes the latest snapshot; the log stays as it is.
  ///
  /// - Throws: ``RaftStorageError``.
  public func saveStagedSnapshot(_ metadata: SnapshotMetadata) throws {
    let saved = StoredSnapshot(
      generation: staged.generation ?? (snapshot?.generation ?? 0) + 1,
      sizeBytes: staged.sizeBytes,
      metadata: metadata
    )
    try mutate { () throws(RaftStorageError) in try self.makeLatest(saved) }
    adopt(saved)
  }

  /// Makes the staged bytes the latest snapshot and empties the log.
  ///
  /// - Throws: ``RaftStorageError``.
  public func installStagedSnapshot(_ metadata: SnapshotMetadata, hardState: HardState) throws {
    let installed = StoredSnapshot(
      generation: staged.generation ?? (snapshot?.generation ?? 0) + 1,
      sizeBytes: staged.sizeBytes,
      metadata: metadata
    )
    try mutate { () throws(RaftStorageError) in
      try self.makeLatest(installed)
      try self.statements.truncate(from: .zero)
      try self.write(hardState)
    }
    adopt(installed)
    (firstIndex, lastIndex) = (metadata.index.next, metadata.index)
  }

  /// A piece of the latest snapshot.
  ///
  /// - Throws: ``RaftStorageError``.
  public func snapshotChunk(index: LogIndex, offset: UInt64, maxBytes: Int) throws -> SnapshotChunk? {
    guard let snapshot, snapshot.metadata.index == index else { return nil }
    guard offset < snapshot.sizeBytes else { return SnapshotChunk(bytes: [], isLast: true) }
    let piece = try readPiece(of: snapshot, at: offset).prefix(maxBytes)
    return SnapshotChunk(bytes: Array(piece), isLast: offset + UInt64(piece.count) == snapshot.sizeBytes)
  }

  /// The bytes from `offset` to the end of the row that holds them.
  func readPiece(of snapshot: StoredSnapshot, at offset: UInt64) throws(RaftStorageError) -> ArraySlice<UInt8> {
    var piece: ArraySlice<UInt8> = []
    let select = try statements.selectPiece
    try select.bind(1, snapshot.generation)
    try select.bind(2, offset)
    try select.forEachRow { row throws(RaftStorageError) in
      let (position, bytes) = (row.number(0), row.bytes(1))
      guard row.number(2) == RowChecksum.of(snapshot.generation, position, bytes) else {
        throw damaged("the checksum of the snapshot's piece at \(position) does not fit")
      }
      guard offset - position < UInt64(bytes.count) else { throw damaged("the snapshot has a hole at \(offset)") }
      piece = bytes[Int(offset - position)...]
    }
    return piece
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
    try discardPieces(except: snapshot.generation)
  }

  private func adopt(_ saved: StoredSnapshot) {
    snapshot = saved
    staged = StagedSnapshot()
  }

  private func insertPiece(_ bytes: [UInt8], generation: UInt64, position: UInt64) throws(RaftStorageError) {
    let insert = try statements.insertPiece
    try insert.bind(1, generation)
    try insert.bind(2, position)
    try insert.bind(3, bytes)
    try insert.bind(4, RowChecksum.of(generation, position, bytes))
    try insert.run()
  }

  private func discardPieces(except generation: UInt64) throws(RaftStorageError) {
    try statements.discardPieces.bind(1, generation)
    try statements.discardPieces.run()
  }
}
