// SPDX-License-Identifier: Apache-2.0
import EtcdStore
public import EtcdWire
import Meters
import Raft

// The members, stats, health and machines routes stand on these.
extension EtcdMember: ClusterAPI {
  /// How long a health check may take.
  private static let healthTimeoutNanoseconds: Int64 = 1_000_000_000

  /// The cluster's number.
  public var clusterID: UInt64 { configuration.clusterID.rawValue }

  /// This member's number.
  public var memberID: UInt64 { configuration.memberID.rawValue }

  /// All members, ordered by id.
  public var members: [ClusterMember] {
    let members = keyspace.membership.members
    // A member that joins has not heard of anyone yet but what it was told.
    return members.isEmpty ? configuration.initialMembers.sorted { $0.id < $1.id } : members
  }

  /// Whether this member has come so far in the log that it has seen its own name there.
  public var isPublished: Bool { keyspace.membership.member(configuration.memberID)?.name.isEmpty == false }

  /// The leader this member knows of; nil during an election.
  public var leaderID: UInt64? { host.status.replica.leader?.rawValue }

  /// `etcdserver` of `/version`.
  public var serverVersion: String { configuration.serverVersion }

  /// `etcdcluster` of `/version`: the minor version of the members, once there has been a leader.
  public var clusterVersion: String {
    let status = host.status.replica
    guard status.leader != nil || status.appliedIndex > .zero && status.term.rawValue > 1 else { return "not_decided" }
    return configuration.serverVersion.split(separator: ".").prefix(2).joined(separator: ".") + ".0"
  }

  /// What `/v2/stats/self` answers.
  public var selfStatistics: SelfStatistics {
    let status = host.status
    let traffic = statistics.traffic()
    return SelfStatistics(
      name: configuration.name,
      id: memberID,
      role: MemberRole(status.replica.role),
      startTime: startTime,
      leaderInfo: LeaderInfo(
        leaderID: status.replica.leader?.rawValue,
        uptimeNanoseconds: host.clocks.monotonicNanoseconds() - status.leaderSince.monotonic,
        startTime: status.leaderSince.wall
      ),
      received: traffic.received,
      sent: traffic.sent
    )
  }

  /// What `/v2/stats/leader` answers; nil when this member does not lead.
  public var leaderStatistics: LeaderStatistics? {
    let status = host.status.replica
    guard status.role == .leader else { return nil }
    let others = status.configuration.members.filter { $0 != configuration.memberID }
    return LeaderStatistics(leaderID: memberID, followers: statistics.followers(others))
  }

  /// Where this member stands.
  public var status: ClusterStatus {
    let status = host.status.replica
    let indexes = keyspace.indexes
    return ClusterStatus(
      role: MemberRole(status.role),
      leaderID: status.leader?.rawValue,
      raftTerm: status.term.rawValue,
      raftCommitIndex: max(status.commitIndex, indexes.applied).rawValue,
      raftAppliedIndex: indexes.applied.rawValue,
      etcdIndex: indexes.etcd,
      raftDatabaseBytes: databaseBytes(),
      isVoter: status.configuration.voters.contains(configuration.memberID)
    )
  }

  /// What this member has counted.
  public var metrics: MemberMetrics {
    var metrics = keyspace.metrics
    let load = host.load
    metrics.leaderChangeCount = host.counters.leaderChanges.value
    metrics.pendingRequestCount = load.outstanding
    metrics.inboxDepth = load.waiting
    metrics.refusedRequestCount = host.counters.refusedRequests.value
    metrics.durableAppends = host.counters.appends.reading
    metrics.snapshots = host.counters.snapshots.reading
    return metrics
  }

  /// The digest of keys, users and roles; it walks the whole store, so it is for tests and operators.
  public func storeDigest() -> StoreDigest {
    let copy = keyspace.copy()
    return StoreDigest(
      etcdIndex: copy.store.etcdIndex,
      raftAppliedIndex: copy.applied.rawValue,
      hash: copy.store.stateHash ^ copy.auth.stateHash.byteSwapped
    )
  }

  /// What keeps this member from writing.
  public var storageFailure: String? { host.storage.failure ?? host.storage.stall }

  /// Whether a quorum read succeeds within one second, and this member can write.
  public func checkHealth(answer: @escaping @Sendable (Bool) -> Void) {
    if storageFailure != nil { return answer(false) }
    submitRead(timeoutNanoseconds: Self.healthTimeoutNanoseconds) { error in answer(error == nil) }
  }

  // MARK: The peer port

  /// The JSON that the peer port answers at a path (`/members`, `/version`); nil for other paths.
  public func peerDocument(at path: String) -> [UInt8]? {
    switch path {
    case "/members":
      // Joining members and proxies read ids as numbers here (specs §12).
      let members: [JSONValue] = members.map { member in
        .fields([
          "id": .number(String(member.id)), "peerURLs": .strings(member.peerURLs), "name": .string(member.name),
          "clientURLs": .strings(member.clientURLs),
        ])
      }
      return JSONValue.array(members).serialized()
    case "/version":
      let version: JSONValue = .fields([
        "etcdserver": .string(serverVersion), "etcdcluster": .string(clusterVersion),
      ])
      return version.serialized()
    default:
      return nil
    }
  }
}

extension MemberRole {
  fileprivate init(_ role: Role) {
    switch role {
    case .leader: self = .leader
    case .follower: self = .follower
    case .preCandidate, .candidate: self = .candidate
    }
  }
}
