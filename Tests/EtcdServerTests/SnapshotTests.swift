// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import Raft
import TestKit
import Testing

@testable import EtcdServer

/// Snapshots are taken and sent while writes go on.
@Suite struct SnapshotTests {
  private func small(_ configuration: inout EtcdMemberConfiguration) {
    configuration.snapshotCount = 100
    configuration.trailingEntries = 20
  }

  @Test func `a member that was cut off for long is caught up by snapshots while writes go on`() async throws {
    try await LoopbackCluster.with(size: 3, small) { cluster in
      let leader = try await cluster.leader()
      let follower = try await cluster.follower()
      let id = MemberID(follower.memberID)
      cluster.network.setIsolated(id, true)
      for number in 1...1_500 { try await leader.set("/k\(number % 300)", "\(number)") }
      let isOver = Shared(false)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for writer in 0..<4 {
          group.addTask {
            var number = 0
            while !isOver.value {
              number += 1
              try await leader.set("/w\(writer)", "\(number)")
            }
          }
        }
        cluster.network.setIsolated(id, false)
        try await eventually("it has what was written before it came back") {
          follower.status.etcdIndex.rawValue > 1_500
        }
        // It keeps up from now on: the log it needs was not compacted meanwhile.
        let seen = follower.status.etcdIndex.rawValue
        try await eventually("it goes on") { follower.status.etcdIndex.rawValue > seen + 300 }
        isOver.value = true
        try await group.waitForAll()
      }
      #expect(try await cluster.haveEqualTrees())
    }
  }

  @Test func `the history of a thousand events survives snapshots, restarts, and a transfer to another member`()
    async throws
  {
    try await LoopbackCluster.with(size: 3, small) { cluster in
      let leader = try await cluster.leader()
      let behind = try required(cluster.initialMembers.first { $0.id != leader.memberID })
      await cluster.stop(MemberID(behind.id))
      for number in 1...1_400 { try await leader.set("/h", "\(number)") }
      try cluster.start(behind)
      try await eventually("it has all") {
        cluster.members.allSatisfy { $0.status.etcdIndex == EtcdIndex(1_400) }
      }
      for member in cluster.initialMembers {
        await cluster.stop(MemberID(member.id))
        try cluster.start(member)
      }
      for member in cluster.members {
        try await eventually("member \(member.memberID) has all") {
          member.status.etcdIndex == EtcdIndex(1_400)
        }
        var seen: [UInt64] = []
        let watch = KeysWatch(key: "/h", recursive: false, waitIndex: EtcdIndex(401), stream: true)
        for await case .event(let event) in member.updates(of: watch, bufferedUpdates: 2_000) {
          seen.append(event.etcdIndex.rawValue)
          if event.etcdIndex == EtcdIndex(1_400) { break }
        }
        #expect(seen == Array(401...1_400))
        let tooOld = KeysWatch(key: "/h", recursive: false, waitIndex: EtcdIndex(400), stream: false)
        for await update in member.updates(of: tooOld) {
          guard case .failed(let error) = update else { continue }
          #expect(error.code == .eventIndexCleared)
        }
      }
    }
  }
}
