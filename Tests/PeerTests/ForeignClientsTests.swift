// SPDX-License-Identifier: Apache-2.0
import Foundation
import TestKit
import Testing

/// Debian's etcdctl (v2 API) and python-etcd against every kind of node: leader, follower, worker.
@Suite(.serialized) struct ForeignClientsTests {
  @Test func `etcdctl does its whole v2 repertoire against any node`() async throws {
    try await TestCluster.with(TestClusterShape(machines: 4, size: 3)) { cluster in
      for node in cluster.nodes {
        let root = "/etcdctl/\(node.number)"
        func etcdctl(_ words: String..., status: Int32 = 0) async throws -> CommandOutput {
          let result = try await run(
            ["etcdctl", "--endpoints", node.endpoint] + words,
            environment: ["ETCDCTL_API": "2"]
          )
          #expect(result.status == status, "\(result)")
          return result
        }
        #expect(try await etcdctl("set", "\(root)/a", "one").output == "one\n")
        try await eventually("the write is read") {
          try await run(
            ["etcdctl", "--endpoints", node.endpoint, "get", "\(root)/a"],
            environment: ["ETCDCTL_API": "2"]
          )
          .output == "one\n"
        }
        #expect(try await etcdctl("mk", "\(root)/b", "two").output == "two\n")
        #expect(try await etcdctl("mk", "\(root)/b", "two", status: 4).errors.contains("105"))
        #expect(try await etcdctl("update", "\(root)/b", "three").output == "three\n")
        #expect(
          try await etcdctl("ls", "--sort", "--recursive", "--quorum", root).output == "\(root)/a\n\(root)/b\n"
        )
        #expect(
          try await etcdctl("set", "--swap-with-value", "three", "\(root)/b", "four").output == "four\n"
        )
        #expect(
          try await etcdctl("set", "--swap-with-value", "nine", "\(root)/b", "five", status: 4).errors.contains("101")
        )
        #expect(try await etcdctl("rm", "\(root)/b").output == "PrevNode.Value: four\n")
        #expect(try await etcdctl("get", "--quorum", "\(root)/b", status: 4).errors.contains("100"))
        _ = try await etcdctl("mkdir", "\(root)/d")
        _ = try await etcdctl("rmdir", "\(root)/d")
        _ = try await etcdctl("set", "--ttl", "1", "\(root)/t", "short")
        try await eventually("the key's time is over", within: .seconds(5)) {
          try await run(
            ["etcdctl", "--endpoints", node.endpoint, "get", "\(root)/t"],
            environment: ["ETCDCTL_API": "2"]
          ).status == 4
        }
        let watch = try ChildProcess(
          ["etcdctl", "--endpoints", node.endpoint, "watch", "\(root)/w"],
          environment: ["ETCDCTL_API": "2"],
          directory: cluster.directory
        )
        try await eventually("the watch has its event") {
          _ = try await etcdctl("set", "\(root)/w", "seen")
          return !watch.isRunning
        }
        #expect(watch.output == "seen\n")
        #expect(try await etcdctl("member", "list").output.split(separator: "\n").count == 3)
        #expect(try await etcdctl("cluster-health").output.contains("cluster is healthy"))
      }
    }
  }

  @Test func `python-etcd does its repertoire against any node`() async throws {
    try await TestCluster.with(TestClusterShape(machines: 4, size: 3)) { cluster in
      let program = peerFile("Programs/python_etcd.py")
      for node in cluster.nodes {
        let result = try await run(["python3", program, node.address, "2379"])
        #expect(result.output == "ok\n", "\(result)")
      }
    }
  }
}

/// The path of a file beside the peer tests.
func peerFile(_ path: String) -> String {
  URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(path).path
}
