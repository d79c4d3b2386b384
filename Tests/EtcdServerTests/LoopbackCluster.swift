// SPDX-License-Identifier: Apache-2.0
import EtcdServer
import EtcdStore
import EtcdWire
import Foundation
import Logging
import Raft
import RaftStorage
import Synchronization
import TestKit

/// The members of one process, who hand messages to each other directly.
final class LoopbackNetwork: Sendable {
  private let state = Mutex(State())

  private struct State {
    var members: [MemberID: EtcdMember] = [:]
    var isolated: Set<MemberID> = []
  }

  func connect(_ id: MemberID, _ member: EtcdMember?) {
    state.withLock { $0.members[id] = member }
  }

  /// Cuts a member off, or lets it talk again.
  func setIsolated(_ id: MemberID, _ isIsolated: Bool) {
    state.withLock { state in
      if isIsolated { state.isolated.insert(id) } else { state.isolated.remove(id) }
    }
  }

  func deliver(_ message: Message) {
    let receiver = state.withLock { state -> EtcdMember? in
      if state.isolated.contains(message.from) || state.isolated.contains(message.to) { return nil }
      return state.members[message.to]
    }
    receiver?.receive([message])
  }
}

struct LoopbackOutbox: PeerOutbox {
  let network: LoopbackNetwork

  mutating func send(_ messages: [Message]) {
    for message in messages { network.deliver(message) }
  }
}

/// A cluster in this process with real logs on disk, that can be stopped and started member by member.
final class LoopbackCluster: Sendable {
  static let token = "test-cluster"

  let network = LoopbackNetwork()
  let initialMembers: [ClusterMember]
  let clusterID: ClusterID
  private let directory: String
  private let adjust: @Sendable (inout EtcdMemberConfiguration) -> Void
  private let running = Mutex<[MemberID: EtcdMember]>([:])

  init(size: Int, _ adjust: @escaping @Sendable (inout EtcdMemberConfiguration) -> Void = { _ in }) throws {
    initialMembers = (0..<size).map { number in
      let url = "http://127.0.0.1:\(12_380 + number)"
      let id = ClusterIdentity.memberID(peerURLs: [url], token: Self.token)
      return ClusterMember(id: id.rawValue, name: "m\(number)", peerURLs: [url])
    }
    clusterID = ClusterIdentity.clusterID(memberIDs: initialMembers.map { MemberID($0.id) })
    directory = FileManager.default.temporaryDirectory.appendingPathComponent("etcd-\(UUID().uuidString)").path
    self.adjust = adjust
  }

  deinit {
    try? FileManager.default.removeItem(atPath: directory)
  }

  /// Starts a cluster, runs `body` and stops it.
  static func with(
    size: Int,
    _ adjust: @escaping @Sendable (inout EtcdMemberConfiguration) -> Void = { _ in },
    _ body: (LoopbackCluster) async throws -> Void
  ) async throws {
    let cluster = try LoopbackCluster(size: size, adjust)
    try cluster.startAll()
    do {
      try await body(cluster)
      await cluster.stopAll()
    } catch {
      await cluster.stopAll()
      throw error
    }
  }

  func startAll() throws {
    for member in initialMembers { try start(member) }
  }

  func stopAll() async {
    for id in running.withLock({ Array($0.keys) }) { await stop(id) }
  }

  @discardableResult
  func start(_ member: ClusterMember, joining: Bool = false) throws -> EtcdMember {
    let id = MemberID(member.id)
    let etcd = try make(member, joining: joining)
    network.connect(id, etcd)
    running.withLock { $0[id] = etcd }
    try etcd.start()
    return etcd
  }

  /// Makes a member without starting it.
  func make(_ member: ClusterMember, joining: Bool = false) throws -> EtcdMember {
    let id = MemberID(member.id)
    var configuration = EtcdMemberConfiguration(
      name: member.name,
      memberID: id,
      clusterID: clusterID,
      clusterToken: Self.token,
      initialMembers: initialMembers,
      isNewCluster: !joining,
      clientURLs: ["http://127.0.0.1/\(member.name)"]
    )
    configuration.heartbeatMilliseconds = 20
    configuration.electionMilliseconds = 400
    adjust(&configuration)
    var logger = Logger(label: member.name)
    logger.logLevel = .critical
    return try EtcdMember(
      configuration: configuration,
      log: try SQLiteLogStore(directory: dataDirectory(of: id), cluster: clusterID, member: id),
      outbox: LoopbackOutbox(network: network),
      logger: logger
    )
  }

  func dataDirectory(of id: MemberID) -> String { directory + "/\(id)" }

  func dataDirectory(of member: EtcdMember) -> String { dataDirectory(of: MemberID(member.memberID)) }

  func stop(_ id: MemberID) async {
    let etcd = running.withLock { $0.removeValue(forKey: id) }
    network.connect(id, nil)
    await etcd?.stop()
  }

  var members: [EtcdMember] {
    running.withLock { running in running.sorted { $0.key < $1.key }.map(\.value) }
  }

  /// The member that leads, once all that run agree on it.
  func leader() async throws -> EtcdMember {
    var found: EtcdMember?
    try await eventually("a leader", every: .milliseconds(5)) {
      let members = self.members
      found = members.first { $0.status.role == .leader }
      return found != nil && members.allSatisfy { $0.leaderID == found?.memberID }
    }
    guard let found else { throw EtcdError(.leaderElection) }
    return found
  }

  func follower() async throws -> EtcdMember {
    let leader = try await leader()
    return try required(members.first { $0.memberID != leader.memberID })
  }

  /// Waits until all members have applied the same entries, and says whether their trees are equal then.
  func haveEqualTrees() async throws -> Bool {
    var digests: [StoreDigest] = []
    try await eventually("equal applied indexes", every: .milliseconds(10)) {
      digests = self.members.map { $0.storeDigest() }
      return Set(digests.map(\.raftAppliedIndex)).count == 1
    }
    return digests.allSatisfy { $0 == digests[0] }
  }
}

/// A value that must be there.
func required<Value>(_ value: Value?) throws -> Value {
  guard let value else { throw EtcdError(.raftInternal, cause: "nothing there") }
  return value
}

/// A value that several tasks of a test share.
final class Shared<Value: Sendable>: Sendable {
  private let mutex: Mutex<Value>

  init(_ value: Value) {
    mutex = Mutex(value)
  }

  var value: Value {
    get { mutex.withLock { $0 } }
    set { mutex.withLock { $0 = newValue } }
  }

  func update(_ body: (inout Value) -> Void) {
    mutex.withLock { body(&$0) }
  }
}
