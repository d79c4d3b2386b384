// SPDX-License-Identifier: Apache-2.0
import Raft

extension SQLiteConnection {
  /// Whose file this is; nil while it is new.
  func readIdentity() throws(RaftStorageError) -> (cluster: ClusterID, member: MemberID)? {
    var identity: (ClusterID, MemberID)?
    let select = try prepare("SELECT format, cluster, member, checksum FROM identity", operation: "identify")
    try select.forEachRow { row throws(RaftStorageError) in
      let (format, cluster, member) = (row.number(0), ClusterID(row.number(1)), MemberID(row.number(2)))
      guard row.number(3) == RowChecksum.of(format, cluster.rawValue, member.rawValue) else {
        throw RaftStorageError(.corrupt, RaftStorageError.damage(path, "the checksum of its identity does not fit"))
      }
      guard format == Self.formatVersion else {
        throw RaftStorageError(
          .unsupportedFormat,
          "\(path) has format \(format), this version reads format \(Self.formatVersion); "
            + "start the version that wrote it, or name another data directory"
        )
      }
      identity = (cluster, member)
    }
    return identity
  }
}
