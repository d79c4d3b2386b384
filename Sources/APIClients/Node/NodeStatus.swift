// SPDX-License-Identifier: Apache-2.0
public import EtcdWire

/// Where a node stands, as `GET /coracle/v1/status` tells.
public enum NodeStatus: Sendable, Equatable {
  /// A member of the cluster.
  case member(Member)
  /// A worker, with the members it sends requests to.
  ///
  /// `peerURLs` are those that the machine would have as a member; none when it cannot be one.
  case worker(endpoints: [String], peerURLs: [String])

  /// What a member tells of itself, with ids in lower-case hexadecimal.
  public struct Member: Sendable, Equatable {
    /// The member's id.
    public var memberID: String
    /// The cluster's id.
    public var clusterID: String
    /// The member's role; nil for one this client does not know.
    public var role: MemberRole?
    /// The leader's id; nil during an election.
    public var leaderID: String?
    /// The Raft term.
    public var raftTerm: UInt64
    /// The highest index known to be committed.
    public var raftCommitIndex: UInt64
    /// The highest index applied to the store.
    public var raftAppliedIndex: UInt64
    /// The store's index.
    public var etcdIndex: UInt64
    /// The size of the Raft database, in bytes.
    public var raftDatabaseBytes: UInt64
    /// Whether the member votes.
    public var isVoter: Bool
    /// The digest of the keyspace, if it was asked for.
    public var digest: Digest?
  }

  /// A digest of the whole keyspace, equal on members that have applied the same entries.
  public struct Digest: Sendable, Equatable {
    /// The store's index.
    public var etcdIndex: UInt64
    /// The index of the last applied entry.
    public var raftAppliedIndex: UInt64
    /// The digest in hexadecimal.
    public var hash: String
  }

  /// Reads what a node sent; nil when it is no status.
  public init?(json: JSONValue) {
    guard let role = json["role"]?.string else { return nil }
    if role == "worker" {
      self = .worker(endpoints: json["endpoints"]?.strings ?? [], peerURLs: json["peerURLs"]?.strings ?? [])
      return
    }
    guard let memberID = json["memberID"]?.string, let clusterID = json["clusterID"]?.string else { return nil }
    self = .member(
      Member(
        memberID: memberID,
        clusterID: clusterID,
        role: MemberRole(rawValue: role),
        leaderID: json["leaderID"]?.string,
        raftTerm: json["raftTerm"]?.uint64 ?? 0,
        raftCommitIndex: json["raftCommitIndex"]?.uint64 ?? 0,
        raftAppliedIndex: json["raftAppliedIndex"]?.uint64 ?? 0,
        etcdIndex: json["etcdIndex"]?.uint64 ?? 0,
        raftDatabaseBytes: json["raftDatabaseBytes"]?.uint64 ?? 0,
        isVoter: json["voter"]?.bool ?? true,
        digest: json["digest"].flatMap(Self.digest)
      )
    )
  }

  private static func digest(_ body: JSONValue) -> Digest? {
    guard let hash = body["hash"]?.string else { return nil }
    return Digest(
      etcdIndex: body["etcdIndex"]?.uint64 ?? 0,
      raftAppliedIndex: body["raftAppliedIndex"]?.uint64 ?? 0,
      hash: hash
    )
  }
}
