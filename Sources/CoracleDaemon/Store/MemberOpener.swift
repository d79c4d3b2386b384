// SPDX-License-Identifier: Apache-2.0
import CloudConfig
import CloudInit
import EtcdServer
import EtcdWire
import Logging
import NIOCore
import Raft
import RaftStorage
import RaftTransport

/// Opens this node's replica and its connections to the other members.
struct MemberOpener {
  let node: PreparedNode
  let plan: EtcdPlan
  let security: NodeSecurity
  let group: any EventLoopGroup
  let logger: Logger

  /// Opens and starts the replica.
  ///
  /// - Parameters:
  ///   - membership: The member's place.
  ///   - ended: Told when the replica has ended by itself.
  /// - Returns: The replica and its connections.
  /// - Throws: What keeps it from starting.
  func open(
    _ membership: ClusterMembership,
    ended: @escaping @Sendable (StoreEnd) -> Void
  ) async throws -> (EtcdMember, PeerTransport) {
    let cluster = Raft.ClusterID(membership.clusterID.rawValue)
    let id = Raft.MemberID(membership.memberID.rawValue)
    let directory = node.logDirectory(plan)
    let log = try SQLiteLogStore(directory: directory, cluster: cluster, member: id, makesRoom: true)
    let peers = PeerTransport(
      cluster: cluster,
      member: id,
      group: group,
      security: security.peers,
      logger: logger,
      wasRemoved: { ended(.removed) }
    )
    var events = EtcdMemberEvents()
    events.peersChanged = { peers.updatePeers($0, removed: $1) }
    events.failed = { ended(.failed(reason: $0)) }
    events.wasRemoved = { ended(.removed) }
    let member = try EtcdMember(
      configuration: configuration(membership, cluster, id),
      log: log,
      outbox: peers,
      events: events,
      databaseBytes: { SQLiteLogStore.sizeBytes(directory: directory) },
      logger: logger
    )
    try await peers.listen(
      on: plan.listenPeerURLs.map(\.text),
      page: { path in
        member.peerDocument(at: path).map { PeerPage(contentType: "application/json", body: $0) }
      },
      deliver: { member.receive($0) },
      lost: { member.lostStream(from: $0) }
    )
    try member.start()
    logger.notice(
      "member of a cluster",
      metadata: ["raft.member": "\(id)", "raft.cluster": "\(cluster)", "etcd.name": "\(node.memberName)"]
    )
    return (member, peers)
  }

  private func configuration(
    _ membership: ClusterMembership,
    _ cluster: Raft.ClusterID,
    _ id: Raft.MemberID
  ) -> EtcdMemberConfiguration {
    var configuration = EtcdMemberConfiguration(
      name: node.memberName,
      memberID: id,
      clusterID: cluster,
      clusterToken: plan.clusterToken,
      initialMembers: membership.members.map {
        ClusterMember(id: $0.id.rawValue, name: $0.name, peerURLs: $0.peerURLs.map(\.text))
      },
      isNewCluster: !membership.isJoining,
      clientURLs: plan.advertiseClientURLs.map(\.text)
    )
    configuration.heartbeatMilliseconds = Int(plan.heartbeatMilliseconds)
    configuration.electionMilliseconds = Int(plan.electionMilliseconds)
    configuration.snapshotCount = plan.snapshotCount
    configuration.checksReconfiguration = plan.isReconfigurationChecked
    return configuration
  }
}

extension PreparedNode {
  /// Where the replica's log stands.
  func logDirectory(_ plan: EtcdPlan) -> String {
    plan.walDirectory ?? plan.dataDirectory ?? "\(directory.path)/member"
  }
}
