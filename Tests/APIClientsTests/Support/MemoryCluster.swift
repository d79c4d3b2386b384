// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import Synchronization

/// A cluster whose facts a test sets.
final class MemoryCluster: ClusterAPI {
  struct Facts {
    var members = [
      ClusterMember(
        id: 0x1273_c4c5_e190_af94,
        name: "m1",
        peerURLs: ["http://127.0.0.1:14011"],
        clientURLs: ["http://127.0.0.1:10"]
      ),
      ClusterMember(
        id: 0x26d0_5925_7a35_c082,
        name: "m2",
        peerURLs: ["http://127.0.0.1:14021"],
        clientURLs: ["http://127.0.0.1:11"]
      ),
    ]
    var leaderID: UInt64? = 0x26d0_5925_7a35_c082
    var isHealthy = true
    var leads = true
    var changeError: ClusterChangeError?
    var removed: [UInt64] = []
    var updated: [UInt64: [String]] = [:]
  }

  let facts = Mutex(Facts())

  var clusterID: UInt64 { 0x1178_0765_2c60_a770 }
  var memberID: UInt64 { 0x1273_c4c5_e190_af94 }
  var members: [ClusterMember] { facts.withLock { $0.members } }
  var leaderID: UInt64? { facts.withLock { $0.leaderID } }
  let serverVersion = "2.3.8"
  let clusterVersion = "2.3.0"

  var selfStatistics: SelfStatistics {
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

  var leaderStatistics: LeaderStatistics? {
    guard facts.withLock({ $0.leads }) else { return nil }
    var follower = FollowerStatistics(id: 0x1273_c4c5_e190_af94)
    follower.currentMilliseconds = 0.5
    follower.successCount = 7
    return LeaderStatistics(leaderID: 0x26d0_5925_7a35_c082, followers: [follower])
  }

  var status: ClusterStatus {
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

  func storeDigest() -> StoreDigest {
    StoreDigest(etcdIndex: EtcdIndex(12), raftAppliedIndex: 19, hash: 0xabc)
  }

  func addMember(
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

  func removeMember(id: UInt64, answer: @escaping @Sendable (Result<Void, ClusterChangeError>) -> Void) {
    answer(change { $0.removed.append(id) })
  }

  func updateMember(
    id: UInt64,
    peerURLs: [String],
    answer: @escaping @Sendable (Result<Void, ClusterChangeError>) -> Void
  ) {
    answer(change { $0.updated[id] = peerURLs })
  }

  func checkHealth(answer: @escaping @Sendable (Bool) -> Void) {
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
