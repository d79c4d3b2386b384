// SPDX-License-Identifier: Apache-2.0
import EtcdStore
public import EtcdWire
public import Synchronization

/// A cluster whose facts a test sets.
public final class MemoryCluster: ClusterAPI {
  /// What the cluster says of itself, and what was asked of it.
  public struct Facts: Sendable {
    /// The members; the first is the one asked.
    public var members = [
      ClusterMember(
        id: 0x1273_c4c5_e190_af94,
        name: "m1",
        peerURLs: ["http://127.0.0.1:14011"],
        clientURLs: ["http://127.0.0.1:14010"]
      ),
      ClusterMember(
        id: 0x26d0_5925_7a35_c082,
        name: "m2",
        peerURLs: ["http://127.0.0.1:14021"],
        clientURLs: ["http://127.0.0.1:14000"]
      ),
    ]
    /// The leader; nil during an election.
    public var leaderID: UInt64? = 0x26d0_5925_7a35_c082
    /// Whether a quorum answers.
    public var isHealthy = true
    /// Whether the member asked has statistics of a leader.
    public var leads = true
    /// What the member has counted.
    public var metrics = MemberMetrics()
    /// What every change is refused with; nil lets it pass.
    public var changeError: ClusterChangeError?
    /// The members removed, in order.
    public var removed: [UInt64] = []
    /// New peer URLs by member.
    public var updated: [UInt64: [String]] = [:]
  }

  /// The facts, for a test to read and change.
  public let facts = Mutex(Facts())

  /// Makes a cluster of two members.
  ///
  /// - Parameter clientURLs: The client URL of the first and of the second; nil leaves the recorded ones.
  public init(clientURLs: (first: String, second: String)? = nil) {
    guard let clientURLs else { return }
    facts.withLock { facts in
      facts.members[0].clientURLs = [clientURLs.first]
      facts.members[1].clientURLs = [clientURLs.second]
    }
  }

  /// The recorded cluster.
  public var clusterID: UInt64 { 0x1178_0765_2c60_a770 }
  /// The first member.
  public var memberID: UInt64 { 0x1273_c4c5_e190_af94 }
  /// The members as the facts have them.
  public var members: [ClusterMember] { facts.withLock { $0.members } }
  /// The leader as the facts have it.
  public var leaderID: UInt64? { facts.withLock { $0.leaderID } }
  /// The version of the recordings.
  public let serverVersion = "2.3.8"
  /// The version of the recordings.
  public let clusterVersion = "2.3.0"

  /// Statistics as one recording has them.
  public var selfStatistics: SelfStatistics {
    SelfStatistics(
      name: "m1",
      id: memberID,
      role: .follower,
      startTime: Timestamp(nanosecondsSinceEpoch: 1_795_213_903_777_053_291),
      leaderInfo: LeaderInfo(
        leaderID: leaderID,
        uptimeNanoseconds: 266_878_729_293,
        startTime: Timestamp(nanosecondsSinceEpoch: 1_795_213_904_000_000_000)
      ),
      received: AppendTraffic(requestCount: 33, packageRatePerSecond: 2.5, bytesPerSecond: 800),
      sent: AppendTraffic()
    )
  }

  /// Statistics of a leader with one follower, if the facts say so.
  public var leaderStatistics: LeaderStatistics? {
    guard facts.withLock({ $0.leads }) else { return nil }
    var follower = FollowerStatistics(id: 0x1273_c4c5_e190_af94)
    follower.currentMilliseconds = 0.5
    follower.successCount = 7
    return LeaderStatistics(leaderID: 0x26d0_5925_7a35_c082, followers: [follower])
  }

  /// A follower in term 2.
  public var status: ClusterStatus {
    ClusterStatus(
      role: .follower,
      leaderID: leaderID,
      raftTerm: 2,
      raftCommitIndex: 20,
      raftAppliedIndex: 19,
      etcdIndex: EtcdIndex(12),
      raftDatabaseBytes: 4096
    )
  }

  /// Metrics as the facts have them.
  public var metrics: MemberMetrics { facts.withLock { $0.metrics } }

  /// A digest of no store at all.
  public func storeDigest() -> StoreDigest {
    StoreDigest(etcdIndex: EtcdIndex(12), raftAppliedIndex: 19, hash: 0xabc)
  }

  /// Adds a member with a fixed id.
  public func addMember(
    peerURLs: [String],
    answer: @escaping @Sendable (Result<ClusterMember, ClusterChangeError>) -> Void
  ) {
    let result: Result<ClusterMember, ClusterChangeError> = facts.withLock { facts in
      if let error = facts.changeError { return .failure(error) }
      let member = ClusterMember(id: 0x6ae4_81b4_e744_2413, peerURLs: peerURLs)
      facts.members.append(member)
      return .success(member)
    }
    answer(result)
  }

  /// Notes the removal.
  public func removeMember(id: UInt64, answer: @escaping @Sendable (Result<Void, ClusterChangeError>) -> Void) {
    answer(change { $0.removed.append(id) })
  }

  /// Notes the new URLs.
  public func updateMember(
    id: UInt64,
    peerURLs: [String],
    answer: @escaping @Sendable (Result<Void, ClusterChangeError>) -> Void
  ) {
    answer(change { $0.updated[id] = peerURLs })
  }

  /// Answers as the facts say.
  public func checkHealth(answer: @escaping @Sendable (Bool) -> Void) {
    answer(facts.withLock { $0.isHealthy })
  }

  private func change(_ apply: (inout Facts) -> Void) -> Result<Void, ClusterChangeError> {
    facts.withLock { facts in
      if let error = facts.changeError { return .failure(error) }
      apply(&facts)
      return .success(())
    }
  }
}
