// SPDX-License-Identifier: Apache-2.0
public import EtcdStore

/// One member of the cluster as the members API shows it.
///
/// Shape: `name` is empty and `clientURLs` is empty until the member has started and published its attributes.
/// Source: etcd v2.3.8 `etcdserver/member.go`; specs §12.
public struct ClusterMember: Sendable, Equatable {
  /// The member's number; printed as lower-case hexadecimal without padding, but as a number on the peer port.
  public var id: UInt64
  /// The member's human name.
  public var name: String
  /// Where other members reach it.
  public var peerURLs: [String]
  /// Where clients reach it.
  public var clientURLs: [String]

  /// Makes a member.
  public init(id: UInt64, name: String = "", peerURLs: [String], clientURLs: [String] = []) {
    self.id = id
    self.name = name
    self.peerURLs = peerURLs
    self.clientURLs = clientURLs
  }

  /// The id as every client-facing answer prints it.
  public var hexID: String { String(id, radix: 16) }
}

/// Why a membership change was not made; each case has its own status in the members API (specs §12).
public enum ClusterChangeError: Error, Sendable, Equatable {
  /// One of the peer URLs belongs to another member: 409 `etcdserver: peerURL exists`.
  case peerURLExists
  /// The id is taken: 409 `etcdserver: ID exists`.
  case idExists
  /// There is no such member: 404 `No such member: <id>`.
  case noSuchMember
  /// The member was removed and cannot come back: 410 `Member permanently removed: <id>`.
  case permanentlyRemoved
  /// The change was refused, or its outcome is unknown (timeout, no leader); the reason stands beside
  /// the message: 500.
  case failed(reason: String)
}

/// The role of this member, with etcd's spelling as raw value.
public enum MemberRole: String, Sendable {
  case leader = "StateLeader"
  case follower = "StateFollower"
  case candidate = "StateCandidate"
}

/// How one kind of append request has flowed at this member.
public struct AppendTraffic: Sendable, Equatable {
  /// Requests since the member started.
  public var requestCount: UInt64
  /// Requests a second over the latest window; 0 when there were none.
  public var packageRatePerSecond: Double
  /// Bytes a second over the latest window; 0 when there were none.
  public var bytesPerSecond: Double

  /// Makes a record of traffic.
  public init(requestCount: UInt64 = 0, packageRatePerSecond: Double = 0, bytesPerSecond: Double = 0) {
    self.requestCount = requestCount
    self.packageRatePerSecond = packageRatePerSecond
    self.bytesPerSecond = bytesPerSecond
  }
}

/// The leader as `stats/self` shows it.
public struct LeaderInfo: Sendable, Equatable {
  /// The leader's member id; nil when this member knows of none.
  public var leaderID: UInt64?
  /// How long this member has known it, in nanoseconds.
  public var uptimeNanoseconds: Int64
  /// When this member learned of it.
  public var startTime: Timestamp

  /// Makes a leader record.
  public init(leaderID: UInt64?, uptimeNanoseconds: Int64, startTime: Timestamp) {
    self.leaderID = leaderID
    self.uptimeNanoseconds = uptimeNanoseconds
    self.startTime = startTime
  }
}

/// What `/v2/stats/self` answers.
public struct SelfStatistics: Sendable, Equatable {
  /// This member's name.
  public var name: String
  /// This member's id.
  public var id: UInt64
  /// This member's role.
  public var role: MemberRole
  /// When this member started.
  public var startTime: Timestamp
  /// The leader it follows or is.
  public var leaderInfo: LeaderInfo
  /// Append requests received (`recvAppendRequestCnt`, `recvPkgRate`, `recvBandwidthRate`).
  public var received: AppendTraffic
  /// Append requests sent (`sendAppendRequestCnt`, `sendPkgRate`, `sendBandwidthRate`).
  public var sent: AppendTraffic

  /// Makes the statistics.
  public init(
    name: String,
    id: UInt64,
    role: MemberRole,
    startTime: Timestamp,
    leaderInfo: LeaderInfo,
    received: AppendTraffic,
    sent: AppendTraffic
  ) {
    self.name = name
    self.id = id
    self.role = role
    self.startTime = startTime
    self.leaderInfo = leaderInfo
    self.received = received
    self.sent = sent
  }
}

/// How replication to one follower has gone, in milliseconds.
public struct FollowerStatistics: Sendable, Equatable {
  /// The follower.
  public var id: UInt64
  /// The latest round trip.
  public var currentMilliseconds: Double
  /// The mean round trip.
  public var averageMilliseconds: Double
  /// The standard deviation of round trips.
  public var standardDeviationMilliseconds: Double
  /// The shortest round trip.
  public var minimumMilliseconds: Double
  /// The longest round trip.
  public var maximumMilliseconds: Double
  /// Appends the follower refused or that could not be sent.
  public var failCount: UInt64
  /// Appends the follower acknowledged.
  public var successCount: UInt64

  /// Makes the statistics of a follower that has not answered yet.
  public init(id: UInt64) {
    self.id = id
    currentMilliseconds = 0
    averageMilliseconds = 0
    standardDeviationMilliseconds = 0
    minimumMilliseconds = 0
    maximumMilliseconds = 0
    failCount = 0
    successCount = 0
  }
}

/// What `/v2/stats/leader` answers at the leader.
public struct LeaderStatistics: Sendable, Equatable {
  /// The leader, this member.
  public var leaderID: UInt64
  /// The other members, ordered by id.
  public var followers: [FollowerStatistics]

  /// Makes the statistics.
  public init(leaderID: UInt64, followers: [FollowerStatistics]) {
    self.leaderID = leaderID
    self.followers = followers
  }
}

/// Where this member stands, for `cluster status`.
public struct ClusterStatus: Sendable, Equatable {
  /// This member's role.
  public var role: MemberRole
  /// The leader; nil when none is known.
  public var leaderID: UInt64?
  /// The Raft term.
  public var raftTerm: UInt64
  /// The highest index known to be committed.
  public var raftCommitIndex: UInt64
  /// The highest index applied to the store.
  public var raftAppliedIndex: UInt64
  /// The store's index.
  public var etcdIndex: EtcdIndex
  /// The size of the Raft database with its write-ahead log, in bytes.
  public var raftDatabaseBytes: UInt64
  /// Whether this member votes: one that was added does once it has caught up.
  public var isVoter: Bool

  /// Makes a status.
  public init(
    role: MemberRole,
    leaderID: UInt64?,
    raftTerm: UInt64,
    raftCommitIndex: UInt64,
    raftAppliedIndex: UInt64,
    etcdIndex: EtcdIndex,
    raftDatabaseBytes: UInt64,
    isVoter: Bool = true
  ) {
    self.role = role
    self.leaderID = leaderID
    self.raftTerm = raftTerm
    self.raftCommitIndex = raftCommitIndex
    self.raftAppliedIndex = raftAppliedIndex
    self.etcdIndex = etcdIndex
    self.raftDatabaseBytes = raftDatabaseBytes
    self.isVoter = isVoter
  }
}

/// A digest of the whole keyspace at one applied index: equal on all members that have applied the same entries.
public struct StoreDigest: Sendable, Equatable {
  /// The store's index.
  public var etcdIndex: EtcdIndex
  /// The Raft log's index up to which the store has applied.
  public var raftAppliedIndex: UInt64
  /// The digest of tree, counters, event history, users and roles.
  public var hash: UInt64

  /// Makes a digest.
  public init(etcdIndex: EtcdIndex, raftAppliedIndex: UInt64, hash: UInt64) {
    self.etcdIndex = etcdIndex
    self.raftAppliedIndex = raftAppliedIndex
    self.hash = hash
  }
}

/// The port through which the members, stats, health and machines routes see the cluster.
///
/// Concurrency: every call returns at once and may be made from any thread. Properties are this member's own view, never
/// a round trip. Closures are called exactly once, on a thread of the implementation's choice that must not be blocked.
public protocol ClusterAPI: Sendable {
  /// The cluster's number (`X-Etcd-Cluster-Id`, lower hexadecimal).
  var clusterID: UInt64 { get }
  /// This member's number.
  var memberID: UInt64 { get }
  /// All members, ordered by id.
  var members: [ClusterMember] { get }
  /// The leader this member knows of; nil during an election.
  var leaderID: UInt64? { get }
  /// `etcdserver` of `/version`.
  var serverVersion: String { get }
  /// `etcdcluster` of `/version`: `not_decided` before the first leader is known.
  var clusterVersion: String { get }
  /// What `/v2/stats/self` answers.
  var selfStatistics: SelfStatistics { get }
  /// What `/v2/stats/leader` answers; nil when this member does not lead.
  var leaderStatistics: LeaderStatistics? { get }
  /// Where this member stands.
  var status: ClusterStatus { get }
  /// What keeps this member from writing, in words for the operator; nil when nothing does.
  var storageFailure: String? { get }
  /// What this member has counted.
  var metrics: MemberMetrics { get }
  /// The digest of the keyspace; it walks the whole store, so it is for tests and operators.
  func storeDigest() -> StoreDigest

  /// Adds a member that is about to join and answers with its new id.
  func addMember(
    peerURLs: [String],
    answer: @escaping @Sendable (Result<ClusterMember, ClusterChangeError>) -> Void
  )
  /// Removes a member for good.
  func removeMember(id: UInt64, answer: @escaping @Sendable (Result<Void, ClusterChangeError>) -> Void)
  /// Gives a member other peer URLs.
  func updateMember(
    id: UInt64,
    peerURLs: [String],
    answer: @escaping @Sendable (Result<Void, ClusterChangeError>) -> Void
  )
  /// Whether a quorum read succeeds within one second.
  func checkHealth(answer: @escaping @Sendable (Bool) -> Void)
}

extension ClusterAPI {
  /// Nothing keeps it from writing.
  public var storageFailure: String? { nil }
}
