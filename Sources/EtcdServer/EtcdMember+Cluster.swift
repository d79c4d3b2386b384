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
      raftDatabaseBytes: databaseBytes()
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

  // MARK: Changes

  /// Adds a member that is about to join and answers with its new id.
  ///
  /// Differs: it votes only once it has caught up, while the original's counts for the quorum at once.
  public func addMember(
    peerURLs: [String],
    answer: @escaping @Sendable (Result<ClusterMember, ClusterChangeError>) -> Void
  ) {
    let now = host.clocks.wall().nanosecondsSinceEpoch / 1_000_000_000
    let id = ClusterIdentity.memberID(
      peerURLs: peerURLs,
      token: configuration.clusterToken,
      addedAtUnixSeconds: now
    )
    let membership = keyspace.membership
    if membership.isRemoved(id) || membership.member(id) != nil { return answer(.failure(.idExists)) }
    if membership.hasPeerURL(in: peerURLs, except: id) { return answer(.failure(.peerURLExists)) }
    change(.addLearner, id, peerURLs: peerURLs) { error in
      answer(error.map { .failure($0) } ?? .success(ClusterMember(id: id.rawValue, peerURLs: peerURLs)))
    }
  }

  /// Removes a member for good.
  public func removeMember(id: UInt64, answer: @escaping @Sendable (Result<Void, ClusterChangeError>) -> Void) {
    if let error = keyspace.membership.objection(to: MemberID(id)) { return answer(.failure(error)) }
    change(.remove, MemberID(id), peerURLs: []) { error in answer(error.map { .failure($0) } ?? .success(())) }
  }

  /// Gives a member other peer URLs.
  public func updateMember(
    id: UInt64,
    peerURLs: [String],
    answer: @escaping @Sendable (Result<Void, ClusterChangeError>) -> Void
  ) {
    let membership = keyspace.membership
    if let error = membership.objection(to: MemberID(id)) { return answer(.failure(error)) }
    if membership.hasPeerURL(in: peerURLs, except: MemberID(id)) { return answer(.failure(.peerURLExists)) }
    change(.update, MemberID(id), peerURLs: peerURLs) { error in
      answer(error.map { .failure($0) } ?? .success(()))
    }
  }

  private func change(
    _ action: ConfigurationChange.Action,
    _ member: MemberID,
    peerURLs: [String],
    _ answer: @escaping @Sendable (ClusterChangeError?) -> Void
  ) {
    let id = host.nextRequestID()
    let context = MembershipContext(proposer: configuration.memberID, request: id, peerURLs: peerURLs)
    let change = ConfigurationChange(action, member, context: context.encoded())
    submit(id, .proposal(.configurationChange(change)), .change(answer))
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

extension Membership {
  fileprivate func objection(to id: MemberID) -> ClusterChangeError? {
    if isRemoved(id) { return .permanentlyRemoved }
    return member(id) == nil ? .noSuchMember : nil
  }

  fileprivate func hasPeerURL(in urls: [String], except id: MemberID) -> Bool {
    members.contains { $0.id != id.rawValue && !Set($0.peerURLs).isDisjoint(with: urls) }
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
