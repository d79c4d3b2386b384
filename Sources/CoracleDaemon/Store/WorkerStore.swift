// SPDX-License-Identifier: Apache-2.0
import APIClients
import APIServer
import CloudConfig
import CloudInit
import EtcdWire
import Logging
import NIOCore
import ServiceLifecycle
import Synchronization

/// A worker's store: requests go to whichever members there are now.
///
/// With every reading of the members' list the worker keeps their peer URLs, so that it finds its cluster again after a
/// restart, and looks whether a member was added that has its own peer URLs and has not started: that is its place.
struct WorkerStore {
  /// A place that was made for this machine among the members.
  struct Promotion: Sendable {
    /// The place.
    let place: ClusterMembership
    /// What the other parts of this node use; to go over to the member's own replica.
    let keys: MembersKeys
  }

  let node: PreparedNode
  let plan: EtcdPlan
  let ports: APIPorts
  let store: Eventual<NodeStore>
  let transports: NodeTransports
  let credentials: Credentials?
  let logger: Logger

  /// Ten seconds: members that start tell their client URLs within one election.
  private static let attemptsForAllMembers = 40

  /// Forwards until the task is cancelled or this machine was made a member.
  ///
  /// - Returns: The machine's place; nil when the task was cancelled.
  /// - Throws: `CancellationError`, or what keeps the place from being kept.
  func run(_ membership: WorkerMembership) async throws -> Promotion? {
    let lists = AsyncStream<MemberList>.makeStream(bufferingPolicy: .bufferingNewest(1))
    let forwarder = MemberForwarder(
      members: [],
      peers: try membership.peerURLs.map { try Endpoint($0.text) },
      transport: transports.members,
      peerTransport: transports.peers,
      times: times,
      logger: logger,
      refreshed: { lists.continuation.yield($0) }
    )
    let keys = MembersKeys(forwarder: forwarder, transport: transports.members, credentials: credentials)
    ports.setStore(.worker(forwarding(forwarder)))
    return try await withThrowingTaskGroup(of: Promotion?.self) { group in
      group.addTask {
        try await waitForMembers(forwarder, membership.peerURLs)
        store.fulfil(.worker(keys, forwarder))
        await forwarder.run()
        return nil
      }
      group.addTask {
        var known = Set(membership.peerURLs)
        for await list in lists.stream {
          await keep(list, known: &known)
          if let place = await place(in: list) {
            try await node.directory.keep(.member(place))
            return Promotion(place: place, keys: keys)
          }
        }
        return nil
      }
      let promotion = try await group.next() ?? nil
      group.cancelAll()
      return promotion
    }
  }

  private func forwarding(_ forwarder: MemberForwarder) -> MembersForwarding {
    MembersForwarding(
      forwarder: forwarder,
      isReadOnly: plan.proxy == .readonly,
      ownPeerURLs: plan.reachablePeerURLs.map(\.text)
    )
  }

  private var times: MemberForwarder.Times {
    var times = MemberForwarder.Times()
    times.failureWait = .milliseconds(Int64(plan.proxyTimes.failureWaitMilliseconds))
    times.refreshInterval = .milliseconds(Int64(plan.proxyTimes.refreshMilliseconds))
    // A member gives up on a request after 5 s and two election timeouts.
    times.headTimeout = .milliseconds(8_000 + 2 * Int64(plan.electionMilliseconds))
    return times
  }

  /// Waits until all members have told their client URLs, or some have for a while.
  private func waitForMembers(_ forwarder: MemberForwarder, _ peers: [EndpointURL]) async throws {
    var attempts = 0
    var nextWarning = Self.attemptsForAllMembers
    while true {
      attempts += 1
      let isAnswered = await forwarder.refresh()
      if isAnswered, attempts > Self.attemptsForAllMembers || forwarder.hasHeardOfAll { break }
      if attempts == 1 { logger.info("waiting for the members to tell their client URLs") }
      if !isAnswered, attempts == nextWarning {
        warnOfDeadCluster(peers)
        nextWarning *= 2
      }
      try await Task.sleep(for: .milliseconds(250))
    }
    logger.notice(
      "worker of a cluster",
      metadata: ["etcd.endpoints": "\(forwarder.endpoints.joined(separator: ","))"]
    )
  }

  /// A token that was used before leads to a cluster that may be gone.
  private func warnOfDeadCluster(_ peers: [EndpointURL]) {
    logger.warning(
      """
      no member of the cluster answers; if it is gone for good, make a new token (coracle cluster discovery new), empty the \
      data directory, and boot with it
      """,
      metadata: [
        "etcd.peers": "\(peers.map(\.text).joined(separator: ","))", "node.data": "\(node.directory.path)",
      ]
    )
  }

  // MARK: What the members' list says

  /// Keeps the members' peer URLs, when they have changed, for the next start.
  private func keep(_ list: MemberList, known: inout Set<EndpointURL>) async {
    let urls = list.members.flatMap(\.peerURLs).compactMap { try? EndpointURL(parsing: $0) }
    guard !urls.isEmpty, Set(urls) != known else { return }
    do {
      try await node.directory.keep(.worker(WorkerMembership(peerURLs: urls)))
      known = Set(urls)
      logger.info("members have changed", metadata: ["etcd.peers": "\(urls.map(\.text).joined(separator: ","))"])
    } catch {
      logger.warning("the members' peer URLs cannot be kept", metadata: ["error": "\(error)"])
    }
  }

  /// The place among the members that was made for this machine, if there is one.
  private func place(in list: MemberList) async -> ClusterMembership? {
    let own = Set(plan.reachablePeerURLs.map(\.text))
    guard !own.isEmpty, let clusterID = list.clusterID,
      let found = list.members.first(where: { $0.name.isEmpty && Set($0.peerURLs) == own })
    else { return nil }
    guard await isOfOurKind(list) else {
      logger.warning("this machine was added to a cluster that is not coracle's; it stays a worker")
      return nil
    }
    let members = list.members.map { member in
      ClusterMembership.Member(
        id: .init(member.id),
        name: member.id == found.id ? node.memberName : member.name,
        peerURLs: member.peerURLs.compactMap { try? EndpointURL(parsing: $0) }
      )
    }
    logger.notice("this worker was made a member", metadata: ["raft.member": "\(found.hexID)"])
    return ClusterMembership(joining: .init(clusterID), as: .init(found.id), members: members)
  }

  /// Whether a member of the cluster is coracle's; a replica of ours cannot join any other.
  private func isOfOurKind(_ list: MemberList) async -> Bool {
    let endpoints = list.members.flatMap(\.clientURLs).compactMap { try? Endpoint($0) }
    guard !endpoints.isEmpty else { return false }
    let client = NodeClient(endpoints: endpoints, transport: transports.members, requestTimeout: .seconds(2))
    if case .member? = try? await client.nodeStatus() { return true }
    return false
  }
}
