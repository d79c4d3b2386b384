// SPDX-License-Identifier: Apache-2.0
public import EtcdWire
public import Raft

/// Everything a member needs to know about itself and its cluster.
public struct EtcdMemberConfiguration: Sendable {
  /// This member's human name.
  public var name: String
  /// This member.
  public var memberID: MemberID
  /// Its cluster.
  public var clusterID: ClusterID
  /// The cluster's token, which goes into the ids of members added later.
  public var clusterToken: String
  /// The members known at the start: of a new cluster all of them, for a member that joins those it can reach.
  public var initialMembers: [ClusterMember]
  /// Whether an empty log is the beginning of a new cluster; false for a member that joins a running one.
  public var isNewCluster: Bool
  /// The client URLs this member tells others.
  public var clientURLs: [String]
  /// Milliseconds between a leader's heartbeats.
  public var heartbeatMilliseconds = 100
  /// Milliseconds without a leader after which a member campaigns.
  public var electionMilliseconds = 1_000
  /// Applied entries between snapshots (`snapshot-count`).
  public var snapshotCount: UInt64 = 10_000
  /// Entries kept behind a snapshot for slow members.
  public var trailingEntries: UInt64 = 5_000
  /// Whether changes of membership are refused that leave too few started members (`strict-reconfig-check`).
  public var checksReconfiguration = true
  /// Events kept for watches that start in the past; equal on all members.
  public var historyCapacity = 1_000
  /// `etcdserver` of `/version`: the version whose v2 API this is.
  public var serverVersion = "2.3.8"
  /// The logarithm of the rounds of new password hashes; fewer are for tests alone.
  var passwordRoundsLog2 = PasswordHash.usualRoundsLog2

  /// Makes a configuration with etcd's default times and limits.
  public init(
    name: String,
    memberID: MemberID,
    clusterID: ClusterID,
    clusterToken: String,
    initialMembers: [ClusterMember],
    isNewCluster: Bool,
    clientURLs: [String]
  ) {
    self.name = name
    self.memberID = memberID
    self.clusterID = clusterID
    self.clusterToken = clusterToken
    self.initialMembers = initialMembers
    self.isNewCluster = isNewCluster
    self.clientURLs = clientURLs
  }

  /// The time after which a request that is not answered yet fails: 5 s and two election timeouts (specs §15).
  var requestTimeoutNanoseconds: Int64 { 5_000_000_000 + 2 * Int64(electionMilliseconds) * 1_000_000 }

  /// Checks what etcd checks too.
  func validate() throws(EtcdServerError) {
    guard heartbeatMilliseconds > 0, electionMilliseconds >= 5 * heartbeatMilliseconds,
      electionMilliseconds <= 50_000
    else {
      throw EtcdServerError(
        .configuration,
        "election-timeout is \(electionMilliseconds) ms; it must be at least 5 times heartbeat-interval "
          + "(\(heartbeatMilliseconds) ms) and at most 50000 ms"
      )
    }
    guard snapshotCount > 0 else {
      throw EtcdServerError(.configuration, "snapshot-count is 0; it must be at least 1")
    }
    guard !isNewCluster || initialMembers.contains(where: { $0.id == memberID.rawValue }) else {
      throw EtcdServerError(.configuration, "initial-cluster does not name member \(memberID) (\(name))")
    }
  }

  var raftSettings: RaftSettings {
    var settings = RaftSettings()
    settings.heartbeatTicks = 1
    settings.electionTicks = electionMilliseconds / heartbeatMilliseconds
    settings.snapshotEntries = snapshotCount
    settings.trailingEntries = trailingEntries
    settings.guardsQuorum = checksReconfiguration
    return settings
  }

  /// The beginning of the cluster; nil for a member that joins.
  var bootstrap: Bootstrap? {
    guard isNewCluster else { return nil }
    let members = initialMembers.map { member in
      Bootstrap.Member(id: MemberID(member.id), context: MemberContext.encoded(peerURLs: member.peerURLs))
    }
    return Bootstrap(members: members)
  }
}

/// What a member tells its surroundings; each is called on the replica's thread and must not block.
public struct EtcdMemberEvents: Sendable {
  /// The peers changed: the peer URLs of all members, and the members removed for good; called at the start too.
  public var peersChanged: @Sendable (_ urls: [MemberID: [String]], _ removed: Set<MemberID>) -> Void = { _, _ in }
  /// This member was removed from the cluster, and should be stopped.
  public var wasRemoved: @Sendable () -> Void = {}
  /// The replica has stopped for good, with the reason; the process should end.
  public var failed: @Sendable (_ reason: String) -> Void = { _ in }

  /// Makes events that nobody hears.
  public init() {}
}
