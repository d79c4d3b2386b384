// SPDX-License-Identifier: Apache-2.0
import EtcdStore
public import EtcdWire
import Logging
import Raft

// Changes of the membership, asked of any member.
extension EtcdMember {
  /// Adds a member that is about to join and answers with its new id.
  ///
  /// Differs: it votes only once it has caught up, while the original's counts for the quorum at once.
  public func addMember(
    peerURLs: [String],
    answer: @escaping @Sendable (Result<ClusterMember, ClusterChangeError>) -> Void
  ) {
    let now = host.clocks.wall().nanosecondsSinceEpoch / 1_000_000_000
    let id = ClusterIdentity.memberID(
      peerURLs: peerURLs,
      token: configuration.clusterToken,
      addedAtUnixSeconds: now
    )
    let membership = keyspace.membership
    if membership.isRemoved(id) || membership.member(id) != nil { return answer(.failure(.idExists)) }
    if membership.hasPeerURL(in: peerURLs, except: id) { return answer(.failure(.peerURLExists)) }
    if let reason = refusal(of: membership.objectionToAdding(asked: configuration.memberID)) {
      return answer(.failure(.failed(reason: reason)))
    }
    change(.addLearner, id, peerURLs: peerURLs) { error in
      answer(error.map { .failure($0) } ?? .success(ClusterMember(id: id.rawValue, peerURLs: peerURLs)))
    }
  }

  /// Removes a member for good.
  public func removeMember(id: UInt64, answer: @escaping @Sendable (Result<Void, ClusterChangeError>) -> Void) {
    let membership = keyspace.membership
    if let error = membership.objection(to: MemberID(id)) { return answer(.failure(error)) }
    if let reason = refusal(of: membership.objectionToRemoving(MemberID(id), asked: configuration.memberID)) {
      return answer(.failure(.failed(reason: reason)))
    }
    change(.remove, MemberID(id), peerURLs: []) { error in answer(error.map { .failure($0) } ?? .success(())) }
  }

  /// Gives a member other peer URLs.
  public func updateMember(
    id: UInt64,
    peerURLs: [String],
    answer: @escaping @Sendable (Result<Void, ClusterChangeError>) -> Void
  ) {
    let membership = keyspace.membership
    if let error = membership.objection(to: MemberID(id)) { return answer(.failure(error)) }
    if membership.hasPeerURL(in: peerURLs, except: MemberID(id)) { return answer(.failure(.peerURLExists)) }
    change(.update, MemberID(id), peerURLs: peerURLs) { error in
      answer(error.map { .failure($0) } ?? .success(()))
    }
  }

  private func change(
    _ action: ConfigurationChange.Action,
    _ member: MemberID,
    peerURLs: [String],
    _ answer: @escaping @Sendable (ClusterChangeError?) -> Void
  ) {
    let id = host.nextRequestID()
    let context = MembershipContext(proposer: configuration.memberID, request: id, peerURLs: peerURLs)
    let change = ConfigurationChange(action, member, context: context.encoded())
    let logger = logger
    submit(
      id,
      .proposal(.configurationChange(change)),
      .change { error in
        if case .failed(let reason)? = error {
          logger.warning(
            "membership was not changed",
            metadata: ["raft.change": "\(action) \(member)", "raft.reason": "\(reason)"]
          )
        }
        answer(error)
      }
    )
  }

  /// The reason to refuse a change, if changes are checked; it is logged.
  private func refusal(of objection: String?) -> String? {
    guard configuration.checksReconfiguration, let objection else { return nil }
    logger.warning("membership change refused by strict-reconfig-check", metadata: ["raft.reason": "\(objection)"])
    return objection
  }
}

extension Membership {
  fileprivate func objection(to id: MemberID) -> ClusterChangeError? {
    if isRemoved(id) { return .permanentlyRemoved }
    return member(id) == nil ? .noSuchMember : nil
  }

  fileprivate func hasPeerURL(in urls: [String], except id: MemberID) -> Bool {
    members.contains { $0.id != id.rawValue && !Set($0.peerURLs).isDisjoint(with: urls) }
  }

  /// Why another member may not be added now: members that were added and never started pile up.
  ///
  /// Source: etcd v3.4 `etcdserver/api/membership/cluster.go` `IsReadyToAddVotingMember`; specs/etcd-v2.md §12.
  func objectionToAdding(asked: MemberID) -> String? {
    let started = members.count { isStarted($0, asked) }
    let size = members.count + 1
    // The way from one member to two has nothing to lose that it could keep.
    if started == 1, size == 2 { return nil }
    guard started < size / 2 + 1 else { return nil }
    return "only \(started) of \(members.count) members have started, too few for a quorum of \(size); "
      + "start those that were added, or remove them"
  }

  /// Why a member may not be removed now: too few of the others have ever started.
  ///
  /// Whether they answer, the leader alone knows: `RaftSettings.guardsQuorum`. Source: as above,
  /// `IsReadyToRemoveVotingMember`.
  func objectionToRemoving(_ id: MemberID, asked: MemberID) -> String? {
    let others = members.filter { $0.id != id.rawValue }
    // Raft refuses to remove the last voter, and says so better.
    guard !others.isEmpty else { return nil }
    let started = others.count { isStarted($0, asked) }
    guard started < others.count / 2 + 1 else { return nil }
    return "only \(started) of the \(others.count) remaining members have started, which is no quorum"
  }

  /// Whether a member has ever told its name; the one that is asked has started even before that.
  private func isStarted(_ member: ClusterMember, _ asked: MemberID) -> Bool {
    !member.name.isEmpty || member.id == asked.rawValue
  }
}
