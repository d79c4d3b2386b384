// SPDX-License-Identifier: Apache-2.0
import Glibc
public import Raft

/// Whose log a data directory holds, and the members its end names.
public struct LogOwner: Sendable, Equatable {
  /// The cluster.
  public var cluster: ClusterID
  /// The member.
  public var member: MemberID
  /// The members, committed or not.
  public var configuration: Configuration

  /// Describes an owner.
  public init(cluster: ClusterID, member: MemberID, configuration: Configuration) {
    self.cluster = cluster
    self.member = member
    self.configuration = configuration
  }

  /// Reads whose log stands in a directory; nil when there is none.
  ///
  /// Concurrency: blocks; the directory is locked meanwhile.
  ///
  /// - Throws: ``RaftStorageError`` when it is in use, or cannot be read.
  public static func read(directory: String) throws -> LogOwner? {
    guard let store = try SQLiteLogStore(existing: directory) else { return nil }
    return LogOwner(
      cluster: store.cluster,
      member: store.member,
      configuration: try store.latestConfiguration()
    )
  }
}

/// Makes the log of one member of a cluster, or a copy of it, the beginning of a cluster of one.
///
/// Keys, history and indexes stay; every entry of the log stays too, since any of them may have been acknowledged. All
/// other members, and this one under its former id, are removed for good by entries behind the last one. One
/// transaction: a crash leaves the log as it was or as it shall be. Carried out again it changes nothing.
///
/// Source: etcd v2.3.8 `etcdserver/raft.go` `restartAsStandaloneNode`. Differs: that one drops the entries not known to
/// be committed, among which may be acknowledged ones.
public struct OneMemberRewrite: Sendable {
  /// The new cluster; nil keeps the id.
  public var cluster: ClusterID?
  /// The new member; nil keeps the id.
  public var member: MemberID?
  /// The host's own bytes about the member (`EtcdServer.MemberContext.encoded(peerURLs:)`).
  public var context: [UInt8]

  /// Describes what the log becomes.
  public init(cluster: ClusterID? = nil, member: MemberID? = nil, context: [UInt8]) {
    self.cluster = cluster
    self.member = member
    self.context = context
  }

  /// Rewrites the log in a directory.
  ///
  /// Concurrency: blocks; the directory is locked meanwhile, so that the member must not be running.
  ///
  /// - Returns: Whose log it is now; nil when the directory holds none.
  /// - Throws: ``RaftStorageError``.
  @discardableResult
  public func apply(directory: String) throws -> LogOwner? {
    guard let store = try SQLiteLogStore(existing: directory) else { return nil }
    let stored = try store.load()
    let former = try store.latestConfiguration()
    let (cluster, member) = (cluster ?? store.cluster, member ?? store.member)
    let alone = Configuration(voters: [member])
    var changes: [ConfigurationChange] = []
    if former != alone || store.member != member {
      changes.append(ConfigurationChange(former.contains(member) ? .update : .addVoter, member, context: context))
      let leaving = Set(former.members + [store.member]).subtracting([member]).sorted()
      changes += leaving.map { ConfigurationChange(.remove, $0) }
    }
    let last = try store.lastPlace(stored)
    let entries = changes.enumerated().map { offset, change in
      Entry(
        term: last.term,
        index: LogIndex(stored.lastIndex.rawValue + 1 + UInt64(offset)),
        kind: .configuration,
        timestampNanoseconds: last.timestampNanoseconds,
        data: ConfigurationRecord(change: change, configuration: alone).encoded()
      )
    }
    let hardState = HardState(term: last.term, vote: nil, commitIndex: entries.last?.index ?? stored.lastIndex)
    try store.rewrite(entries, hardState, cluster: cluster, member: member)
    return LogOwner(cluster: cluster, member: member, configuration: alone)
  }
}

extension SQLiteLogStore {
  /// Opens the log of whoever it is; nil when there is none.
  fileprivate convenience init?(existing directory: String) throws(RaftStorageError) {
    let path = directory + "/raft.db"
    guard access(path, F_OK) == 0 else { return nil }
    let lock = try DirectoryLock(directory: directory)
    let scan = try WriteAheadScan.read(database: path)
    let identity = try Self.identity(at: path)
    withExtendedLifetime(lock) {}
    guard let identity else { return nil }
    try self.init(directory: directory, cluster: identity.cluster, member: identity.member, lock: lock)
    try scan.check(against: batchNumber, database: path)
  }

  private static func identity(at path: String) throws(RaftStorageError) -> (cluster: ClusterID, member: MemberID)? {
    try SQLiteConnection.openLog(path: path).readIdentity()
  }

  /// The configuration of the last entry that has one, else the snapshot's.
  fileprivate func latestConfiguration() throws -> Configuration {
    var configuration = snapshot?.metadata.configuration ?? Configuration()
    try statements.forEachEntry(from: firstIndex, through: lastIndex) { entry in
      if entry.kind == .configuration, let record = try? ConfigurationRecord(decoding: entry.data) {
        configuration = record.configuration
      }
      return true
    }
    return configuration
  }

  /// The term and the stamp that entries behind the last one have at least.
  fileprivate func lastPlace(_ stored: StoredLog) throws -> (term: Term, timestampNanoseconds: Int64) {
    var term = max(stored.hardState.term, stored.snapshot?.term ?? .zero)
    var stamp = stored.snapshot?.timestampNanoseconds ?? 0
    if stored.lastIndex >= stored.firstIndex {
      for entry in try entries(from: stored.lastIndex, through: stored.lastIndex, maxBytes: 0) {
        term = max(term, entry.term)
        stamp = max(stamp, entry.timestampNanoseconds)
      }
    }
    return (term, stamp)
  }

  fileprivate func rewrite(
    _ entries: [Entry],
    _ hardState: HardState,
    cluster: ClusterID,
    member: MemberID
  ) throws(RaftStorageError) {
    try mutate(lastIndex: entries.last?.index, hardState) { () throws(RaftStorageError) in
      for entry in entries { try self.statements.insert(entry) }
      try self.writeIdentity(cluster, member)
    }
    (self.cluster, self.member) = (cluster, member)
  }
}
