// SPDX-License-Identifier: Apache-2.0
public import CloudConfig

/// A running cluster as one of its members lists it (`GET /members` of a peer URL).
public struct PeerCluster: Sendable, Equatable {
  /// One member.
  public struct Member: Sendable, Equatable {
    /// Its id.
    public var id: MemberID
    /// Its peer URLs.
    public var peerURLs: [String]

    /// Makes a member.
    public init(id: MemberID, peerURLs: [String]) {
      self.id = id
      self.peerURLs = peerURLs
    }
  }

  /// The cluster's id.
  public var clusterID: ClusterID
  /// All members.
  public var members: [Member]

  /// Makes a cluster.
  public init(clusterID: ClusterID, members: [Member]) {
    self.clusterID = clusterID
    self.members = members
  }
}

/// What DNS says about a service.
public enum ServiceAnswer: Sendable, Equatable {
  /// The servers: host and port of each SRV record.
  case found([(host: String, port: Int)])
  /// There are none, decidedly.
  case notFound(reason: String)
  /// It could not be asked now.
  case unavailable(reason: String)

  /// Compares case by case.
  public static func == (left: ServiceAnswer, right: ServiceAnswer) -> Bool {
    switch (left, right) {
    case (.found(let left), .found(let right)): left.elementsEqual(right) { $0 == $1 }
    case (.notFound(let left), .notFound(let right)): left == right
    case (.unavailable(let left), .unavailable(let right)): left == right
    default: false
    }
  }
}

/// What a bootstrap asks of the world besides a discovery service.
public struct ClusterLookups: Sendable {
  /// Asks peer URLs, one after the other, for their cluster; nil when none answers.
  public var cluster: @Sendable (_ peerURLs: [EndpointURL]) async -> PeerCluster?
  /// Asks DNS for the servers of a service over TCP.
  public var services: @Sendable (_ service: String, _ domain: String) async -> ServiceAnswer
  /// The addresses of a host; none when it is not known.
  public var addresses: @Sendable (_ host: String) async -> Set<String>

  /// Makes lookups; those that are left out find nothing, and hosts are resolved as the system does.
  public init(
    cluster: @escaping @Sendable (_ peerURLs: [EndpointURL]) async -> PeerCluster? = { _ in nil },
    services: @escaping @Sendable (_ service: String, _ domain: String) async -> ServiceAnswer = { _, _ in
      .notFound(reason: "nobody was asked")
    },
    addresses: @escaping @Sendable (_ host: String) async -> Set<String> = { await HostAddresses.of($0) }
  ) {
    self.cluster = cluster
    self.services = services
    self.addresses = addresses
  }

  /// Whether two lists of URLs stand for the same listeners, by their spelling or by what they resolve to.
  func areEquivalent(_ left: [EndpointURL], _ right: [EndpointURL]) async -> Bool {
    if Set(left) == Set(right) { return true }
    guard left.count == right.count else { return false }
    var rest = right
    for url in left {
      var match: Int?
      for (place, other) in rest.enumerated() where await isSameListener(url, other) {
        match = place
        break
      }
      guard let match else { return false }
      rest.remove(at: match)
    }
    return true
  }

  private func isSameListener(_ left: EndpointURL, _ right: EndpointURL) async -> Bool {
    guard left.scheme == right.scheme, left.port == right.port else { return false }
    if left.host == right.host { return true }
    return await !addresses(left.host).isDisjoint(with: addresses(right.host))
  }
}
