// SPDX-License-Identifier: Apache-2.0
import CloudConfig
import CloudInit
import EtcdServer
import Glibc
import NIOPosix
import Raft
import RaftStorage

/// A copy of a member's store in a directory of its own, from which a cluster of one member can start.
///
/// Shape: a data directory (`membership`, `member/raft.db`) with the file `backup`, which describes it. Its log has ids
/// of its own, so that what starts from it never meets the cluster it was taken from. Keys, times to live, indexes and
/// history are those of the member at the moment of the copy, with everything it had in its log by then.
/// Source: etcd v3.4.23 `etcdctl/ctlv2/command/backup_command.go`; specs/etcd-v2.md §19.
public struct StoreBackup: Sendable {
  /// The data directory of the member, which may be running.
  public var dataDirectory: String
  /// Where its log is; nil looks for it in the data directory.
  public var logDirectory: String?
  /// Where the backup is made; must not exist, or be empty.
  public var directory: String
  /// Where the copy of the log is put; nil puts it into ``directory``.
  public var backupLogDirectory: String?

  /// Describes a backup that is to be made.
  public init(
    dataDirectory: String,
    logDirectory: String? = nil,
    directory: String,
    backupLogDirectory: String? = nil
  ) {
    self.dataDirectory = dataDirectory
    self.logDirectory = logDirectory
    self.directory = directory
    self.backupLogDirectory = backupLogDirectory
  }

  /// Makes the backup.
  ///
  /// Concurrency: the work is done on a thread of its own.
  ///
  /// - Returns: What was backed up.
  /// - Throws: ``NodeError``; nothing of the backup is left then.
  public func make() async throws -> BackupDescription {
    let source = try await sourceOfLog()
    let place = try await sourceOfMembership()
    let directory = try EmptyDirectory(directory)
    let target = backupLogDirectory ?? directory.path + "/member"
    do {
      let copy = try backupLogDirectory.map { try EmptyDirectory($0) }
      do {
        return try await copyLog(from: source, to: target, in: directory.path, place)
      } catch {
        copy?.remove()
        throw error
      }
    } catch {
      directory.remove()
      throw error
    }
  }

  private func copyLog(
    from source: String,
    to target: String,
    in directory: String,
    _ place: MemberPlace?
  ) async throws -> BackupDescription {
    var description = try await NIOThreadPool.singleton.runIfActive {
      try EmptyDirectory.make(target)
      guard let owner = try LogCopy.make(from: source, to: target) else {
        throw NodeError("\(source) holds an empty log: the member has never run")
      }
      let member = Raft.MemberID.random()
      let description = BackupDescription(
        sourceCluster: owner.cluster.rawValue,
        sourceMember: owner.member.rawValue,
        cluster: Raft.ClusterID.random().rawValue,
        member: member.rawValue,
        name: place?.name ?? "default",
        peerURLs: place?.peerURLs ?? ["http://localhost:2380"]
      )
      let rewrite = OneMemberRewrite(
        cluster: Raft.ClusterID(description.cluster),
        member: member,
        context: MemberContext.encoded(peerURLs: description.peerURLs)
      )
      try rewrite.apply(directory: target)
      return description
    }
    description.sizeBytes = SQLiteLogStore.sizeBytes(directory: target)
    let data = DataDirectory(path: directory)
    try await data.keep(try description.membership())
    try await data.keepBackupDescription(description.text)
    return description
  }

  // MARK: The member

  private func sourceOfLog() async throws -> String {
    if let logDirectory {
      guard LogCopy.isThere(directory: logDirectory) else {
        throw NodeError("\(logDirectory) holds no log of a member (raft.db)")
      }
      return logDirectory
    }
    let places = [dataDirectory + "/member", dataDirectory]
    if let place = places.first(where: LogCopy.isThere) { return place }
    if access(dataDirectory, F_OK) != 0 { throw NodeError("there is no directory \(dataDirectory)") }
    if access(dataDirectory + "/member/wal", F_OK) == 0 {
      throw NodeError("\(dataDirectory) is etcd's own; only its etcdctl can back it up")
    }
    if case .worker? = try? await DataDirectory(path: dataDirectory).membership() {
      throw NodeError("\(dataDirectory) is a worker's, which has no copy of the store; back up a member")
    }
    throw NodeError("\(dataDirectory) holds no log of a member (member/raft.db)")
  }

  /// The member as its node knows it: `coreos.etcd2.data-dir` may lie in or beside the node's own directory.
  private func sourceOfMembership() async throws -> MemberPlace? {
    for path in [dataDirectory, dataDirectory + "/.."] {
      guard case .member(let membership)? = try? await DataDirectory(path: path).membership(),
        let own = membership.members.first(where: { $0.id == membership.memberID })
      else { continue }
      return MemberPlace(name: own.name, peerURLs: own.peerURLs.map(\.text))
    }
    return nil
  }
}

/// A member's name and where others reach it.
private struct MemberPlace: Sendable {
  var name: String
  var peerURLs: [String]
}

/// Starts a cluster of one member from a backup, in a data directory of its own.
public struct StoreRestore: Sendable {
  /// The backup.
  public var backupDirectory: String
  /// The node's data directory; must not exist, or be empty.
  public var dataDirectory: String
  /// The member's name; nil keeps that of the member that was backed up.
  public var name: String?
  /// Where other members will reach it; nil keeps the URLs of the member that was backed up.
  public var peerURLs: [String]?

  /// Describes what is to be restored.
  public init(backupDirectory: String, dataDirectory: String, name: String? = nil, peerURLs: [String]? = nil) {
    self.backupDirectory = backupDirectory
    self.dataDirectory = dataDirectory
    self.name = name
    self.peerURLs = peerURLs
  }

  /// Restores the backup.
  ///
  /// Concurrency: the work is done on a thread of its own.
  ///
  /// - Returns: The member that the data directory now has.
  /// - Throws: ``NodeError``; nothing is left in the data directory then.
  public func make() async throws -> BackupDescription {
    let text = try await DataDirectory(path: backupDirectory).backupDescription()
    guard let text else {
      throw NodeError("\(backupDirectory) is no backup: it has no file named backup")
    }
    guard let backup = BackupDescription(parsing: text) else {
      throw NodeError("\(backupDirectory)/backup cannot be understood; the backup is damaged, or of another version")
    }
    let source = backupDirectory + "/member"
    guard LogCopy.isThere(directory: source) else {
      throw NodeError("\(backupDirectory) is damaged: its log, member/raft.db, is missing")
    }
    var restored = backup
    restored.cluster = Raft.ClusterID.random().rawValue
    restored.member = Raft.MemberID.random().rawValue
    restored.name = name ?? backup.name
    restored.peerURLs = peerURLs ?? backup.peerURLs
    let membership = try restored.membership()
    let directory = try EmptyDirectory(dataDirectory)
    do {
      let (result, target) = (restored, directory.path + "/member")
      try await NIOThreadPool.singleton.runIfActive {
        try Self.restoreLog(from: source, backup, as: result, in: target)
      }
      try await DataDirectory(path: directory.path).keep(membership)
      return restored
    } catch {
      directory.remove()
      throw error
    }
  }

  private static func restoreLog(
    from source: String,
    _ backup: BackupDescription,
    as restored: BackupDescription,
    in target: String
  ) throws {
    try EmptyDirectory.make(target)
    let owner = try LogCopy.make(from: source, to: target)
    guard owner?.cluster.rawValue == backup.cluster, owner?.member.rawValue == backup.member else {
      throw NodeError("the log in \(source) is not the one that its backup was made with; the backup is damaged")
    }
    let rewrite = OneMemberRewrite(
      cluster: Raft.ClusterID(restored.cluster),
      member: Raft.MemberID(restored.member),
      context: MemberContext.encoded(peerURLs: restored.peerURLs)
    )
    try rewrite.apply(directory: target)
  }
}

extension Raft.MemberID {
  fileprivate static func random() -> Raft.MemberID { Raft.MemberID(UInt64.random(in: 1 ... .max)) }
}

extension Raft.ClusterID {
  fileprivate static func random() -> Raft.ClusterID { Raft.ClusterID(UInt64.random(in: 1 ... .max)) }
}
