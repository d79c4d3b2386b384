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
        let program = ["etcdctl", "--timeout", "20s", "--total-timeout", "40s", "--endpoints", node.endpoint]
        let environment = ["ETCDCTL_API": "2"]
        func etcdctl(_ words: String..., status: Int32 = 0) async throws -> CommandOutput {
          let result = try await run(program + words, environment: environment)
          #expect(result.status == status, "\(result)")
          return result
        }
        #expect(try await etcdctl("set", "\(root)/a", "one").output == "one\n")
        try await eventually("the write is read") {
          try await run(program + ["get", "\(root)/a"], environment: environment).output == "one\n"
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
        try await eventually("the key's time is over") {
          try await run(program + ["get", "\(root)/t"], environment: environment).status == 4
        }
        let watch = try ChildProcess(
          program + ["watch", "\(root)/w"],
          environment: environment,
          directory: cluster.directory
        )
        try await eventually("the watch has its event") {
          _ = try await etcdctl("set", "\(root)/w", "seen")
          return !watch.isRunning
        }
        #expect(watch.output == "seen\n")
        #expect(try await etcdctl("member", "list").output.split(separator: "\n").count == 3)
        // A member that is kept from its second of a quorum read says so.
        try await eventually("the cluster is healthy") {
          try await run(program + ["cluster-health"], environment: environment).output.contains("cluster is healthy")
        }
      }
    }
  }

  @Test func `python-etcd does its repertoire against any node`() async throws {
    try await TestCluster.with(TestClusterShape(machines: 4, size: 3)) { cluster in
      let program = peerFile("Programs/python_etcd.py")
      // At once: each has keys of its own, and waits for times to live for most of its time.
      try await withThrowingTaskGroup(of: CommandOutput.self) { group in
        for address in cluster.nodes.map(\.address) {
          group.addTask { try await run(["python3", program, address, "2379"]) }
        }
        for try await result in group { #expect(result.output == "ok\n", "\(result)") }
      }
    }
  }
}

/// The path of a file beside the peer tests.
func peerFile(_ path: String) -> String {
  URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(path).path
}
