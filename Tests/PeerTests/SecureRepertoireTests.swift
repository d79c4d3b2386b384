// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import TestKit
import Testing

/// Debian's etcdctl does everything it can over the v2 API, as a user, against a cluster with TLS and client certificates.
///
/// Left out is `backup` alone, which reads etcd's own files and asks no server.
@Suite(.serialized) struct SecureRepertoireTests {
  private static let root = "root:secret"

  @Test func `every command of etcdctl passes with TLS, client certificates and users`() async throws {
    try await SecureCluster.with(members: 3, workers: 1) { cluster in
      try await makeUsers(cluster)
      for node in cluster.nodes {
        try await refusals(cluster, node)
        try await keyCommands(cluster, node)
        try await watchCommands(cluster, node)
      }
      try await userCommands(cluster, cluster.nodes[1])
      try await roleCommands(cluster, cluster.nodes[3])
      try await memberCommands(cluster, cluster.nodes[2])
      let disabled = try await cluster.etcdctl(["-u", Self.root, "auth", "disable"], on: cluster.nodes[0])
      #expect(disabled.output == "Authentication Disabled\n", "\(disabled)")
    }
  }

  /// Runs a command that has to succeed, and checks what it prints.
  private func check(
    _ cluster: SecureCluster,
    _ node: TestNode,
    as user: String? = SecureRepertoireTests.root,
    _ words: String...,
    input: String? = nil,
    says text: String?
  ) async throws {
    let result = try await cluster.etcdctl((user.map { ["-u", $0] } ?? []) + words, on: node, input: input)
    #expect(result.status == 0, "node \(node.number): \(result)")
    if let text { #expect(result.output == text, "node \(node.number): \(result)") }
  }

  /// Runs a command that has to fail, with a text among what it prints.
  private func refuse(
    _ cluster: SecureCluster,
    _ node: TestNode,
    as user: String? = SecureRepertoireTests.root,
    _ words: String...,
    with text: String
  ) async throws {
    let result = try await cluster.etcdctl((user.map { ["-u", $0] } ?? []) + words, on: node)
    #expect(result.status != 0 && "\(result)".contains(text), "node \(node.number): \(result)")
  }

  private func makeUsers(_ cluster: SecureCluster) async throws {
    let node = cluster.nodes[0]
    try await check(cluster, node, as: nil, "user", "add", "root:secret", says: "User root created\n")
    try await check(cluster, node, as: nil, "auth", "enable", says: "Authentication Enabled\n")
    try await check(
      cluster,
      node,
      "role",
      "revoke",
      "guest",
      "--path",
      "/*",
      "--readwrite",
      says: "Role guest updated\n"
    )
    try await check(cluster, node, "user", "add", "app:pw", says: "User app created\n")
    try await check(cluster, node, "role", "add", "app", says: "Role app created\n")
    try await check(
      cluster,
      node,
      "role",
      "grant",
      "app",
      "--path",
      "/app/*",
      "--readwrite",
      says: "Role app updated\n"
    )
    try await check(cluster, node, "user", "grant", "app", "--roles", "app", says: "User app updated\n")
    // A certificate makes nobody a user; the other nodes know of the users a moment later.
    for node in cluster.nodes {
      try await eventually("the guest has nothing on node \(node.number)") {
        try await cluster.etcdctl(["get", "/x"], on: node).errors.contains("110")
      }
    }
  }

  private func refusals(_ cluster: SecureCluster, _ node: TestNode) async throws {
    try await refuse(cluster, node, as: nil, "set", "/app/x", "1", with: "nsufficient credentials")
    try await refuse(cluster, node, as: "app:wrong", "set", "/app/x", "1", with: "nsufficient credentials")
    try await refuse(cluster, node, as: "app:pw", "set", "/other", "1", with: "nsufficient credentials")
    try await refuse(cluster, node, as: "app:pw", "user", "list", with: "nsufficient credentials")
  }

  private func keyCommands(_ cluster: SecureCluster, _ node: TestNode) async throws {
    let top = "/app/\(node.number)"
    func app(_ words: String..., says text: String?) async throws {
      let result = try await cluster.etcdctl(["-u", "app:pw"] + words, on: node)
      #expect(result.status == 0, "node \(node.number): \(result)")
      if let text { #expect(result.output == text, "node \(node.number): \(result)") }
    }
    try await app("set", "\(top)/a", "one", says: "one\n")
    try await check(cluster, node, as: "app:pw", "set", "\(top)/stdin", input: "typed", says: "typed\n")
    try await app("set", "--ttl", "60", "\(top)/ttl", "t", says: "t\n")
    try await app("set", "--swap-with-value", "one", "\(top)/a", "two", says: "two\n")
    try await app("get", "--quorum", "\(top)/a", says: "two\n")
    try await app("get", "\(top)/a", says: "two\n")
    try await app("-o", "extended", "get", "\(top)/a", says: nil)
    try await app("-o", "json", "get", "\(top)/a", says: nil)
    try await app("mk", "\(top)/b", "new", says: "new\n")
    try await refuse(cluster, node, as: "app:pw", "mk", "\(top)/b", "new", with: "105")
    try await app("mk", "--in-order", "\(top)/queue", "first", says: "first\n")
    try await app("update", "\(top)/b", "newer", says: "newer\n")
    try await app("mkdir", "\(top)/d", says: "")
    try await app("setdir", "\(top)/e", says: "")
    try await app("updatedir", "--ttl", "60", "\(top)/e", says: "")
    try await app(
      "ls",
      "--sort",
      "-p",
      top,
      says: ["a", "b", "d/", "e/", "queue/", "stdin", "ttl"].map { "\(top)/\($0)\n" }.joined()
    )
    try await app("rm", "--with-value", "newer", "\(top)/b", says: nil)
    try await app("rm", "\(top)/a", says: "PrevNode.Value: two\n")
    try await app("rmdir", "\(top)/d", says: "")
    try await app("rm", "--recursive", "\(top)/e", says: "")
    try await refuse(cluster, node, as: "app:pw", "get", "--quorum", "\(top)/a", with: "100")
  }

  private func watchCommands(_ cluster: SecureCluster, _ node: TestNode) async throws {
    let top = "/app/\(node.number)"
    func start(_ words: String...) throws -> ChildProcess {
      try ChildProcess(
        ["etcdctl"] + SecureCluster.patience + ["-u", "app:pw"] + words,
        environment: cluster.etcdctlEnvironment(node),
        directory: cluster.directory
      )
    }
    let once = try start("watch", "\(top)/w")
    let ever = try start("watch", "--forever", "--recursive", top)
    // Without --recursive the original takes the last word for the key.
    let echo = "echo $ETCD_WATCH_ACTION $ETCD_WATCH_VALUE"
    let program = try start("exec-watch", "--recursive", "\(top)/w", "--", "sh", "-c", echo)
    try await eventually("all watches of node \(node.number) have their events") {
      _ = try await cluster.etcdctl(["-u", "app:pw", "set", "\(top)/w", "seen"], on: node)
      return !once.isRunning && ever.output.contains("[set] \(top)/w\nseen\n") && program.output.contains("set seen")
    }
    #expect(once.output == "seen\n")
    for child in [ever, program] { child.signal(SIGKILL) }
  }

  private func userCommands(_ cluster: SecureCluster, _ node: TestNode) async throws {
    try await check(cluster, node, "user", "list", says: "app\nroot\n")
    try await check(cluster, node, "user", "get", "app", says: "User: app\nRoles:  app\n")
    try await check(cluster, node, "user", "add", "short:pw", says: "User short created\n")
    try await check(cluster, node, "user", "grant", "short", "--roles", "app", says: "User short updated\n")
    try await check(cluster, node, "user", "revoke", "short", "--roles", "app", says: "User short updated\n")
    try await check(cluster, node, "user", "passwd", "short", input: "other\n", says: nil)
    try await check(cluster, node, "user", "remove", "short", says: "User short removed\n")
    try await refuse(cluster, node, "user", "get", "short", with: "User short does not exist")
  }

  private func roleCommands(_ cluster: SecureCluster, _ node: TestNode) async throws {
    try await check(cluster, node, "role", "add", "short", says: "Role short created\n")
    try await check(cluster, node, "role", "grant", "short", "--path", "/s", "--read", says: "Role short updated\n")
    try await check(
      cluster,
      node,
      "role",
      "get",
      "short",
      says: "Role: short\nKV Read:\n\t/s\nKV Write:\n"
    )
    try await check(cluster, node, "role", "revoke", "short", "--path", "/s", "--read", says: "Role short updated\n")
    try await check(cluster, node, "role", "list", says: "app\nguest\nroot\nshort\n")
    try await check(cluster, node, "role", "remove", "short", says: "Role short removed\n")
  }

  private func memberCommands(_ cluster: SecureCluster, _ node: TestNode) async throws {
    try await eventually("the cluster is healthy") {
      try await cluster.etcdctl(["-u", Self.root, "cluster-health"], on: node).status == 0
    }
    #expect(try await cluster.etcdctl(["member", "list"], on: node).output.split(separator: "\n").count == 3)
    let added = try await cluster.etcdctl(
      ["-u", Self.root, "member", "add", "newcomer", "https://127.1.2.3:2380"],
      on: node
    )
    #expect(added.output.hasPrefix("Added member named newcomer with ID "), "\(added)")
    let id = added.output.split(separator: " ").dropFirst(6).first.map(String.init) ?? ""
    try await check(
      cluster,
      node,
      "member",
      "update",
      id,
      "https://127.1.2.3:2480",
      says: "Updated member with ID \(id) in cluster\n"
    )
    try await check(cluster, node, "member", "remove", id, says: "Removed member \(id) from cluster\n")
  }
}
