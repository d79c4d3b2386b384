// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import Raft

/// What the replica's thread proposes by itself: expiry, this member's attributes, promotion of learners.
///
/// At most one of each kind is under way; one that gets lost is made again after the time a request may take.
struct OwnRequests {
  /// Expiries are at least this far apart, so that many keys that run out together take few entries.
  private static let expiryPauseNanoseconds: Int64 = 50_000_000

  private var expiry: RequestID?
  private var attributes: (id: RequestID, deadline: Int64)?
  private var promotion: (member: MemberID, deadline: Int64)?
  private var lastExpiryNanoseconds: Int64 = .min

  /// Forgets a request that was applied or refused.
  mutating func finished(_ id: RequestID) {
    if expiry == id { expiry = nil }
    if attributes?.id == id { attributes = nil }
  }

  // MARK: Expiry

  /// Nanoseconds until the leader should propose the next expiry; nil when it need not.
  func timeToExpiry(_ keyspace: Keyspace, status: ReplicaStatus, _ clocks: MemberClocks) -> Int64? {
    guard status.role == .leader, expiry == nil, let next = keyspace.nextExpiration else { return nil }
    let now = clocks.wall().nanosecondsSinceEpoch &+ status.stampLeadNanoseconds
    let due = max(0, next.nanosecondsSinceEpoch.subtractingReportingOverflow(now).partialValue)
    guard lastExpiryNanoseconds != .min else { return due }
    let pause = lastExpiryNanoseconds + Self.expiryPauseNanoseconds - clocks.monotonicNanoseconds()
    return max(due, pause, 0)
  }

  func isExpiryDue(_ keyspace: Keyspace, status: ReplicaStatus, _ clocks: MemberClocks) -> Bool {
    timeToExpiry(keyspace, status: status, clocks) == 0
  }

  /// The command that removes what has run out, when something has.
  mutating func expiry(
    _ keyspace: Keyspace,
    status: ReplicaStatus,
    _ configuration: EtcdMemberConfiguration,
    _ host: ReplicaHost
  ) -> ReplicaRequest? {
    guard isExpiryDue(keyspace, status: status, host.clocks) else { return nil }
    let id = host.nextRequestID()
    expiry = id
    lastExpiryNanoseconds = host.clocks.monotonicNanoseconds()
    let now = host.clocks.wall().nanosecondsSinceEpoch &+ status.stampLeadNanoseconds
    return command(.keys(.expire(through: Timestamp(nanosecondsSinceEpoch: now))), id, configuration, host)
  }

  // MARK: With each tick

  /// What is due now.
  mutating func due(
    status: ReplicaStatus,
    keyspace: Keyspace,
    _ configuration: EtcdMemberConfiguration,
    _ host: ReplicaHost,
    at now: Int64
  ) -> [ReplicaRequest] {
    var requests: [ReplicaRequest] = []
    if status.role != .leader { expiry = nil }
    if let request = expiry(keyspace, status: status, configuration, host) { requests.append(request) }
    if let request = publication(status, keyspace, configuration, host, at: now) { requests.append(request) }
    if let request = promotion(status, configuration, host, at: now) { requests.append(request) }
    return requests
  }

  /// This member's name and client URLs, until the members know them.
  private mutating func publication(
    _ status: ReplicaStatus,
    _ keyspace: Keyspace,
    _ configuration: EtcdMemberConfiguration,
    _ host: ReplicaHost,
    at now: Int64
  ) -> ReplicaRequest? {
    guard status.leader != nil, attributes.map({ $0.deadline <= now }) ?? true else { return nil }
    guard let known = keyspace.membership.member(configuration.memberID),
      known.name != configuration.name || known.clientURLs != configuration.clientURLs
    else { return nil }
    let id = host.nextRequestID()
    attributes = (id, now + configuration.requestTimeoutNanoseconds)
    let own = MemberAttributes(
      member: configuration.memberID,
      name: configuration.name,
      clientURLs: configuration.clientURLs
    )
    return command(.attributes(own), id, configuration, host)
  }

  /// The promotion of a learner that has caught up.
  private mutating func promotion(
    _ status: ReplicaStatus,
    _ configuration: EtcdMemberConfiguration,
    _ host: ReplicaHost,
    at now: Int64
  ) -> ReplicaRequest? {
    guard status.role == .leader, status.isConfigurationCommitted,
      promotion.map({ $0.deadline <= now }) ?? true
    else { return nil }
    promotion = nil
    let ready = status.followers.first { follower in
      status.configuration.learners.contains(follower.member) && follower.isCaughtUp && follower.isActive
    }
    guard let ready else { return nil }
    promotion = (ready.member, now + Int64(configuration.electionMilliseconds) * 1_000_000)
    let id = host.nextRequestID()
    let context = MembershipContext(proposer: configuration.memberID, request: id, peerURLs: [])
    let change = ConfigurationChange(.promote, ready.member, context: context.encoded())
    return request(.proposal(.configurationChange(change)), id, configuration, host)
  }

  private func command(
    _ content: ReplicatedCommand.Content,
    _ id: RequestID,
    _ configuration: EtcdMemberConfiguration,
    _ host: ReplicaHost
  ) -> ReplicaRequest {
    let bytes = ReplicatedCommand.encode(content, proposer: configuration.memberID, request: id)
    return request(.proposal(.command(bytes)), id, configuration, host)
  }

  private func request(
    _ content: ReplicaRequest.Content,
    _ id: RequestID,
    _ configuration: EtcdMemberConfiguration,
    _ host: ReplicaHost
  ) -> ReplicaRequest {
    let deadline = host.clocks.monotonicNanoseconds() + configuration.requestTimeoutNanoseconds
    return ReplicaRequest(id: id, content: content, answer: .none, deadlineNanoseconds: deadline)
  }
}
