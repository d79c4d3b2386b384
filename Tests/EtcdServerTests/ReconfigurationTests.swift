// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import Raft
import TestKit
import Testing

@testable import EtcdServer

/// Changes of the membership that are refused, that get lost on their way, and what comes of a removed member.
@Suite struct ReconfigurationTests {
  private func membership(started: Int, unstarted: Int) -> Membership {
    var membership = Membership()
    for id in 1...(started + unstarted) {
      let member = MemberID(UInt64(id))
      let context = MemberContext.encoded(peerURLs: ["http://h:\(id)"])
      membership.apply(ConfigurationChange(.addLearner, member, context: context))
      if id <= started { membership.apply(MemberAttributes(member: member, name: "m\(id)", clientURLs: [])) }
    }
    return membership
  }

  private static let asked = MemberID(1)

  @Test(arguments: [
    (1, 0, true), (1, 1, false), (2, 0, true), (2, 1, false), (3, 0, true), (3, 1, true), (3, 2, false), (4, 0, true),
    (4, 1, true), (5, 3, true), (5, 4, false), (5, 5, false),
  ])
  func `a member may be added while the started ones are a quorum of the new size`(
    started: Int,
    unstarted: Int,
    isAllowed: Bool
  ) {
    let membership = membership(started: started, unstarted: unstarted)
    #expect((membership.objectionToAdding(asked: Self.asked) == nil) == isAllowed)
  }

  @Test(arguments: [
    (2, 0, 2, true), (2, 1, 3, true), (2, 1, 2, false), (3, 0, 1, true), (3, 1, 1, true), (3, 2, 1, false),
    (3, 2, 5, true), (1, 1, 2, true), (1, 0, 1, true),
  ])
  func `a member may be removed while the started ones of the others are a quorum`(
    started: Int,
    unstarted: Int,
    removed: UInt64,
    isAllowed: Bool
  ) {
    let membership = membership(started: started, unstarted: unstarted)
    let objection = membership.objectionToRemoving(MemberID(removed), asked: Self.asked)
    #expect((objection == nil) == isAllowed, "\(objection ?? "")")
  }

  @Test func `a removed id never comes back`() {
    var membership = membership(started: 2, unstarted: 0)
    membership.apply(ConfigurationChange(.remove, MemberID(2)))
    membership.apply(
      ConfigurationChange(.addLearner, MemberID(2), context: MemberContext.encoded(peerURLs: ["http://h:2"]))
    )
    #expect(membership.members.map(\.id) == [1] && membership.isRemoved(MemberID(2)))
  }

  @Test func `members that never started pile up only so far`() async throws {
    try await LoopbackCluster.with(size: 1) { cluster in
      let member = try await cluster.leader()
      _ = try await member.add(["http://127.0.0.1:12401"])
      await #expect {
        try await member.add(["http://127.0.0.1:12402"])
      } throws: { error in
        guard case ClusterChangeError.failed(let reason) = error else { return false }
        return reason.contains("only 1 of 2 members have started")
      }
    }
    try await LoopbackCluster.with(size: 1, { $0.checksReconfiguration = false }) { cluster in
      let member = try await cluster.leader()
      _ = try await member.add(["http://127.0.0.1:12401"])
      _ = try await member.add(["http://127.0.0.1:12402"])
      #expect(member.members.count == 3)
    }
  }

  @Test func `a member that is needed for the quorum is not removed, one that is gone is`() async throws {
    try await LoopbackCluster.with(size: 3) { cluster in
      let leader = try await cluster.leader()
      try await eventually("all names") { leader.members.allSatisfy { !$0.name.isEmpty } }
      let others = cluster.members.filter { $0.memberID != leader.memberID }
      await cluster.stop(MemberID(others[0].memberID))
      try await eventually("the leader notices") {
        leader.host.status.replica.followers.contains { $0.member == MemberID(others[0].memberID) && !$0.isActive }
      }
      let refusal = await leader.tryToRemove(others[1].memberID)
      guard case .failed(let reason)? = refusal else { return #expect(Bool(false), "\(String(describing: refusal))") }
      #expect(reason.contains("too few of the remaining members"))
      #expect(await others[1].tryToRemove(others[1].memberID) == refusal, "a follower passes the reason on")
      #expect(leader.members.count == 3)
      try await leader.remove(others[0].memberID)
      #expect(leader.members.count == 2)
      try await leader.set("/a", "1")
    }
  }

  @Test func `changes asked of a follower survive a change of the leader`() async throws {
    try await LoopbackCluster.with(size: 3) { cluster in
      let leader = try await cluster.leader()
      try await eventually("all names") { leader.members.allSatisfy { !$0.name.isEmpty } }
      let follower = try required(cluster.members.first { $0.memberID != leader.memberID })
      cluster.network.setIsolated(MemberID(leader.memberID), true)
      // The former leader is still the one that the follower knows, so the first proposal is lost.
      let added = try await follower.add(["http://127.0.0.1:12403"])
      cluster.network.setIsolated(MemberID(leader.memberID), false)
      try await eventually("all know it") {
        cluster.members.allSatisfy { member in member.members.contains { $0.id == added.id } }
      }
    }
  }

  @Test func `changes through all members at once are made one after the other`() async throws {
    try await LoopbackCluster.with(size: 3) { cluster in
      _ = try await cluster.leader()
      try await eventually("all names") { cluster.members.allSatisfy { $0.members.allSatisfy { !$0.name.isEmpty } } }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for (offset, member) in cluster.members.enumerated() {
          group.addTask { try await member.update(member.memberID, ["http://127.0.0.1:\(13_000 + offset)"]) }
        }
        group.addTask { _ = try await cluster.members[0].add(["http://127.0.0.1:13010"]) }
        try await group.waitForAll()
      }
      try await eventually("all are there") {
        cluster.members.allSatisfy { member in
          Set(member.members.flatMap(\.peerURLs).map { $0.suffix(5) }) == ["13000", "13001", "13002", "13010"]
        }
      }
    }
  }
}

extension EtcdMember {
  fileprivate func tryToRemove(_ id: UInt64) async -> ClusterChangeError? {
    do {
      try await remove(id)
      return nil
    } catch {
      return error as? ClusterChangeError
    }
  }
}
