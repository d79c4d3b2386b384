// SPDX-License-Identifier: Apache-2.0
import Glibc
import Raft

// Identity, hard state and the checks when a file is opened.
extension SQLiteLogStore {
  /// Claims a new file for this member, or checks that an old one is this member's.
  func checkIdentity() throws(RaftStorageError) {
    var found = false
    let connection = try statements.connection
    let select = try connection.prepare("SELECT format, cluster, member, checksum FROM identity", operation: "identify")
    try select.forEachRow { row throws(RaftStorageError) in
      found = true
      let (format, cluster, member) = (row.number(0), ClusterID(row.number(1)), MemberID(row.number(2)))
      guard row.number(3) == RowChecksum.of(format, cluster.rawValue, member.rawValue) else {
        throw damaged("the checksum of its identity does not fit")
      }
      guard format == SQLiteConnection.formatVersion else {
        throw RaftStorageError(
          .unsupportedFormat,
          "\(path) has format \(format), this version reads format \(SQLiteConnection.formatVersion); "
            + "start the version that wrote it, or name another data directory"
        )
      }
      guard cluster == self.cluster else {
        throw RaftStorageError(
          .foreign,
          "\(path) belongs to cluster \(cluster), not to \(self.cluster); "
            + "name another data directory, or correct initial-cluster and its token"
        )
      }
      guard member == self.member else {
        throw RaftStorageError(
          .foreign,
          "\(path) belongs to member \(member), not to \(self.member); "
            + "name another data directory, or correct this member's peer URLs"
        )
      }
    }
    if found { return }
    let insert = try connection.prepare("INSERT INTO identity VALUES (1, ?, ?, ?, ?)", operation: "write the identity")
    try insert.bind(1, SQLiteConnection.formatVersion)
    try insert.bind(2, cluster.rawValue)
    try insert.bind(3, member.rawValue)
    try insert.bind(4, RowChecksum.of(SQLiteConnection.formatVersion, cluster.rawValue, member.rawValue))
    try insert.run()
  }

  /// Writes the hard state; part of a batch's transaction.
  func write(_ hardState: HardState) throws(RaftStorageError) {
    let statement = try statements.upsertHardState
    try statement.bind(1, hardState.term.rawValue)
    if let vote = hardState.vote { try statement.bind(2, vote.rawValue) } else { try statement.bindNull(2) }
    try statement.bind(3, hardState.commitIndex.rawValue)
    try statement.bind(4, Self.checksum(hardState))
    try statement.run()
  }

  /// The stored hard state, or that of a new member.
  func readHardState() throws(RaftStorageError) -> HardState {
    var hardState = HardState()
    let select = try statements.connection.prepare(
      "SELECT term, vote, commit_index, checksum FROM hard_state",
      operation: "read the hard state"
    )
    try select.forEachRow { row throws(RaftStorageError) in
      hardState = HardState(
        term: Term(row.number(0)),
        vote: row.isNull(1) ? nil : MemberID(row.number(1)),
        commitIndex: LogIndex(row.number(2))
      )
      guard row.number(3) == Self.checksum(hardState) else {
        throw damaged("the checksum of the hard state does not fit")
      }
    }
    return hardState
  }

  /// Reads which entries and which snapshot there are.
  func readBounds() throws(RaftStorageError) {
    snapshot = try readSnapshotRow()
    let select = try statements.connection.prepare(
      "SELECT min(log_index), max(log_index) FROM entries",
      operation: "read the bounds of the log"
    )
    let base = snapshot?.metadata.index ?? .zero
    (firstIndex, lastIndex) = (base.next, base)
    try select.forEachRow { row in
      if row.isNull(0) { return }
      firstIndex = LogIndex(row.number(0))
      lastIndex = LogIndex(row.number(1))
    }
    guard firstIndex <= base.next, lastIndex >= base else {
      throw damaged("entries \(firstIndex) to \(lastIndex) do not meet the snapshot at \(base)")
    }
  }

  /// Reads every row once, so that a member does not start from a damaged file.
  func verifyRows() throws(RaftStorageError) {
    let hardState = try readHardState()
    guard hardState.commitIndex <= lastIndex else {
      throw damaged("entry \(hardState.commitIndex) is committed, but the log ends at \(lastIndex)")
    }
    var count: UInt64 = 0
    try statements.forEachEntry(from: firstIndex, through: lastIndex) { _ in
      count += 1
      return true
    }
    guard count == lastIndex.rawValue + 1 - firstIndex.rawValue else { throw damaged("entries are missing") }
    guard let snapshot else { return }
    var offset: UInt64 = 0
    while offset < snapshot.sizeBytes {
      let piece = try readPiece(of: snapshot, at: offset)
      guard !piece.isEmpty else { throw damaged("the snapshot ends early") }
      offset += UInt64(piece.count)
    }
  }

  func damaged(_ finding: String) -> RaftStorageError {
    RaftStorageError(.corrupt, RaftStorageError.damage(path, finding))
  }

  static func fileSize(_ path: String) -> UInt64 {
    var attributes = stat()
    return stat(path, &attributes) == 0 ? UInt64(attributes.st_size) : 0
  }

  private static func checksum(_ hardState: HardState) -> UInt64 {
    RowChecksum.of(
      hardState.term.rawValue,
      hardState.vote == nil ? 0 : 1,
      hardState.vote?.rawValue ?? 0,
      hardState.commitIndex.rawValue
    )
  }
}
