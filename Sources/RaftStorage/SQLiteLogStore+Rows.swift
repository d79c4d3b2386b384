// SPDX-License-Identifier: Apache-2.0
import Glibc
import Raft

// Identity, hard state and the checks when a file is opened.
extension SQLiteLogStore {
  /// Claims a new file for this member, or checks that an old one is this member's.
  func checkIdentity() throws(RaftStorageError) {
    let connection = try statements.connection
    if let (cluster, member) = try connection.readIdentity() {
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
      return
    }
    try writeIdentity(cluster, member)
  }

  /// Makes the file another member's, or a new file a member's; part of a transaction when it goes with other changes.
  func writeIdentity(_ cluster: ClusterID, _ member: MemberID) throws(RaftStorageError) {
    let insert = try statements.connection.prepare(
      "INSERT OR REPLACE INTO identity VALUES (1, ?, ?, ?, ?)",
      operation: "write the identity"
    )
    try insert.bind(1, SQLiteConnection.formatVersion)
    try insert.bind(2, cluster.rawValue)
    try insert.bind(3, member.rawValue)
    try insert.bind(4, RowChecksum.of(SQLiteConnection.formatVersion, cluster.rawValue, member.rawValue))
    try insert.run()
  }

  /// Writes the hard state, where the log ends, and the number of the transaction; part of every transaction.
  func write(_ hardState: HardState, lastIndex: LogIndex) throws(RaftStorageError) {
    let mark = BatchMark(number: batchNumber)
    let statement = try statements.upsertHardState
    try statement.bind(1, hardState.term.rawValue)
    if let vote = hardState.vote { try statement.bind(2, vote.rawValue) } else { try statement.bindNull(2) }
    try statement.bind(3, hardState.commitIndex.rawValue)
    try statement.bind(4, lastIndex.rawValue)
    try statement.bind(5, mark.bytes)
    try statement.bind(6, Self.checksum(hardState, lastIndex, mark))
    try statement.run()
  }

  /// Reads the stored hard state, or that of a new member, and checks that the log ends where it says.
  func readHardState() throws(RaftStorageError) {
    hardState = HardState()
    var found: (lastIndex: LogIndex, mark: BatchMark)?
    let select = try statements.connection.prepare(
      "SELECT term, vote, commit_index, last_index, mark, checksum FROM hard_state",
      operation: "read the hard state"
    )
    try select.forEachRow { row throws(RaftStorageError) in
      hardState = HardState(
        term: Term(row.number(0)),
        vote: row.isNull(1) ? nil : MemberID(row.number(1)),
        commitIndex: LogIndex(row.number(2))
      )
      guard let mark = BatchMark(row.bytes(4)),
        row.number(5) == Self.checksum(hardState, LogIndex(row.number(3)), mark)
      else { throw damaged("the checksum of the hard state does not fit") }
      found = (LogIndex(row.number(3)), mark)
    }
    batchNumber = found?.mark.number ?? 0
    guard let found else {
      guard lastIndex == .zero else { throw damaged("the hard state is missing") }
      return
    }
    guard found.lastIndex == lastIndex else {
      throw damaged("the log ends at entry \(lastIndex), but \(found.lastIndex) was written")
    }
    guard hardState.commitIndex <= lastIndex else {
      throw damaged("entry \(hardState.commitIndex) is committed, but the log ends at \(lastIndex)")
    }
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
    storedFirstIndex = firstIndex
    guard firstIndex <= base.next, lastIndex >= base else {
      throw damaged("entries \(firstIndex) to \(lastIndex) do not meet the snapshot at \(base)")
    }
  }

  /// Checks the file's structure and reads every entry once, so that a member does not start from a damaged file.
  ///
  /// The bytes of the snapshot are checked when the state is restored from it.
  func verify() throws(RaftStorageError) {
    var finding: String?
    let check = try statements.connection.prepare("PRAGMA integrity_check(1)", operation: "check the file")
    try check.forEachRow { row in
      let text = String(decoding: row.bytes(0), as: UTF8.self)
      if text != "ok" { finding = finding ?? text }
    }
    if let finding { throw damaged(finding.split(separator: "\n").joined(separator: " ")) }
    var count: UInt64 = 0
    try statements.forEachEntry(from: firstIndex, through: lastIndex) { _ in
      count += 1
      return true
    }
    guard count == lastIndex.rawValue + 1 - firstIndex.rawValue else { throw damaged("entries are missing") }
    try checkSnapshotFile()
  }

  func damaged(_ finding: String) -> RaftStorageError {
    RaftStorageError(.corrupt, RaftStorageError.damage(path, finding))
  }

  static func fileSize(_ path: String) -> UInt64 {
    var attributes = stat()
    return stat(path, &attributes) == 0 ? UInt64(attributes.st_size) : 0
  }

  private static func checksum(_ hardState: HardState, _ lastIndex: LogIndex, _ mark: BatchMark) -> UInt64 {
    RowChecksum.of(
      hardState.term.rawValue,
      hardState.vote == nil ? 0 : 1,
      hardState.vote?.rawValue ?? 0,
      hardState.commitIndex.rawValue,
      lastIndex.rawValue,
      mark.number
    )
  }
}
