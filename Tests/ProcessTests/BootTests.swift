// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import TestKit
import Testing

/// From user-data to a cluster: members, workers, restarts, and documents that are refused.
@Suite(.serialized) struct BootTests {
  @Test func `six machines at size three become members and workers that all serve, and keys run out`() async throws {
    try await TestCluster.with(TestClusterShape(machines: 6, size: 3)) { cluster in
      let members = try json(try await cluster.get("/v2/members", from: cluster.nodes[5]))["members"] as? [Any]
      #expect(members?.count == 3)
      let short = try await cluster.coracle(["kv", "set", "--ttl", "5", "/key3", "value3"])
      #expect(short.status == 0, "\(short)")
      let kept = try await cluster.get("/v2/keys/key3?quorum=true", from: cluster.nodes[2])
      #expect(kept.contains("\"value\":\"value3\""))

      let set = try await cluster.coracle(["kv", "set", "/key1", "value1"], on: cluster.nodes[0])
      #expect(set.output == "value1\n", "\(set)")
      for node in cluster.nodes {
        try await eventually("node \(node.number) reads the key") {
          try await cluster.coracle(["kv", "get", "/key1"], on: node).output == "value1\n"
        }
      }
      let put = try await succeed([
        "curl", "-sfL", "-X", "PUT", "http://\(cluster.nodes[4].address):4001/v2/keys/key2", "-d", "value=value2",
      ])
      #expect(put.contains("\"action\":\"set\""))
      #expect(
        try await succeed(["curl", "-sfL", "http://\(cluster.nodes[1].address):4001/v2/keys/key2?quorum=true"])
          .contains("\"value\":\"value2\"")
      )

      var lists: Set<String> = []
      for node in cluster.nodes { lists.insert(try await cluster.coracle(["machine", "list"], on: node).output) }
      #expect(lists.count == 1, "\(lists)")
      let list = try #require(lists.first)
      for node in cluster.nodes {
        #expect(
          list.contains(node.machineID.prefix(8)) && list.contains(node.address) && list.contains("platform=test")
        )
      }
      try await eventually("the key's time is over") {
        try await cluster.coracle(["kv", "get", "/key3"], on: cluster.nodes[1]).status == 4
      }
    }
  }

  @Test func `a restarted cluster keeps its keys without a discovery service, and a lost log is refused`()
    async throws
  {
    try await TestCluster.with(TestClusterShape(machines: 3)) { cluster in
      try await succeed(["curl", "-sf", "-XPUT", "\(cluster.nodes[0].endpoint)/v2/keys/kept", "-d", "value=1"])
      try await cluster.stopDiscoveryService()
      for node in cluster.nodes {
        try await node.end(SIGTERM)
        #expect(node.exitStatus == 0, "\(node.log.suffix(2_000))")
      }
      for node in cluster.nodes { try node.start() }
      for node in cluster.nodes {
        try await eventually("node \(node.number) has the key") {
          try await cluster.get("/v2/keys/kept?quorum=true", from: node).contains("\"value\":\"1\"")
        }
      }

      // A member that has lost its log may have voted.
      let node = cluster.nodes[2]
      try await node.end(SIGKILL)
      try FileManager.default.removeItem(at: node.directory.appendingPathComponent("member"))
      try node.start()
      try await eventually("the node has ended") { node.exitStatus != nil }
      #expect(node.exitStatus == 1)
      #expect(node.log.contains("its log in \(node.directory.path)/member is gone"), "\(node.log)")
    }
  }

  /// An ordinary user's node, or one in a container, has no rights over the network.
  @Test func `a node without rights over the network serves TCP`() async throws {
    try await TestCluster.with(TestClusterShape(machines: 1, size: 1)) { cluster in
      let node = cluster.nodes[0]
      try await node.end(SIGTERM)
      if geteuid() == 0 { node.wrapper = ["setpriv", "--bounding-set", "-net_admin", "--inh-caps", "-net_admin"] }
      try node.start()
      try await eventually("the node serves") {
        try await cluster.get("/health", from: node).contains("true")
      }
    }
  }

  @Test func `a bad document is refused with every finding and nothing is started`() async throws {
    try await withTestDirectory { directory in
      let file = directory.appendingPathComponent("bad.yaml")
      try """
      #cloud-config
      coreos:
        etcd2:
          listen-client-urls: not a url
          heartbeat-interval: soon
        fleet:
          agent-ttl: long
      """.write(to: file, atomically: true, encoding: .utf8)
      let data = directory.appendingPathComponent("data")
      let node = try await run(
        [BuiltProgram.coracle.path, "node", "--cloud-config", file.path, "--data-dir", data.path],
        directory: directory
      )
      #expect(node.status == 1, "\(node)")
      for line in [4, 5, 7] { #expect(node.errors.contains("\(file.path):\(line)"), "\(node)") }
      #expect(!FileManager.default.fileExists(atPath: data.appendingPathComponent("coracle.sock").path))
      let validation = try await run([BuiltProgram.coracle.path, "cloud-config", "validate", file.path])
      #expect(validation.status == 1)
      #expect(validation.output.split(separator: "\n").filter { $0.contains(": error: ") }.count == 3, "\(validation)")
    }
  }

  @Test func `validate reads packed user-data and messages, and writes JSON`() async throws {
    try await withTestDirectory { directory in
      let text = directory.appendingPathComponent("user-data")
      try "#cloud-config\nhostnam: a\ncoreos:\n  fleet:\n    agent-ttl: long\n"
        .write(to: text, atomically: true, encoding: .utf8)
      let packed = try await run(["gzip", "-k", text.path])
      #expect(packed.status == 0, "\(packed)")
      let validate = [BuiltProgram.coracle.path, "cloud-config", "validate"]
      let validation = try await run(validate + ["--output", "json", "\(text.path).gz"])
      #expect(validation.status == 1, "\(validation)")
      let list = try JSONSerialization.jsonObject(with: Data(validation.output.utf8)) as? [[String: Any]] ?? []
      #expect(list.map { $0["line"] as? Int } == [2, 5] && list.map { $0["column"] as? Int } == [1, 16], "\(list)")
      #expect(list.map { $0["kind"] as? String } == ["warning", "error"], "\(list)")
      #expect((list.first?["message"] as? String)?.contains("did you mean \"hostname\"?") == true, "\(list)")

      let message = directory.appendingPathComponent("message")
      let parts = "--b\n\n#cloud-config\nhostnam: a\n--b\n\n#!/bin/sh\n--b--\n"
      try "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n\(parts)"
        .write(to: message, atomically: true, encoding: .utf8)
      let fine = try await run(validate + [message.path])
      #expect(fine.status == 0 && fine.output.hasPrefix("\(message.path):7:1: warning: unknown key"), "\(fine)")
      let none = try await run(validate + ["\(message.path).none"])
      #expect(none.status == 1 && none.errors == "there is no cloud-config \(message.path).none\n", "\(none)")
    }
  }
}
