// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import TestKit
import Testing

/// Acknowledged writes survive SIGKILL of the leader, again and again, and of everyone at once.
@Suite(.serialized) struct DurabilityTests {
  @Test func `every acknowledged write survives ten kills of the leader`() async throws {
    try await TestCluster.with(TestClusterShape(machines: 3)) { cluster in
      let writers = try Writers(count: 64, cluster: cluster)
      for round in 1...10 {
        let before = writers.acknowledged
        try await eventually("writes are acknowledged before kill \(round)") {
          writers.acknowledged > before + 200
        }
        let leader = try await cluster.leader()
        try await leader.end(SIGKILL)
        let at = writers.acknowledged
        try await eventually("writes go on without node \(leader.number)") {
          writers.acknowledged > at + 50
        }
        try leader.start()
      }
      try await check(writers, cluster)
    }
  }

  @Test func `every acknowledged write survives a kill of all three at once`() async throws {
    try await TestCluster.with(TestClusterShape(machines: 3)) { cluster in
      let writers = try Writers(count: 64, cluster: cluster)
      for round in 1...5 {
        let before = writers.acknowledged
        try await eventually("writes are acknowledged before round \(round)") {
          writers.acknowledged > before + 500
        }
        for node in cluster.nodes { if let id = node.processID { kill(id, SIGKILL) } }
        for node in cluster.nodes {
          try await node.end(SIGKILL)
          try node.start()
        }
      }
      let restarted = writers.acknowledged
      try await eventually("writes go on after the last round") {
        writers.acknowledged > restarted + 200
      }
      try await check(writers, cluster)
    }
  }

  private func check(_ writers: Writers, _ cluster: TestCluster) async throws {
    let acknowledged = try await writers.stop()
    #expect(acknowledged.count > 2_000)
    for node in cluster.nodes {
      try await eventually("node \(node.number) is healthy") {
        try await cluster.get("/health", from: node).contains("true")
      }
    }
    try await cluster.waitForEqualTrees()
    for node in cluster.nodes {
      let stored = try await cluster.written(on: node)
      let missing = acknowledged.filter { stored[$0.key] != $0.value }
      #expect(missing.isEmpty, "node \(node.number) has lost \(missing.count) of \(acknowledged.count) writes")
    }
  }
}

/// The running writer program.
final class Writers {
  private let child: ChildProcess
  private let stopFile: URL

  init(count: Int, cluster: TestCluster) throws {
    stopFile = cluster.directory.appendingPathComponent("stop-\(UUID().uuidString)")
    child = try ChildProcess(
      ["python3", testFile("Programs/writers.py"), "\(count)", stopFile.path]
        + cluster.nodes.map { "\($0.address):2379" },
      directory: cluster.directory
    )
  }

  /// How many writes have been acknowledged so far.
  var acknowledged: Int {
    guard let bytes = FileManager.default.contents(atPath: child.outputFile.path) else { return 0 }
    return bytes.lazy.filter { $0 == UInt8(ascii: "\n") }.count
  }

  /// Ends the writers and returns what was acknowledged: value by key.
  func stop() async throws -> [String: String] {
    _ = FileManager.default.createFile(atPath: stopFile.path, contents: nil)
    try await child.wait(within: .seconds(120))
    var values: [String: String] = [:]
    for line in child.output.split(separator: "\n") {
      let parts = line.split(separator: " ")
      guard parts.count == 2 else { continue }
      values["/writers/\(parts[0])/\(parts[1])"] = "\(parts[0])-\(parts[1])"
    }
    return values
  }
}
