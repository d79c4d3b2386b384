// SPDX-License-Identifier: Apache-2.0
import APIClients
import APIServer
import CloudConfig
import CloudInit
import EtcdServer
import EtcdWire
import Logging
import NIOCore
import Raft
import RaftStorage
import RaftTransport
import ServiceLifecycle

/// Finds this node's cluster, opens the store, and serves it until the node stops.
struct StoreService: Service {
  let node: PreparedNode
  let ports: APIPorts
  let store: Eventual<NodeStore>
  let security: NodeSecurity
  let transports: NodeTransports
  let group: any EventLoopGroup
  let logger: Logger

  func run() async throws {
    let failures = AsyncStream<String>.makeStream(bufferingPolicy: .bufferingOldest(1))
    let opened: NodeStore?
    do {
      opened = try await cancelWhenGracefulShutdown { try await open(failed: failures.continuation) }
    } catch is CancellationError {
      return
    }
    guard let opened else { return try await gracefulShutdown() }
    store.fulfil(opened)
    switch opened {
    case .member(let member, let peers):
      ports.setStore(.member(member, member, member))
      let failure = await firstFailure(failures.stream)
      ports.setStore(.starting)
      await member.stop()
      await peers.stop()
      if let failure { throw NodeError(failure) }
    case .worker(_, let forwarder):
      ports.setStore(.worker(MembersForwarding(forwarder: forwarder)))
      await cancelWhenGracefulShutdown { await forwarder.run() }
    case .remote:
      try? await gracefulShutdown()
    }
  }

  /// Waits for the node's stop, or for the replica to end by itself, with the reason.
  private func firstFailure(_ failures: AsyncStream<String>) async -> String? {
    await cancelWhenGracefulShutdown {
      for await failure in failures { return failure }
      return nil
    }
  }

  /// Who this node's fleet and registrator are to a store that others hold (`coreos.fleet.etcd-username`).
  private var credentials: Credentials? {
    let fleet = node.plan.fleet
    return fleet?.etcdUsername.map { Credentials(username: $0, password: fleet?.etcdPassword ?? "") }
  }

  private func open(failed: AsyncStream<String>.Continuation) async throws -> NodeStore? {
    guard let plan = node.plan.etcd else {
      guard let fleet = node.plan.fleet else { return nil }
      let servers = fleet.etcdServers.isEmpty ? EtcdPlan.defaultClientURLs : fleet.etcdServers
      return .remote(
        EtcdClient(
          endpoints: try servers.map { try Endpoint($0.text) },
          transport: transports.store,
          credentials: credentials
        )
      )
    }
    let bootstrap = ClusterBootstrap(
      plan: plan,
      name: node.memberName,
      dataDirectory: node.directory,
      discovery: { try discoveryEndpoint($0) },
      logger: logger
    )
    let isFirstBoot = try await node.directory.membership() == nil
    switch try await bootstrap.run() {
    case .member(let membership):
      try await refuseForgetfulMember(plan, membership, isFirstBoot: isFirstBoot)
      return try await openMember(plan, membership, failed)
    case .worker(let membership): return try await openWorker(membership)
    }
  }

  private func discoveryEndpoint(_ url: String) throws -> any DiscoveryEndpoint {
    let location = try DiscoveryLocation(url)
    return KeysDiscoveryEndpoint(
      keys: EtcdClient(
        endpoints: [try Endpoint(location.server)],
        transport: transports.discovery,
        requestTimeout: .seconds(5),
        keysPath: location.path
      )
    )
  }

  // MARK: Member

  private func logDirectory(_ plan: EtcdPlan) -> String { plan.dataDirectory ?? "\(node.directory.path)/member" }

  /// A member that has lost its log must not vote again: it may have promised something that it no longer knows.
  ///
  /// Source: etcd v2.3.8 `etcdserver/server.go`, "has already been bootstrapped"; specs/etcd-v2.md §16.
  private func refuseForgetfulMember(
    _ plan: EtcdPlan,
    _ membership: ClusterMembership,
    isFirstBoot: Bool
  ) async throws {
    let directory = logDirectory(plan)
    guard SQLiteLogStore.sizeBytes(directory: directory) == 0 else { return }
    let remedy = "remove it from its cluster, empty \(node.directory.path), and let this machine join as a worker"
    guard isFirstBoot else {
      throw NodeError("this node is member \(membership.memberID) but its log in \(directory) is gone; \(remedy)")
    }
    let others = membership.members.filter { $0.id != membership.memberID }
    let isKnown = await withTaskGroup(of: Bool.self) { group in
      for other in others { group.addTask { await isStarted(membership.memberID, accordingTo: other) } }
      return await group.contains(true)
    }
    guard isKnown else { return }
    throw NodeError("member \(membership.memberID) has run before, says its cluster, but has no log here; \(remedy)")
  }

  /// Whether another member knows this one to have run; false when it cannot be asked, as on everybody's first boot.
  private func isStarted(_ id: CloudInit.MemberID, accordingTo other: ClusterMembership.Member) async -> Bool {
    let endpoints = other.peerURLs.compactMap { try? Endpoint($0.text) }
    guard !endpoints.isEmpty else { return false }
    let client = EtcdClient(endpoints: endpoints, transport: transports.peers, requestTimeout: .seconds(2))
    let members = (try? await client.membersFromPeers()) ?? []
    return members.contains { $0.id == id.rawValue && !$0.clientURLs.isEmpty }
  }

  private func openMember(
    _ plan: EtcdPlan,
    _ membership: ClusterMembership,
    _ failed: AsyncStream<String>.Continuation
  ) async throws -> NodeStore {
    let cluster = Raft.ClusterID(membership.clusterID.rawValue)
    let id = Raft.MemberID(membership.memberID.rawValue)
    let directory = logDirectory(plan)
    let log = try SQLiteLogStore(directory: directory, cluster: cluster, member: id)
    let peers = PeerTransport(cluster: cluster, member: id, group: group, security: security.peers, logger: logger)
    var events = EtcdMemberEvents()
    events.peersChanged = { peers.updatePeers($0, removed: $1) }
    events.failed = { failed.yield($0) }
    events.wasRemoved = {
      failed.yield("this member was removed from its cluster; its data directory is of no more use")
    }
    let member = try EtcdMember(
      configuration: configuration(plan, membership, cluster, id),
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
      deliver: { member.receive($0) }
    )
    try member.start()
    logger.notice(
      "member of a cluster",
      metadata: ["raft.member": "\(id)", "raft.cluster": "\(cluster)", "etcd.name": "\(node.memberName)"]
    )
    return .member(member, peers)
  }

  private func configuration(
    _ plan: EtcdPlan,
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
      isNewCluster: true,
      clientURLs: plan.advertiseClientURLs.map(\.text)
    )
    configuration.heartbeatMilliseconds = Int(plan.heartbeatMilliseconds)
    configuration.electionMilliseconds = Int(plan.electionMilliseconds)
    configuration.snapshotCount = plan.snapshotCount
    return configuration
  }

  // MARK: Worker

  /// Asks the members' peer URLs for their client URLs until all of them have told theirs, or most for a while.
  private func openWorker(_ membership: WorkerMembership) async throws -> NodeStore {
    let peers = EtcdClient(
      endpoints: try membership.peerURLs.map { try Endpoint($0.text) },
      transport: transports.peers,
      requestTimeout: .seconds(2)
    )
    var attempts = 0
    while true {
      attempts += 1
      let members = (try? await peers.membersFromPeers()) ?? []
      let told = members.filter { !$0.clientURLs.isEmpty }
      if !told.isEmpty, told.count == members.count || attempts > Self.attemptsForAllMembers {
        let urls = told.flatMap(\.clientURLs)
        let forwarder = MemberForwarder(
          members: urls.compactMap { try? Endpoint($0) },
          transport: transports.members,
          logger: logger
        )
        logger.notice("worker of a cluster", metadata: ["etcd.endpoints": "\(urls.joined(separator: ","))"])
        let keys = MembersKeys(forwarder: forwarder, transport: transports.members, credentials: credentials)
        return .worker(keys, forwarder)
      }
      if attempts == 1 { logger.info("waiting for the members to tell their client URLs") }
      try await Task.sleep(for: .milliseconds(250))
    }
  }

  /// Ten seconds: members that start tell theirs within one election.
  private static let attemptsForAllMembers = 40
}
