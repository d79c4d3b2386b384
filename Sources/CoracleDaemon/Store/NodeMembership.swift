// SPDX-License-Identifier: Apache-2.0
import APIClients
import CloudConfig
import CloudInit
import EtcdServer
import EtcdWire
import Glibc
import Logging
import NIOCore
import NIOPosix
import Raft
import RaftStorage

/// Finds what this node is: a member, from its log or with the others, or a worker.
struct NodeMembership {
  let node: PreparedNode
  let plan: EtcdPlan
  let transports: NodeTransports
  let logger: Logger

  /// Finds it, and keeps it in the data directory.
  ///
  /// - Throws: What keeps the node from being either; `CancellationError`.
  func find() async throws -> MembershipRecord {
    if let forced = try await forceNewCluster() { return forced }
    if let restored = try await restore() { return restored }
    let isFirstBoot = try await node.directory.membership() == nil
    let record = try await bootstrap()
    if case .member(let membership) = record { try await refuseForgetful(membership, isFirstBoot: isFirstBoot) }
    return record
  }

  // MARK: By the log

  /// Makes the log that is here that of a cluster of one, once for each time the setting is set.
  ///
  /// Differs: the original does it with every start, so that a setting that is forgotten drops members added later.
  private func forceNewCluster() async throws -> MembershipRecord? {
    guard plan.forcesNewCluster else {
      try await node.directory.keepForcedNewCluster(false)
      return nil
    }
    guard try await !node.directory.hasForcedNewCluster() else {
      logger.warning("force-new-cluster has been carried out; take it out of the configuration")
      return nil
    }
    guard let owner = try await readLog() else {
      logger.warning("force-new-cluster has no effect: there is no log of a member here")
      return nil
    }
    let urls = plan.initialAdvertisePeerURLs
    // A member that was removed cannot come back under its id.
    let isMember = owner.configuration.contains(owner.member)
    let rewrite = OneMemberRewrite(
      member: isMember
        ? nil
        : EtcdServer.ClusterIdentity.memberID(
          peerURLs: urls.map(\.text),
          token: plan.clusterToken,
          addedAtUnixSeconds: Int64(time(nil))
        ),
      context: MemberContext.encoded(peerURLs: urls.map(\.text))
    )
    let directory = node.logDirectory(plan)
    let result = try await NIOThreadPool.singleton.runIfActive { try rewrite.apply(directory: directory) }
    guard let result else { return nil }
    let record = MembershipRecord.member(alone(result))
    try await node.directory.keep(record)
    try await node.directory.keepForcedNewCluster(true)
    let dropped = owner.configuration.members.filter { $0 != result.member }.map(\.description)
    logger.warning(
      "this member is a cluster of its own now; all others were dropped for good",
      metadata: ["raft.member": "\(result.member)", "raft.dropped": "\(dropped.joined(separator: ","))"]
    )
    return record
  }

  /// Takes up a log that was put here without the rest of a data directory: a restored backup.
  private func restore() async throws -> MembershipRecord? {
    guard try await node.directory.membership() == nil, let owner = try await readLog() else { return nil }
    guard owner.configuration == Configuration(voters: [owner.member]) else {
      throw NodeError(
        "the log in \(node.logDirectory(plan)) is that of member \(owner.member) of a cluster of "
          + "\(owner.configuration.members.count); start it with force-new-cluster, or restore a backup"
      )
    }
    let record = MembershipRecord.member(alone(owner))
    try await node.directory.keep(record)
    logger.notice("a log without its data directory is taken up", metadata: ["raft.member": "\(owner.member)"])
    return record
  }

  private func readLog() async throws -> LogOwner? {
    let directory = node.logDirectory(plan)
    return try await NIOThreadPool.singleton.runIfActive { try LogOwner.read(directory: directory) }
  }

  private func alone(_ owner: LogOwner) -> ClusterMembership {
    let id = CloudInit.MemberID(owner.member.rawValue)
    return ClusterMembership(
      joining: CloudInit.ClusterID(owner.cluster.rawValue),
      as: id,
      members: [.init(id: id, name: node.memberName, peerURLs: plan.initialAdvertisePeerURLs)]
    )
  }

  // MARK: With the others

  private func bootstrap() async throws -> MembershipRecord {
    try await ClusterBootstrap(
      plan: plan,
      name: node.memberName,
      dataDirectory: node.directory,
      discovery: { try discoveryEndpoint($0) },
      lookups: lookups,
      logger: logger
    ).run()
  }

  private func discoveryEndpoint(_ url: String) throws -> any DiscoveryEndpoint {
    let location = try DiscoveryLocation(url)
    let transport = transports.discovery
    return KeysDiscoveryEndpoint(
      keys: EtcdClient(
        endpoints: [try Endpoint(location.server)],
        transport: transport,
        requestTimeout: .seconds(5),
        keysPath: location.path
      ),
      foreignAnswer: { await Self.foreignAnswer(at: "\(location.server)\(location.path)/_config/size", transport) }
    )
  }

  /// What a server answers that is no keys API; nil when it does not answer or fails, which may pass.
  private static func foreignAnswer(at url: String, _ transport: HTTPTransport) async -> String? {
    guard let answer = try? await transport.document("GET", url, limitBytes: 1 << 16, timeout: .seconds(5)),
      answer.status < 500
    else { return nil }
    let json = try? JSONValue.parse(answer.body)
    guard json?["node"] == nil, json?["errorCode"] == nil else { return nil }
    let words = String(decoding: answer.body.prefix(160), as: UTF8.self).split(whereSeparator: \.isWhitespace)
    return "it answers \(answer.status): \(words.joined(separator: " "))"
  }

  private var lookups: ClusterLookups {
    let transport = transports.peers
    return ClusterLookups(
      cluster: { urls in
        let endpoints = urls.compactMap { try? Endpoint($0.text) }
        guard !endpoints.isEmpty else { return nil }
        let client = EtcdClient(endpoints: endpoints, transport: transport, requestTimeout: .seconds(5))
        guard let list = try? await client.memberListFromPeers(), let id = list.clusterID else { return nil }
        return PeerCluster(
          clusterID: .init(id),
          members: list.members.map { PeerCluster.Member(id: .init($0.id), peerURLs: $0.peerURLs) }
        )
      },
      services: { service, domain in
        do {
          let records = try await ServiceRecord.lookUp(service: service, domain: domain)
          return .found(records.map { ($0.host, $0.port) })
        } catch let error as ServiceRecord.LookupError {
          if case .notFound = error { return .notFound(reason: error.description) }
          return .unavailable(reason: error.description)
        } catch {
          return .unavailable(reason: "\(error)")
        }
      }
    )
  }

  /// A member that has lost its log must not vote again: it may have promised something that it no longer knows.
  ///
  /// Source: etcd v2.3.8 `etcdserver/server.go`, "has already been bootstrapped"; specs/etcd-v2.md §16.
  private func refuseForgetful(_ membership: ClusterMembership, isFirstBoot: Bool) async throws {
    let directory = node.logDirectory(plan)
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
}
