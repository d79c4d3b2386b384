// SPDX-License-Identifier: Apache-2.0
import EtcdServer
import EtcdStore
import EtcdWire
import Foundation
import Logging
import NIOCore
import NIOPosix
import Raft
import RaftStorage
import RaftTransport
import TestKit
import Testing

/// A member with its real log and its real peer port.
private struct SocketMember {
  let etcd: EtcdMember
  let transport: PeerTransport

  func stop() async {
    await etcd.stop()
    await transport.stop()
  }
}

/// Ports that were free a moment ago, below those that the system hands out to connections of other tests.
private func freePorts(_ count: Int) async throws -> [Int] {
  var ports: [Int] = []
  while ports.count < count {
    let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
    guard let channel = try? await bootstrap.bind(host: "127.0.0.1", port: Int.random(in: 10_000..<32_000)).get()
    else { continue }
    ports.append(try required(channel.localAddress?.port))
    try await channel.close()
  }
  return ports
}

private func start(_ member: ClusterMember, of members: [ClusterMember], in directory: String) async throws
  -> SocketMember
{
  let id = MemberID(member.id)
  let clusterID = ClusterIdentity.clusterID(memberIDs: members.map { MemberID($0.id) })
  var configuration = EtcdMemberConfiguration(
    name: member.name,
    memberID: id,
    clusterID: clusterID,
    clusterToken: "sockets",
    initialMembers: members,
    isNewCluster: true,
    clientURLs: []
  )
  configuration.heartbeatMilliseconds = 20
  configuration.electionMilliseconds = 400
  var logger = Logger(label: member.name)
  logger.logLevel = .critical
  let transport = PeerTransport(
    cluster: clusterID,
    member: id,
    group: .singletonMultiThreadedEventLoopGroup,
    logger: logger
  )
  var events = EtcdMemberEvents()
  events.peersChanged = { urls, removed in transport.updatePeers(urls, removed: removed) }
  let etcd = try EtcdMember(
    configuration: configuration,
    log: try SQLiteLogStore(directory: directory + "/\(id)", cluster: clusterID, member: id),
    outbox: transport,
    events: events,
    logger: logger
  )
  try await transport.listen(
    on: member.peerURLs,
    page: { path in etcd.peerDocument(at: path).map { PeerPage(contentType: "application/json", body: $0) } },
    deliver: { etcd.receive($0) }
  )
  try etcd.start()
  return SocketMember(etcd: etcd, transport: transport)
}

@Suite struct SocketClusterTests {
  @Test func `three members on real sockets keep every acknowledged write while leaders come and go`() async throws {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("sockets-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let members = try await freePorts(3).enumerated().map { number, port in
      let urls = ["http://127.0.0.1:\(port)"]
      let id = ClusterIdentity.memberID(peerURLs: urls, token: "sockets")
      return ClusterMember(id: id.rawValue, name: "m\(number)", peerURLs: urls)
    }
    var running: [UInt64: SocketMember] = [:]
    for member in members { running[member.id] = try await start(member, of: members, in: directory) }
    var keys: [String] = []
    for round in 0..<3 {
      var leader: SocketMember?
      try await eventually("a leader", every: .milliseconds(5)) {
        leader = running.values.first { $0.etcd.status.role == .leader }
        return leader != nil
      }
      let stopping = try required(leader)
      for number in 0..<30 {
        let key = "/r\(round)-\(number)"
        let writer = try required(running.values.first)
        // On a busy disk leaders may change by themselves; what counts is what was acknowledged.
        try await eventually("a write", every: .milliseconds(1)) { try await writer.etcd.set(key, "x").raftIndex > 0 }
        keys.append(key)
      }
      await stopping.stop()
      running.removeValue(forKey: stopping.etcd.memberID)
      let key = "/without-\(round)"
      let remaining = try required(running.values.first)
      try await eventually("a write", every: .milliseconds(1)) { try await remaining.etcd.set(key, "x").raftIndex > 0 }
      keys.append(key)
      let member = try required(members.first { $0.id == stopping.etcd.memberID })
      running[member.id] = try await start(member, of: members, in: directory)
    }
    let all = running.values.map(\.etcd)
    var digests: [StoreDigest] = []
    try await eventually("equal applied indexes", every: .milliseconds(10)) {
      digests = all.map { $0.storeDigest() }
      return Set(digests.map(\.raftAppliedIndex)).count == 1
    }
    #expect(Set(digests.map(\.hash)).count == 1)
    for etcd in all {
      for key in keys { _ = try await etcd.get(key, quorum: true) }
    }
    for member in running.values { await member.stop() }
  }
}
