// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import TestKit
import Testing

extension ThreeMachinesTests {
  private func three(_ cluster: TestCluster) -> [TestNode] { Array(cluster.nodes.prefix(3)) }

  /// Takes the fourth machine out again.
  private func endSpare(_ cluster: TestCluster) async throws {
    try await cluster.nodes[3].end(SIGTERM)
    #expect(cluster.nodes[3].exitStatus == 0)
    try await cluster.waitUntilListed(three(cluster))
  }

  @Test func `36 a stopped machine's unit moves to the machine that is free, and no other moves`() async throws {
    try await SharedCluster.use { cluster, fleet in
      let before = try await startThreeApart(cluster, fleet)
      let spare = cluster.nodes[3]
      try spare.start()
      try await cluster.waitUntilListed(cluster.nodes)
      let left = cluster.nodes[1]
      try await left.end(SIGTERM)
      #expect(left.exitStatus == 0)
      let after = try await homes(of: before, fleet, without: left)
      #expect(after.filter { $0.value != before[$0.key] } == before.filter { $0.value == 2 }.mapValues { _ in 4 })
      try left.start()
      try await cluster.waitUntilListed(cluster.nodes)
      try await fleet.clear()
      try await endSpare(cluster)
    }
  }

  @Test func `37 a machine that is replaced by another gives its unit to it, and no other moves`() async throws {
    try await SharedCluster.use { cluster, fleet in
      let before = try await startThreeApart(cluster, fleet)
      let lost = cluster.nodes[2]
      try await lost.powerOff()
      try cluster.nodes[3].start()
      let after = try await homes(of: before, fleet, without: lost)
      #expect(after.filter { $0.value != before[$0.key] } == before.filter { $0.value == 3 }.mapValues { _ in 4 })
      try lost.start()
      try await cluster.waitUntilListed(cluster.nodes)
      try await holds("nothing moves back", for: .seconds(1)) {
        try await fleet.active() == after.mapValues { [$0] }
      }
      try await fleet.clear()
      try await endSpare(cluster)
    }
  }

  /// Waits until units run again, each on one machine.
  private func homes(of units: [String: Int], _ fleet: Fleetctl, without node: TestNode) async throws -> [String: Int] {
    var homes: [String: Int] = [:]
    try await eventually("all run, and none on machine \(node.number)") {
      let active = try await fleet.active()
      homes = active.compactMapValues { $0.count == 1 ? $0[0] : nil }
      return homes.count == units.count && !homes.values.contains(node.number)
    }
    return homes
  }

  @Test func `38 a machine that is stopped is gone at once, with its unit and its state`() async throws {
    try await SharedCluster.use { cluster, fleet in
      let node = cluster.nodes[1]
      try await fleet.expect(["start", try unit(cluster, "pinned.service", "MachineID=\(node.machineID)")])
      #expect(try await fleet.waitUntilActive(["pinned.service"]) == ["pinned.service": 2])
      try await node.end(SIGTERM)
      #expect(node.exitStatus == 0)
      #expect(node.processes(named: "sleep").isEmpty)
      let clock = ContinuousClock()
      let begin = clock.now
      try await cluster.waitUntilListed([cluster.nodes[0], cluster.nodes[2]])
      try await eventually("its state is gone") { try await fleet.published().isEmpty }
      print("a stopped machine is gone after \(clock.now - begin)")
      // Its presence would last for six seconds.
      #expect(clock.now - begin < .seconds(5))
      try node.start()
      try await cluster.waitUntilListed(three(cluster))
      try await fleet.waitUntilActive(["pinned.service"])
    }
  }

  @Test func `39 a second machine with the same id stays out, and is in with an id of its own`() async throws {
    try await SharedCluster.use { cluster, fleet in
      let (first, spare) = (cluster.nodes[0], cluster.nodes[3])
      let ownID = spare.machineID
      // A copy of the first machine's image, before its first boot.
      try? FileManager.default.removeItem(at: spare.directory)
      spare.machineID = first.machineID
      defer { spare.machineID = ownID }
      try await fleet.expect(["start", try unit(cluster, "pinned.service", "MachineID=\(first.machineID)")])
      try await fleet.waitUntilActive(["pinned.service"])
      let process = first.processes(named: "sleep")
      try spare.start()
      try await eventually("the second tells what is wrong") {
        spare.log.contains("another machine with this machine id is present")
      }
      for path in ["machines", "units", "state"] {
        let answer = try await succeed(["curl", "-s", "http://\(spare.address):49153/fleet/v1/\(path)"])
        #expect(
          answer == #"{"error":{"code":503,"message":"fleet server unable to communicate with etcd"}}"#
        )
      }
      try await holds("the first goes on", for: .seconds(1)) {
        guard spare.processID != nil else { return false }
        return try await fleet.active() == ["pinned.service": [1]]
      }
      // Going, it takes nothing of the first with it.
      try await spare.end(SIGTERM)
      #expect(spare.exitStatus == 0)
      try await cluster.waitUntilListed(three(cluster))
      #expect(first.processes(named: "sleep") == process)

      spare.machineID = ownID
      try "\(ownID)\n".write(
        to: spare.directory.appendingPathComponent("machine-id"),
        atomically: true,
        encoding: .utf8
      )
      try spare.start()
      try await cluster.waitUntilListed(cluster.nodes)
      for node in [first, spare] {
        #expect(try await cluster.get("/fleet/v1/machines", from: node).contains(ownID))
      }
      try await endSpare(cluster)
    }
  }

  @Test func `44 a node that crashes and is back within its TTL moves nothing`() async throws {
    try await SharedCluster.use { cluster, fleet in
      let before = try await startThreeApart(cluster, fleet)
      let settled = try await targets(cluster)
      let processes = cluster.nodes.prefix(3).map { $0.processes(named: "sleep") }
      for node in cluster.nodes.prefix(3) {
        try await node.end(SIGKILL)
        try node.start()
        try await eventually("node \(node.number) is back") {
          try await cluster.get("/fleet/v1/machines", from: node).contains(node.machineID)
        }
      }
      #expect(try await fleet.waitUntilActive(Array(before.keys)) == before)
      #expect(try await targets(cluster) == settled)
      #expect(cluster.nodes.prefix(3).map { $0.processes(named: "sleep") } == processes)
    }
  }
}
