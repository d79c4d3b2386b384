// SPDX-License-Identifier: Apache-2.0
public import CloudConfig

/// What this node has become, decided once on its first boot and kept in its data directory.
public enum MembershipRecord: Sendable, Equatable {
  /// A member of the cluster.
  case member(ClusterMembership)
  /// A worker: it forwards `/v2` to the members and runs units.
  case worker(WorkerMembership)
}

/// A member's place in its cluster, as it was when the cluster was formed.
///
/// Invariant: `members` holds `memberID`, sorted by id. Later changes of membership live in the replicated log, not here.
public struct ClusterMembership: Sendable, Equatable {
  /// One member of the cluster.
  public struct Member: Sendable, Equatable {
    /// Its id.
    public var id: MemberID
    /// Its name.
    public var name: String
    /// Where other members reach it.
    public var peerURLs: [EndpointURL]

    /// Makes a member.
    public init(id: MemberID, name: String, peerURLs: [EndpointURL]) {
      self.id = id
      self.name = name
      self.peerURLs = peerURLs
    }
  }

  /// The cluster's id.
  public var clusterID: ClusterID
  /// This node's own id.
  public var memberID: MemberID
  /// All members, this one included, sorted by id.
  public var members: [Member]
  /// Whether the cluster ran before this member came: its log comes from the others.
  public var isJoining = false

  /// Makes the membership of a new cluster.
  ///
  /// - Parameters:
  ///   - cluster: The members; must have an entry named `name`.
  ///   - clusterToken: The salt of all ids: the token, or the whole discovery URL.
  ///   - name: This node's own name.
  public init(cluster: InitialCluster, clusterToken: String, name: String) {
    members = cluster.entries.map { entry in
      Member(
        id: MemberID(peerURLs: entry.peerURLs, clusterToken: clusterToken),
        name: entry.name,
        peerURLs: entry.peerURLs
      )
    }
    members.sort { $0.id < $1.id }
    clusterID = ClusterID(members: members.map(\.id))
    let own = members.first { $0.name == name }
    precondition(own != nil, "the cluster \(cluster.text) has no member \(name)")
    memberID = own?.id ?? MemberID(0)
  }

  /// Makes the membership of one who comes to a cluster that runs, or that has run before.
  ///
  /// - Parameters:
  ///   - clusterID: The cluster's id.
  ///   - memberID: This node's own id.
  ///   - members: All members; must hold `memberID`.
  public init(joining clusterID: ClusterID, as memberID: MemberID, members: [Member]) {
    precondition(members.contains { $0.id == memberID }, "member \(memberID) is not among the members")
    self.init(clusterID: clusterID, memberID: memberID, members: members)
    isJoining = true
  }

  /// Makes the membership of a cluster of one member, as a backup has it.
  ///
  /// - Parameters:
  ///   - memberID: The member.
  ///   - name: Its name.
  ///   - peerURLs: Where others will reach it.
  ///   - clusterID: The cluster.
  public init(alone memberID: MemberID, name: String, peerURLs: [EndpointURL], clusterID: ClusterID) {
    self.clusterID = clusterID
    self.memberID = memberID
    members = [Member(id: memberID, name: name, peerURLs: peerURLs)]
  }

  init(clusterID: ClusterID, memberID: MemberID, members: [Member]) {
    self.clusterID = clusterID
    self.memberID = memberID
    self.members = members.sorted { $0.id < $1.id }
  }
}

/// A worker's way to its cluster.
public struct WorkerMembership: Sendable, Equatable {
  /// Peer URLs of the members, whose `/members` tells where clients are served.
  public var peerURLs: [EndpointURL]

  /// Makes a membership.
  public init(peerURLs: [EndpointURL]) {
    self.peerURLs = peerURLs
  }
}
