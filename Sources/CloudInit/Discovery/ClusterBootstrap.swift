// SPDX-License-Identifier: Apache-2.0
public import CloudConfig
public import Logging

/// Decides once whether this node is a member or a worker, and of which cluster.
///
/// Concurrency: ``run()`` may wait for the other machines for as long as it takes; cancel its task to give up.
/// Source: specs/etcd-v2.md §16 (start-up decision); specs/discovery.md §2 and §4.
public struct ClusterBootstrap: Sendable {
  /// Settings of the store.
  public var plan: EtcdPlan
  /// This node's member name.
  public var name: String
  /// The node's data directory.
  public var dataDirectory: DataDirectory
  /// Makes the way to a discovery URL.
  public var discovery: @Sendable (_ url: String) throws -> any DiscoveryEndpoint
  /// What is asked of running members and of DNS.
  public var lookups: ClusterLookups
  /// Waits between two tries.
  public var sleep: @Sendable (Duration) async throws -> Void
  /// Where the steps are told.
  public var logger: Logger

  /// Makes a bootstrap.
  public init(
    plan: EtcdPlan,
    name: String,
    dataDirectory: DataDirectory,
    discovery: @escaping @Sendable (_ url: String) throws -> any DiscoveryEndpoint,
    lookups: ClusterLookups = ClusterLookups(),
    sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) },
    logger: Logger
  ) {
    self.plan = plan
    self.name = name
    self.dataDirectory = dataDirectory
    self.discovery = discovery
    self.lookups = lookups
    self.sleep = sleep
    self.logger = logger
  }

  /// Reads what was decided on an earlier boot, or decides and keeps it.
  ///
  /// - Throws: ``CloudInitError`` when the plan contradicts itself or the token is unusable; `CancellationError`.
  public func run() async throws -> MembershipRecord {
    if let record = try await dataDirectory.membership() {
      logger.info(
        "membership is known from an earlier boot; discovery and initial-cluster are ignored",
        metadata: ["boot.membership": "\(dataDirectory.path)/membership"]
      )
      return record
    }
    try checkName()
    let record = try await decide()
    try await dataDirectory.keep(record)
    return record
  }

  private func decide() async throws -> MembershipRecord {
    switch plan.bootstrap {
    case .alone:
      guard plan.proxy == .off else {
        throw CloudInitError(.configuration, "a proxy needs the members: set initial-cluster or discovery")
      }
      guard plan.clusterState == .new else {
        throw CloudInitError(
          .configuration,
          "initial-cluster-state: existing needs initial-cluster with all members, this one included"
        )
      }
      return try member(of: InitialCluster(of: name, peerURLs: plan.initialAdvertisePeerURLs), token: plan.clusterToken)
    case .initialCluster(let cluster):
      guard plan.proxy == .off else { return worker(of: cluster) }
      try await checkOwnEntry(of: cluster)
      return try await enter(cluster)
    case .discoverySRV(let domain):
      let cluster = try await cluster(ofDomain: domain)
      guard plan.proxy == .off else { return worker(of: cluster) }
      return try await enter(cluster)
    case .discovery(let url):
      return try await discover(url)
    }
  }

  /// Makes a new cluster with the others, or joins theirs.
  private func enter(_ cluster: InitialCluster) async throws -> MembershipRecord {
    switch plan.clusterState {
    case .new: try member(of: cluster, token: plan.clusterToken)
    case .existing: try await join(cluster)
    }
  }

  private func member(of cluster: InitialCluster, token: String) throws -> MembershipRecord {
    .member(ClusterMembership(cluster: cluster, clusterToken: token, name: name))
  }

  private func worker(of cluster: InitialCluster) -> MembershipRecord {
    .worker(WorkerMembership(peerURLs: cluster.entries.flatMap(\.peerURLs)))
  }

  // MARK: Checks

  private func checkName() throws {
    let isPlain = name.unicodeScalars.allSatisfy { $0.value > 32 && $0.value != 127 && $0 != "=" && $0 != "," }
    guard !name.isEmpty, isPlain else {
      throw CloudInitError(
        .configuration,
        "the member name \"\(name)\" must not be empty nor hold blanks, \"=\" or \",\""
      )
    }
  }

  private func checkOwnEntry(of cluster: InitialCluster) async throws {
    guard let entry = cluster[name] else {
      throw CloudInitError(
        .configuration,
        "initial-cluster (\(cluster.text)) has no entry for this member's name, \"\(name)\"; set name or --name"
      )
    }
    guard plan.hasExplicitPeerURLs else { return }
    guard await lookups.areEquivalent(entry.peerURLs, plan.initialAdvertisePeerURLs) else {
      throw CloudInitError(
        .configuration,
        "initial-cluster gives \"\(name)\" other URLs than initial-advertise-peer-urls; they must be the same"
      )
    }
  }

  // MARK: Discovery

  private func discover(_ url: String) async throws -> MembershipRecord {
    let peerURLs = plan.initialAdvertisePeerURLs
    let intent = "\(url)\n\(Registration.value(name: name, peerURLs: peerURLs))\n"
    let endpoint: any DiscoveryEndpoint
    do {
      endpoint = try discovery(url)
    } catch {
      throw CloudInitError(.discovery, "cannot use the discovery URL \(url)", cause: error)
    }
    let mayBeRegistered = try await dataDirectory.registrationIntent() == intent
    var machine = DiscoveryBootstrap(
      url: url,
      role: plan.proxy == .off
        ? .register(name: name, peerURLs: peerURLs, mayBeRegistered: mayBeRegistered) : .observe
    )
    var directive = machine.start()
    while true {
      switch directive {
      case .send(let request):
        try Task.checkCancellation()
        // Kept before it is sent: after a crash it tells this node's own registration from a lost data directory.
        if case .register = request { try await dataDirectory.keepRegistrationIntent(intent) }
        if case .awaitChange = request { logProgress(of: machine) }
        directive = machine.receive(await endpoint.answer(to: request))
      case .retry(let request, let after, let reason):
        try Task.checkCancellation()
        logger.warning(
          "discovery service does not answer; trying again",
          metadata: ["discovery.url": "\(url)", "discovery.reason": "\(reason)", "discovery.wait": "\(after)"]
        )
        try await sleep(after)
        directive = .send(request)
      case .finish(.member(let cluster)): return try member(of: cluster, token: url)
      case .finish(.worker(let cluster)):
        guard plan.proxy != .off || plan.discoveryFallback == .proxy else { throw failure(.full(url: url)) }
        logger.notice(
          "cluster is complete without this machine; it becomes a worker",
          metadata: ["discovery.url": "\(url)", "discovery.size": "\(machine.size)"]
        )
        return worker(of: cluster)
      case .fail(let reason): throw failure(reason)
      }
    }
  }

  private func failure(_ reason: DiscoveryFailure) -> CloudInitError {
    CloudInitError(.discovery, reason.description, cause: nil)
  }

  private func logProgress(of machine: DiscoveryBootstrap) {
    logger.notice(
      "waiting for the other members",
      metadata: [
        "discovery.url": "\(machine.url)", "discovery.registered": "\(machine.registeredCount)",
        "discovery.size": "\(machine.size)",
      ]
    )
  }
}
