// SPDX-License-Identifier: Apache-2.0
import CloudConfig
import Logging

// Joining a cluster that runs (`initial-cluster-state: existing`).
extension ClusterBootstrap {
  /// How often the peers are asked: a member that was just added may not be known to all of them yet.
  private static let attempts = 5
  private static let pause = Duration.seconds(1)

  /// Finds this member's place among the members of a running cluster.
  ///
  /// Source: etcd v2.3.8 `etcdserver/cluster.go` `ValidateClusterAndAssignIDs`; specs/etcd-v2.md §16.
  func join(_ cluster: InitialCluster) async throws -> MembershipRecord {
    let others = cluster.entries.filter { $0.name != name }.flatMap(\.peerURLs)
    var failure = CloudInitError(
      .configuration,
      "initial-cluster-state: existing needs the other members in initial-cluster (\(cluster.text))"
    )
    guard !others.isEmpty else { throw failure }
    for attempt in 1...Self.attempts {
      if attempt > 1 { try await sleep(Self.pause) }
      if let existing = await lookups.cluster(others) {
        switch await match(cluster, with: existing) {
        case .success(let membership): return .member(membership)
        case .failure(let mismatch): failure = mismatch
        }
      } else {
        failure = CloudInitError(
          .configuration,
          "cannot fetch cluster info from peer urls: could not retrieve cluster information from the given urls ("
            + others.map(\.text).joined(separator: ",") + ")"
        )
      }
      logger.info("cannot join the cluster yet", metadata: ["error": "\(failure.message)"])
    }
    throw failure
  }

  private func match(
    _ cluster: InitialCluster,
    with existing: PeerCluster
  ) async -> Result<ClusterMembership, CloudInitError> {
    func mismatch(_ text: String) -> Result<ClusterMembership, CloudInitError> {
      let known = existing.members.map { $0.peerURLs.joined(separator: ",") }.joined(separator: " ")
      let message = "error validating peerURLs of cluster \(existing.clusterID) (\(known)): \(text)"
      return .failure(CloudInitError(.configuration, message))
    }
    guard existing.members.count == cluster.entries.count else {
      return mismatch("member count is unequal; has this member been added (coracle cluster members add)?")
    }
    var rest = existing.members
    var members: [ClusterMembership.Member] = []
    var ownID: MemberID?
    for entry in cluster.entries {
      var place: Int?
      for (index, member) in rest.enumerated() where await isSame(member, entry) {
        place = index
        break
      }
      guard let place else { return mismatch("unmatched member while checking PeerURLs: \(entry.name)") }
      let id = rest.remove(at: place).id
      members.append(ClusterMembership.Member(id: id, name: entry.name, peerURLs: entry.peerURLs))
      if entry.name == name { ownID = id }
    }
    guard let ownID else { return mismatch("unmatched member while checking PeerURLs: \(name)") }
    return .success(ClusterMembership(joining: existing.clusterID, as: ownID, members: members))
  }

  private func isSame(_ member: PeerCluster.Member, _ entry: InitialCluster.Entry) async -> Bool {
    if Set(member.peerURLs) == Set(entry.peerURLs.map(\.text)) { return true }
    let urls = member.peerURLs.compactMap { try? EndpointURL(parsing: $0) }
    return await lookups.areEquivalent(urls, entry.peerURLs)
  }
}
