// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import Foundation
import Glibc
import TestKit

/// Does a fault to a cluster, lets it last, and undoes it.
struct FaultInjector {
  let cluster: FaultCluster
  var random: SeededGenerator

  private static let hourMilliseconds = 3_600_000
  private var all: [Int] { Array(cluster.nodes.indices) }
  private var majority: Int { cluster.nodes.count / 2 + 1 }

  /// Carries a fault out from beginning to end; afterwards everything runs and is connected.
  mutating func run(_ fault: Fault) async throws {
    try await inject(fault)
    try await cluster.mend()
  }

  private mutating func inject(_ fault: Fault) async throws {
    let leader = try await cluster.leader()
    let followers = all.filter { $0 != leader }.shuffled(using: &random)
    switch fault {
    case .killLeader: try await kill([leader])
    case .killFollower: try await kill([followers[0]])
    case .killMajority: try await kill([leader] + followers.prefix(majority - 1))
    case .killAll: try await kill(all)
    case .pauseLeader: try await pause([leader])
    case .pauseFollower: try await pause([followers[0]])
    case .pauseMajority: try await pause([leader] + followers.prefix(majority - 1))
    case .partitionLeader: try await isolate([leader])
    case .partitionFollower: try await isolate([followers[0]])
    case .partitionMinority: try await isolate([leader] + followers.prefix(cluster.nodes.count - majority - 1))
    case .partitionBridge: try await bridge(over: followers[0])
    case .oneWayFromLeader:
      for other in followers { try await cluster.links.cut(from: leader + 1, to: other + 1) }
      try await last(milliseconds: 2_500)
    case .oneWayToLeader:
      for other in followers { try await cluster.links.cut(from: other + 1, to: leader + 1) }
      try await last(milliseconds: 2_500)
    case .flappingLeader: try await flap(leader)
    case .clockForward: try await shiftClock(of: leader, milliseconds: Self.hourMilliseconds)
    case .clockBack: try await shiftClock(of: leader, milliseconds: -Self.hourMilliseconds)
    case .clockStrobe: try await strobe()
    case .slowDiskLeader: try await slow([leader], milliseconds: 1_500)
    case .slowDiskMajority: try await slow([leader] + followers.prefix(majority - 1), milliseconds: 400)
    case .fullDiskLeader: try await fill([leader])
    case .fullDiskFollower: try await fill([followers[0]])
    case .fullDiskAll: try await fill(all)
    case .laggingFollower:
      try await cluster.kill(followers[0])
      try await writePastSnapshot(at: leader)
    case .laggingPaused:
      cluster.signal(followers[0], SIGSTOP)
      try await writePastSnapshot(at: leader)
    case .replaceMember: try await MemberReplacement(cluster: cluster).replace(followers[0], by: followers[1])
    case .compound:
      for part in Fault.compoundable.shuffled(using: &random).prefix(2) { try await inject(part) }
    }
  }

  private func last(milliseconds: Int) async throws {
    try await Task.sleep(for: .milliseconds(milliseconds))
  }

  private func kill(_ places: some Collection<Int>) async throws {
    // All of them at once, before any is waited for.
    for place in places { cluster.signal(place, SIGKILL) }
    for place in places { try await cluster.kill(place) }
    try await last(milliseconds: 1_000)
    for place in places { try cluster.start(place) }
    try await last(milliseconds: 500)
  }

  private func pause(_ places: some Collection<Int>) async throws {
    for place in places { cluster.signal(place, SIGSTOP) }
    try await last(milliseconds: 2_500)
    for place in places { cluster.signal(place, SIGCONT) }
  }

  private func isolate(_ places: some Collection<Int>) async throws {
    let others = all.filter { !places.contains($0) }
    for inside in places {
      for outside in others { try await cluster.links.cut(between: inside + 1, and: outside + 1) }
    }
    try await last(milliseconds: 2_500)
  }

  private mutating func bridge(over middle: Int) async throws {
    let sides = all.filter { $0 != middle }.shuffled(using: &random)
    let half = sides.count / 2
    for left in sides[..<half] {
      for right in sides[half...] { try await cluster.links.cut(between: left + 1, and: right + 1) }
    }
    try await last(milliseconds: 3_000)
  }

  private func flap(_ leader: Int) async throws {
    for _ in 1...5 {
      for other in all where other != leader { try await cluster.links.cut(between: leader + 1, and: other + 1) }
      try await last(milliseconds: 300)
      try await cluster.links.mend()
      try await last(milliseconds: 300)
    }
  }

  private func shiftClock(of place: Int, milliseconds: Int) async throws {
    try cluster.setClock(of: place, offsetMilliseconds: milliseconds)
    try await last(milliseconds: 2_500)
  }

  private mutating func strobe() async throws {
    for _ in 1...8 {
      for place in all {
        let offset = Int.random(in: -Self.hourMilliseconds...Self.hourMilliseconds, using: &random)
        try cluster.setClock(of: place, offsetMilliseconds: offset)
      }
      try await last(milliseconds: 300)
    }
  }

  private func slow(_ places: some Collection<Int>, milliseconds: Int) async throws {
    for place in places { try cluster.setSlowSync(of: place, milliseconds: milliseconds) }
    try await last(milliseconds: 4_000)
  }

  private func fill(_ places: some Collection<Int>) async throws {
    for place in places { try cluster.disks[place].fill() }
    // Pages that the database has already may be written again; what is large needs new ones.
    let leader = try await cluster.leader()
    try await burst(at: leader, BurstSize(writes: 200, valueBytes: 8_192, limitMilliseconds: 3_000))
    try await last(milliseconds: 1_500)
    for place in places { cluster.disks[place].release() }
  }

  /// Writes, beside the clients, more entries than members keep behind a snapshot.
  ///
  /// They keep 5,000 for slow ones.
  private func writePastSnapshot(at leader: Int) async throws {
    try await burst(at: leader, BurstSize(writes: 400, valueBytes: 8, limitMilliseconds: 30_000))
  }

  /// What each writer of a burst does at most.
  private struct BurstSize {
    var writes: Int
    var valueBytes: Int
    var limitMilliseconds: Int
  }

  private func burst(at place: Int, _ size: BurstSize) async throws {
    let path = cluster.members.socketPaths[place]
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<BurstWriter.count {
        let writer = BurstWriter(
          number: number,
          socketPath: path,
          writes: size.writes,
          valueBytes: size.valueBytes,
          limitMilliseconds: size.limitMilliseconds
        )
        group.addTask { await writer.run() }
      }
      try await group.waitForAll()
    }
  }
}
