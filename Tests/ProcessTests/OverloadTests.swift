// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import TestKit
import Testing

/// Thousands of watchers, a reader that does not read, a disk without room.
@Suite(.serialized) struct OverloadTests {
  @Test func `ten thousand watchers wait on one member, and all of them are told`() async throws {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    // Each end of a connection is a descriptor, of the node and of the watching program.
    let count = min(10_000, Int(limit.rlim_max) / 4 * 3 - 100)
    if count < 10_000 { print("only \(limit.rlim_max) files may be open here: \(count) watchers instead of 10000") }
    try await TestCluster.with(TestClusterShape(machines: 1)) { cluster in
      let node = cluster.nodes[0]
      let before = try residentBytes(node)
      let result = try await watchers(["many", "\(count)", node.address, "2379"], cluster)
      #expect(result["ready"] as? Int == count, "\(result)")
      #expect(result["events"] as? Int == count)
      #expect(result["kinds"] as? Int == 1, "all get the same event")
      #expect(result["status"] as? String == "201")
      let grown = try residentBytes(node) - before
      #expect(grown < 1 << 29, "\(grown / 10_000) bytes a watcher")
      print("watchers: \(count), \(grown / max(1, count)) bytes each, told in \(result["eventSeconds"] ?? "?") s")
      try await eventually("the watchers are forgotten") {
        try await cluster.get("/v2/keys/w/x", from: node).contains("\"value\":\"1\"")
      }
    }
  }

  @Test func `a stream that nobody reads is closed, without a gap before its end`() async throws {
    try await TestCluster.with(TestClusterShape(machines: 1)) { cluster in
      let node = cluster.nodes[0]
      let before = try residentBytes(node)
      let result = try await watchers(["slow", node.address, "2379"], cluster)
      #expect(result["closed"] as? Bool == true, "\(result)")
      #expect(result["gaps"] as? Int == 0)
      #expect(result["endedCleanly"] as? Bool == false, "the client must see that the stream broke off")
      #expect((1..<150).contains(result["events"] as? Int ?? 0))
      // The history keeps 1,000 events, with the values before and after: 30 MB here.
      #expect(try residentBytes(node) - before < 150 << 20)
    }
  }

  @Test func `a full disk is told of, costs no acknowledged write, and is over when there is room`() async throws {
    try await TestCluster.with(TestClusterShape(machines: 3)) { cluster in
      let node = try await cluster.leader()
      try await node.end(SIGTERM)
      let member = node.directory.appendingPathComponent("member").path
      guard try await moveToSmallDisk(member, cluster) else {
        print("SKIPPED: this user may not mount a small file system, so no disk can be filled")
        return
      }
      defer { umount2(member, CInt(MNT_DETACH)) }
      try node.start()
      let writers = try Writers(count: 16, cluster: cluster)
      try await eventually("the node is back") {
        try await cluster.get("/health", from: node).contains("true")
      }
      let filler = member + "/filler"
      _ = try await run(["dd", "if=/dev/zero", "of=\(filler)", "bs=64k"], directory: cluster.directory)
      try await eventually("the node tells of its disk") {
        let health = try await succeed(["curl", "-s", "-m", "20", "\(node.endpoint)/health"])
        return health.contains("\"health\":\"false\"") && health.contains("disk is full")
      }
      let put = try await succeed([
        "curl", "-s", "-m", "20", "-X", "PUT", "\(node.endpoint)/v2/keys/x", "-d", "value=1",
      ])
      #expect(put.contains("\"errorCode\":300") && put.contains("disk is full"), "\(put)")
      #expect(try await cluster.get("/v2/keys/writers", from: node).contains("\"dir\":true"), "reads go on")
      let before = writers.acknowledged
      try await eventually("the others go on") { writers.acknowledged > before + 200 }
      unlink(filler)
      try await eventually("the node is well again") {
        try await cluster.get("/health", from: node).contains("true")
      }
      let acknowledged = try await writers.stop()
      try await cluster.waitForEqualTrees()
      let stored = try await cluster.written(on: node)
      let missing = acknowledged.filter { stored[$0.key] != $0.value }
      #expect(missing.isEmpty, "\(missing.count) of \(acknowledged.count) are lost")
    }
  }

  /// Puts a directory with its content on a file system of 24 MB; false when that is not allowed.
  private func moveToSmallDisk(_ directory: String, _ cluster: TestCluster) async throws -> Bool {
    let aside = directory + ".aside"
    try await succeed(["cp", "-a", directory, aside])
    guard mount("tmpfs", directory, "tmpfs", 0, "size=24m") == 0 else { return false }
    try await succeed(["cp", "-a", aside + "/.", directory])
    return true
  }

  private func watchers(_ arguments: [String], _ cluster: TestCluster) async throws -> [String: Any] {
    let output = try await run(
      ["python3", testFile("Programs/watchers.py")] + arguments,
      directory: cluster.directory,
      within: .seconds(240)
    )
    guard let line = output.output.split(separator: "\n").last else {
      throw CommandFailed(description: "\(output)")
    }
    return try json(String(line))
  }

  private func residentBytes(_ node: TestNode) throws -> Int {
    let status = try String(contentsOfFile: "/proc/\(node.processID ?? 0)/status", encoding: .utf8)
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
    let kibibytes = line?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    return kibibytes << 10
  }
}
