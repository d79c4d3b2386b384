// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import TestKit
import Testing

private let sleepsByName = """
  [Unit]
  Description=Sleeps as %i

  [Service]
  ExecStart=/bin/sh -c "echo $$$$; exec sleep 1000000"
  Restart=always
  RestartSec=0

  """

/// Process units on three nodes: started, seen from everywhere, kept through restarts.
@Suite(.serialized, .cluster(TestClusterShape(machines: 3, agentTTL: "10s"))) struct UnitsAcrossMachinesTests {
  @Test func `a unit started on an idle cluster is active within 300 ms`() async throws {
    try await SharedCluster.use { cluster, _ in
      let file = try cluster.write(sleepsByName, to: "sleeper@.service")
      try await start([file], "submit", cluster)
      var times: [Duration] = []
      for instance in 1...5 {
        let clock = ContinuousClock()
        let begin = clock.now
        try await start(["sleeper@\(instance)"], "start", cluster)
        try await waitUntilActive(instance, cluster)
        times.append(clock.now - begin)
      }
      let median = times.sorted()[times.count / 2]
      print("unit start to active: \(times) median \(median)")
      // The product's bound of 300 ms is measured by the benchmarks; a debug build on a shared core gets more room.
      #expect(median < .milliseconds(1_500))
    }
  }

  @Test func `a killed node takes its units up again with the same processes`() async throws {
    try await SharedCluster.use { cluster, _ in
      let file = try cluster.write(sleepsByName, to: "sleeper@.service")
      try await start([file], "submit", cluster)
      try await start((1...6).map { "sleeper@\($0)" }, "start", cluster)
      try await waitUntilActive(6, cluster)
      let node = cluster.nodes[1]
      let before = try await states(cluster)
      let count = before.values.count { $0.hasPrefix(node.machineID) }
      let processes = Set(try await node.processes(named: "sleep", count: count))
      #expect(!processes.isEmpty)

      try await node.end(SIGKILL)
      #expect(sleepers(of: node) == processes)
      try node.start()
      try await eventually("node 2 is back") {
        try await cluster.get("/health", from: node).contains("true")
      }
      try await waitUntilActive(6, cluster)
      #expect(try await states(cluster) == before)
      #expect(sleepers(of: node) == processes)

      let victim = try #require(processes.first)
      kill(victim, SIGKILL)
      try await eventually("the dead unit is restarted by the restarted node") {
        let now = sleepers(of: node)
        return !now.contains(victim) && now.count == processes.count
      }
    }
  }

  @Test func `a journal and a status are shown from any node`() async throws {
    try await SharedCluster.use { cluster, _ in
      let file = try cluster.write(
        "[Service]\nExecStart=/bin/sh -c 'echo one; echo two; sleep 100000'\n",
        to: "talker.service"
      )
      try await start([file], "start", cluster)
      for node in cluster.nodes {
        try await eventually("node \(node.number) shows the journal") {
          try await cluster.coracle(["unit", "journal", "--lines", "5", "talker"], on: node).output.contains("two")
        }
        let status = try await cluster.coracle(["unit", "status", "talker"], on: node)
        #expect(status.output.contains("active (running)"), "\(status)")
      }
    }
  }

  @Test func `a unit that fits no machine says why and fails after its timeout`() async throws {
    try await SharedCluster.use { cluster, _ in
      let file = try cluster.write(
        "[Service]\nExecStart=/bin/sleep 1000\n[X-Fleet]\nMachineMetadata=disk=gold\n",
        to: "picky.service"
      )
      let result = try await cluster.coracle(["unit", "start", "--timeout", "2", file])
      #expect(result.status == 1, "\(result)")
      for node in cluster.nodes { #expect(result.errors.contains(node.machineID.prefix(8)), "\(result)") }
      #expect(result.errors.contains("metadata"), "\(result)")
      let explanation = try await cluster.coracle(["unit", "explain", "picky"])
      #expect(explanation.output.contains("metadata"), "\(explanation)")
    }
  }

  /// The process ids of the units that run on a machine.
  private func sleepers(of node: TestNode) -> Set<Int32> {
    Set(node.processes(named: "sleep"))
  }
}

/// Units of a machine that is lost, on a cluster of their own.
@Suite(.serialized) struct LostMachineTests {
  @Test func `units of a machine that is powered off run elsewhere within its ttl and a second`() async throws {
    try await TestCluster.with(TestClusterShape(machines: 3, agentTTL: "3s")) { cluster in
      let file = try cluster.write(sleepsByName, to: "sleeper@.service")
      try await start([file], "submit", cluster)
      try await start((1...6).map { "sleeper@\($0)" }, "start", cluster)
      try await waitUntilActive(6, cluster)
      // The leader of the store is the worst machine to lose.
      let victim = try await cluster.leader()
      let witness = cluster.nodes.first { $0.number != victim.number } ?? victim
      // No event tells that every node has watched the store for one ttl, which the rule for lost machines wants.
      try await Task.sleep(for: .seconds(4))
      let clock = ContinuousClock()
      let begin = clock.now
      try await victim.powerOff()
      try await eventually("six units run on the other machines") {
        let rows = try await states(cluster, on: witness)
        return rows.count == 6
          && rows.values.allSatisfy { $0.hasSuffix(" active") && !$0.hasPrefix(victim.machineID) }
      }
      let took = clock.now - begin
      print("power off to units active elsewhere: \(took)")
      #expect(took < .seconds(4) + .milliseconds(700))
    }
  }
}

// MARK: Asking

private func start(_ units: [String], _ verb: String, _ cluster: TestCluster) async throws {
  let result = try await cluster.coracle(["unit", verb] + units)
  guard result.status == 0 else { throw CommandFailed(description: result.description) }
}

/// `machine active` of every listed unit.
private func states(_ cluster: TestCluster, on node: TestNode? = nil) async throws -> [String: String] {
  let list = try await cluster.coracle(
    ["unit", "list", "--no-legend", "--full", "--fields", "unit,machine,active"],
    on: node
  )
  var rows: [String: String] = [:]
  for line in list.output.split(separator: "\n") {
    let parts = line.split(whereSeparator: \.isWhitespace)
    guard parts.count == 3 else { continue }
    rows[String(parts[0])] = "\(parts[1].split(separator: "/")[0]) \(parts[2])"
  }
  return rows
}

private func waitUntilActive(_ count: Int, _ cluster: TestCluster) async throws {
  try await eventually("\(count) units are active", every: .milliseconds(10)) {
    try await states(cluster).values.filter { $0.hasSuffix(" active") }.count == count
  }
}
