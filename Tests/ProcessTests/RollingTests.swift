// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import TestKit
import Testing

/// Rolls and rebalancing as users do them, with real processes on three nodes.
@Suite(.serialized) struct RollingTests {
  static func file(_ command: String) -> String {
    "[Service]\nExecStart=/bin/sh -c '\(command)'\n"
  }

  @Test
  func
    `instances are rolled, a bad file stops at the first and goes back, and a machine that came back gets its share`()
    async throws
  {
    try await TestCluster.with(TestClusterShape(machines: 3)) { cluster in
      let first = try cluster.write(Self.file("echo first; exec sleep 1000000"), to: "web@.service")
      try await succeed(["unit", "submit", first], cluster)
      try await succeed(["unit", "start", "web@1", "web@2", "web@3"], cluster)
      try await waitUntilActive(3, cluster)
      try await rollForth(cluster)
      try await rollIntoTheGround(cluster)
      try await loseAndRebalance(cluster)
    }
  }

  private func rollForth(_ cluster: TestCluster) async throws {
    let good = try cluster.write(Self.file("echo second; exec sleep 1000000"), to: "good.service")
    let roll = try await succeed(["unit", "roll", "web@", good, "--health-timeout", "60s"], cluster)
    for instance in 1...3 { #expect(roll.output.contains("Unit web@\(instance).service on "), "\(roll)") }
    #expect(roll.output.contains("web@.service is done: 4 of 4 rolled"), "\(roll)")
    #expect(try await hashes(cluster).count == 1)
    let journal = try await cluster.coracle(["unit", "journal", "--lines", "1", "web@2"])
    #expect(journal.output.contains("second"), "\(journal)")
  }

  private func rollIntoTheGround(_ cluster: TestCluster) async throws {
    let good = try await hashes(cluster)
    let bad = try cluster.write(Self.file("echo out of order; exit 7"), to: "bad.service")
    let roll = try await cluster.coracle(["unit", "roll", "web@", bad, "--health-timeout", "30s"])
    #expect(roll.status == 1, "\(roll)")
    for text in ["Unit web@1.service on ", "failed (failed)", "out of order", "status=7", "has stopped"] {
      #expect(roll.errors.contains(text), "\(text) is missing: \(roll)")
    }
    let after = try await rows(cluster)
    #expect(after["web@1.service"]?.active == "failed")
    #expect(after["web@2.service"]?.active == "active" && after["web@3.service"]?.active == "active")
    #expect(Set(["web@2.service", "web@3.service"].compactMap { after[$0]?.hash }) == good)
    let again = try await cluster.coracle(["unit", "roll", "web@", bad], on: cluster.nodes[1])
    #expect(again.status == 1 && again.errors.contains("has stopped"), "\(again)")
    let status = try await succeed(["unit", "roll", "--status", "web@"], cluster, on: cluster.nodes[2])
    #expect(status.output.contains("web@.service: stopped"), "\(status)")
    try await succeed(["unit", "rollback", "web@"], cluster, on: cluster.nodes[2])
    try await waitUntilActive(3, cluster)
    #expect(try await hashes(cluster) == good)
  }

  private func loseAndRebalance(_ cluster: TestCluster) async throws {
    let leader = try await cluster.leader()
    let victim = try #require(cluster.nodes.first { $0.number != leader.number })
    try await victim.powerOff()
    try await eventually("three units run on two machines") {
      let rows = try await rows(cluster, on: leader)
      return rows.count == 3
        && rows.values.allSatisfy { $0.active == "active" && $0.machine != victim.machineID }
    }
    try victim.start()
    try await eventually("the machine is back") {
      try await cluster.coracle(["machine", "list", "--full"], on: leader).output.contains(victim.machineID)
    }
    let rebalance = try await succeed(["unit", "rebalance"], cluster, on: leader)
    #expect(rebalance.output.contains("Rebalanced with 1 moves"), "\(rebalance)")
    try await waitUntilActive(3, cluster)
    #expect(Set(try await rows(cluster, on: leader).values.map(\.machine)).count == 3)
    let second = try await succeed(["unit", "rebalance"], cluster, on: leader)
    #expect(second.output == "No move helps\n", "\(second)")
  }

  // MARK: Asking

  private struct Row {
    var machine: String
    var active: String
    var hash: String
  }

  private func rows(_ cluster: TestCluster, on node: TestNode? = nil) async throws -> [String: Row] {
    let list = try await cluster.coracle(
      ["unit", "list", "--no-legend", "--full", "--fields", "unit,machine,active,hash"],
      on: node
    )
    var rows: [String: Row] = [:]
    for line in list.output.split(separator: "\n") {
      let parts = line.split(whereSeparator: \.isWhitespace).map(String.init)
      guard parts.count == 4 else { continue }
      let machine = parts[1].split(separator: "/").first.map(String.init) ?? ""
      rows[parts[0]] = Row(machine: machine, active: parts[2], hash: parts[3])
    }
    return rows
  }

  private func hashes(_ cluster: TestCluster) async throws -> Set<String> {
    Set(try await rows(cluster).values.map(\.hash))
  }

  private func waitUntilActive(_ count: Int, _ cluster: TestCluster) async throws {
    try await eventually("\(count) units are active", every: .milliseconds(100)) {
      try await rows(cluster).values.count { $0.active == "active" } == count
    }
  }

  @discardableResult
  private func succeed(
    _ arguments: [String],
    _ cluster: TestCluster,
    on node: TestNode? = nil
  ) async throws -> CommandOutput {
    let result = try await cluster.coracle(arguments, on: node)
    guard result.status == 0 else { throw CommandFailed(description: result.description) }
    return result
  }
}
