// SPDX-License-Identifier: Apache-2.0

/// Settings of the store's member (`coreos.etcd2`).
///
/// Source: etcd v2.3.8 configuration; specs/etcd-v2.md §16.
public struct EtcdPlan: Sendable, Equatable {
  /// How members find each other on the first boot.
  public enum Bootstrap: Sendable, Equatable {
    /// No other member is named: a cluster of this one, or what `initial-cluster` defaults to.
    case alone
    /// `initial-cluster`: the members by name, in the order of the document.
    case initialCluster(InitialCluster)
    /// `discovery`: the whole URL, exactly as written, since it is the cluster token too.
    case discovery(url: String)
    /// `discovery-srv`: the domain whose DNS names the members.
    case discoverySRV(domain: String)
  }

  /// Whether the cluster is made now or exists already.
  public enum ClusterState: String, Sendable, CaseIterable {
    case new
    case existing
  }

  /// Whether this node forwards to the members instead of being one.
  public enum Proxy: String, Sendable, CaseIterable {
    case off
    case on
    case readonly
  }

  /// What a machine does that finds the discovery token's cluster full.
  public enum DiscoveryFallback: String, Sendable, CaseIterable {
    case proxy
    case exit
  }

  /// The member's name; nil means the machine id.
  public var name: String?
  /// Where the member's data stands; nil means below the node's own data directory.
  public var dataDirectory: String?
  /// How members find each other.
  public var bootstrap: Bootstrap
  /// Whether the cluster is made now or exists already.
  public var clusterState: ClusterState
  /// The salt of member ids and the cluster id; with discovery the URL takes its place.
  public var clusterToken: String
  /// Peer URLs told to other members.
  public var initialAdvertisePeerURLs: [EndpointURL]
  /// Whether the document names the peer URLs; if not, this node's entry of `initial-cluster` does.
  public var hasExplicitPeerURLs: Bool
  /// Client URLs told to everyone.
  public var advertiseClientURLs: [EndpointURL]
  /// Where clients connect.
  public var listenClientURLs: [EndpointURL]
  /// Where other members connect.
  public var listenPeerURLs: [EndpointURL]
  /// Milliseconds between heartbeats of the leader.
  public var heartbeatMilliseconds: UInt64
  /// Milliseconds without a leader until a follower campaigns.
  public var electionMilliseconds: UInt64
  /// Applied entries between two snapshots.
  public var snapshotCount: UInt64
  /// Whether this node is a proxy from the start.
  public var proxy: Proxy
  /// What happens when the discovery token's cluster is full.
  public var discoveryFallback: DiscoveryFallback
  /// TLS to clients, and of this node as a client of the members.
  public var clientSecurity = SecurityPlan()
  /// TLS between members, in both directions.
  public var peerSecurity = SecurityPlan()
  /// The origins whose pages may use the store (`cors`); `*` stands for all.
  public var corsOrigins: [String] = []
  /// Whether `/debug/pprof` is served.
  public var enablesProfiling = false
  /// The HTTP proxy through which the discovery service is asked.
  public var discoveryProxy: EndpointURL?
  /// Where the log with its snapshots stands; nil means where the member's other data does.
  public var walDirectory: String?
  /// Whether changes of membership are refused that leave too few started members.
  public var isReconfigurationChecked = true
  /// Whether the existing data becomes that of a cluster of one.
  public var forcesNewCluster = false
  /// The times of a worker.
  public var proxyTimes = ProxyPlan()
  /// Whether everything is logged.
  public var isDebugging = false

  /// The peer URLs with which this machine could become a member; none when others could not reach it by them.
  public var reachablePeerURLs: [EndpointURL] {
    let urls = initialAdvertisePeerURLs
    guard !urls.contains(where: \.isWildcard), hasExplicitPeerURLs || !urls.contains(where: \.isLoopback) else {
      return []
    }
    return urls
  }

  /// Where clients are served when the document does not say.
  public static let defaultClientURLs = [
    EndpointURL(scheme: .http, host: "127.0.0.1", port: 2379),
    EndpointURL(scheme: .http, host: "127.0.0.1", port: 4001),
  ]
  /// Where members are served when the document does not say.
  public static let defaultPeerURLs = [
    EndpointURL(scheme: .http, host: "127.0.0.1", port: 2380),
    EndpointURL(scheme: .http, host: "127.0.0.1", port: 7001),
  ]

  /// Makes settings; the defaults are those of the contract.
  public init(
    name: String? = nil,
    dataDirectory: String? = nil,
    bootstrap: Bootstrap = .alone,
    clusterState: ClusterState = .new,
    clusterToken: String = "etcd-cluster",
    initialAdvertisePeerURLs: [EndpointURL] = EtcdPlan.defaultPeerURLs,
    hasExplicitPeerURLs: Bool = false,
    advertiseClientURLs: [EndpointURL] = EtcdPlan.defaultClientURLs,
    listenClientURLs: [EndpointURL] = EtcdPlan.defaultClientURLs,
    listenPeerURLs: [EndpointURL] = EtcdPlan.defaultPeerURLs,
    heartbeatMilliseconds: UInt64 = 100,
    electionMilliseconds: UInt64 = 1_000,
    snapshotCount: UInt64 = 10_000,
    proxy: Proxy = .off,
    discoveryFallback: DiscoveryFallback = .proxy
  ) {
    self.name = name
    self.dataDirectory = dataDirectory
    self.bootstrap = bootstrap
    self.clusterState = clusterState
    self.clusterToken = clusterToken
    self.initialAdvertisePeerURLs = initialAdvertisePeerURLs
    self.hasExplicitPeerURLs = hasExplicitPeerURLs
    self.advertiseClientURLs = advertiseClientURLs
    self.listenClientURLs = listenClientURLs
    self.listenPeerURLs = listenPeerURLs
    self.heartbeatMilliseconds = heartbeatMilliseconds
    self.electionMilliseconds = electionMilliseconds
    self.snapshotCount = snapshotCount
    self.proxy = proxy
    self.discoveryFallback = discoveryFallback
  }
}
