// SPDX-License-Identifier: Apache-2.0

/// Settings of the fleet agent and engine (`coreos.fleet`).
///
/// Source: fleet v1.0.0 configuration; specs/fleet.md §10.
public struct FleetPlan: Sendable, Equatable {
  /// One `k=v` of the machine's metadata.
  public struct MetadataEntry: Sendable, Equatable {
    /// The key.
    public var key: String
    /// The value; may be empty and may contain `=`.
    public var value: String

    /// Makes an entry.
    public init(key: String, value: String) {
      self.key = key
      self.value = value
    }
  }

  /// The address told to others; nil means the node's detected one.
  public var publicIP: String?
  /// What the machine says of itself, sorted by key, keys distinct.
  public var metadata: [MetadataEntry]
  /// How long the machine's presence outlives its last refresh.
  public var agentTTL: Duration
  /// Time between two unprompted passes of the engine.
  public var engineReconcileInterval: Duration
  /// The store to use when it is not this node's own; empty means this node's own, or loopback.
  public var etcdServers: [EndpointURL]
  /// Time allowed for one request to a remote store.
  public var etcdRequestTimeout: Duration
  /// The directory of the store that holds fleet's keys; begins and ends with a slash.
  public var etcdKeyPrefix: String
  /// Who this node is to a store that others hold: a remote one, or the members' of a worker; nil means nobody.
  public var etcdUsername: String?
  /// The password to ``etcdUsername``.
  public var etcdPassword: String?
  /// TLS to a remote store.
  public var storeSecurity = SecurityPlan()
  /// Whether this machine never leads the scheduling.
  public var isEngineDisabled: Bool
  /// Entries in one page of the fleet API.
  public var tokenLimit: Int
  /// More than 0 asks for debug logging.
  public var verbosity: Int
  /// Where the fleet API alone is served (`listen-urls`, ours).
  public var listenURLs: [EndpointURL]

  /// Where the fleet API alone is served when the document does not say.
  public static let defaultListenURLs = [EndpointURL(scheme: .http, host: "127.0.0.1", port: 49_153)]

  /// Makes settings; the defaults are those of fleet and of the contract.
  public init(
    publicIP: String? = nil,
    metadata: [MetadataEntry] = [],
    agentTTL: Duration = .seconds(30),
    engineReconcileInterval: Duration = .seconds(2),
    etcdServers: [EndpointURL] = [],
    etcdRequestTimeout: Duration = .seconds(1),
    etcdKeyPrefix: String = "/_coreos.com/fleet/",
    etcdUsername: String? = nil,
    etcdPassword: String? = nil,
    isEngineDisabled: Bool = false,
    tokenLimit: Int = 100,
    verbosity: Int = 0,
    listenURLs: [EndpointURL] = FleetPlan.defaultListenURLs
  ) {
    self.publicIP = publicIP
    self.metadata = metadata
    self.agentTTL = agentTTL
    self.engineReconcileInterval = engineReconcileInterval
    self.etcdServers = etcdServers
    self.etcdRequestTimeout = etcdRequestTimeout
    self.etcdKeyPrefix = etcdKeyPrefix
    self.etcdUsername = etcdUsername
    self.etcdPassword = etcdPassword
    self.isEngineDisabled = isEngineDisabled
    self.tokenLimit = tokenLimit
    self.verbosity = verbosity
    self.listenURLs = listenURLs
  }
}
