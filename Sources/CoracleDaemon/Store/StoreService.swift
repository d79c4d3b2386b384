// SPDX-License-Identifier: Apache-2.0
import APIClients
import APIServer
import CloudConfig
import CloudInit
import EtcdServer
import EtcdWire
import Logging
import NIOCore
import RaftTransport
import ServiceLifecycle

/// Why a store ends by itself.
enum StoreEnd: Sendable {
  /// The replica cannot go on.
  case failed(reason: String)
  /// This member was removed from its cluster.
  case removed
}

/// Finds this node's cluster, opens the store, and serves it until the node stops.
///
/// A node that was removed from its cluster ends well, and with it all other parts; a worker that was added to its
/// cluster goes over to being a member.
struct StoreService: Service {
  let node: PreparedNode
  let ports: APIPorts
  let store: Eventual<NodeStore>
  let security: NodeSecurity
  let transports: NodeTransports
  let group: any EventLoopGroup
  let logger: Logger

  /// How long a removed member goes on, so that others and clients hear the last of it (as in the original).
  private static let removalPause = Duration.seconds(1)

  func run() async throws {
    do {
      guard let plan = node.plan.etcd else { return try await useOthers() }
      let membership = NodeMembership(node: node, plan: plan, transports: transports, logger: logger)
      switch try await cancelWhenGracefulShutdown({ try await membership.find() }) {
      case .member(let place):
        try await serve(plan, place, replacing: nil)
      case .worker(let place):
        let worker = WorkerStore(
          node: node,
          plan: plan,
          ports: ports,
          store: store,
          transports: transports,
          credentials: credentials,
          logger: logger
        )
        guard let promotion = try await cancelWhenGracefulShutdown({ try await worker.run(place) }) else { return }
        try await serve(plan, promotion.place, replacing: promotion.keys)
      }
    } catch is CancellationError {
      return
    }
  }

  /// Uses a store that others run (`coreos.fleet.etcd-servers`), if anything here needs one.
  private func useOthers() async throws {
    if let fleet = node.plan.fleet {
      let servers = fleet.etcdServers.isEmpty ? EtcdPlan.defaultClientURLs : fleet.etcdServers
      let client = EtcdClient(
        endpoints: try servers.map { try Endpoint($0.text) },
        transport: transports.store,
        credentials: credentials,
        requestTimeout: Self.patience(with: servers.count, fleet),
        listingTimeout: max(Self.listingPatience, TimeAmount(fleet.etcdRequestTimeout))
      )
      store.fulfil(.remote(client))
    }
    try? await gracefulShutdown()
  }

  /// How long one of several servers may be silent before the next is asked.
  ///
  /// A machine's presence has to reach the store within its TTL, also when a server that stands still is asked first.
  /// Listings do not: that of a large registry may take its time, and presence does not wait for it.
  private static func patience(with servers: Int, _ fleet: FleetPlan) -> TimeAmount {
    guard servers > 1 else { return .seconds(10) }
    return TimeAmount(min(fleet.agentTTL / 3, max(fleet.etcdRequestTimeout, .seconds(3))))
  }

  /// Who this node's fleet and registrator are to a store that others hold (`coreos.fleet.etcd-username`).
  private var credentials: Credentials? {
    let fleet = node.plan.fleet
    return fleet?.etcdUsername.map { Credentials(username: $0, password: fleet?.etcdPassword ?? "") }
  }

  /// The same for listings.
  private static let listingPatience = TimeAmount.seconds(10)

  // MARK: Member

  /// Runs a member until the node stops or the member ends.
  ///
  /// - Parameters:
  ///   - plan: Settings of the store.
  ///   - place: The member's place in its cluster.
  ///   - keys: What the other parts of this node have used so far, as a worker.
  /// - Throws: What keeps it from starting, or ended it.
  private func serve(_ plan: EtcdPlan, _ place: ClusterMembership, replacing keys: MembersKeys?) async throws {
    let ends = AsyncStream<StoreEnd>.makeStream(bufferingPolicy: .bufferingOldest(1))
    let opener = MemberOpener(node: node, plan: plan, security: security, group: group, logger: logger)
    let (member, peers) = try await opener.open(place) { ends.continuation.yield($0) }
    let end = await cancelWhenGracefulShutdown {
      await withTaskGroup(of: StoreEnd?.self) { group in
        group.addTask {
          for await end in ends.stream { return end }
          return nil
        }
        group.addTask {
          // Before the log has reached it, a member that joins would answer that there are no keys.
          if place.isJoining { try? await waitUntilPublished(member) }
          if !Task.isCancelled { publish(member, peers, keys) }
          try? await gracefulShutdown()
          return nil
        }
        let end = await group.next() ?? nil
        group.cancelAll()
        return end
      }
    }
    if case .removed? = end {
      logger.notice(
        "this member was removed from its cluster: the node ends, and its data directory is of no more use",
        metadata: ["etcd.name": "\(node.memberName)", "node.data": "\(node.directory.path)"]
      )
      try? await Task.sleep(for: Self.removalPause)
    }
    ports.setStore(.starting)
    await member.stop()
    await peers.stop()
    if case .failed(let reason)? = end { throw NodeError(reason) }
  }

  private func publish(_ member: EtcdMember, _ peers: PeerTransport, _ keys: MembersKeys?) {
    keys?.adopt(member)
    ports.setStore(.member(member, member, member))
    store.fulfil(.member(member, peers))
  }

  /// Waits until this member's name has come back by the log, and with it everything before.
  private func waitUntilPublished(_ member: EtcdMember) async throws {
    logger.notice("member joins: it is brought up to date", metadata: ["etcd.name": "\(node.memberName)"])
    while !member.isPublished { try await Task.sleep(for: .milliseconds(20)) }
    logger.notice("member has joined", metadata: ["etcd.name": "\(node.memberName)"])
  }
}
