// SPDX-License-Identifier: Apache-2.0
import Foundation
import TestKit
import Testing

/// Users and roles as Debian's etcdctl and python-etcd use them, and beside the answers of a real etcd.
@Suite(.serialized) struct AuthenticationTests {
  /// Runs etcdctl with time for passwords that this node has not seen yet.
  private func etcdctl(_ node: TestNode, as user: String? = nil, _ words: [String]) async throws -> CommandOutput {
    let flags = ["--no-sync", "--timeout", "20s", "--total-timeout", "40s", "--endpoints", node.endpoint]
    let credentials = user.map { ["-u", $0] } ?? []
    return try await run(["etcdctl"] + flags + credentials + words, environment: ["ETCDCTL_API": "2"])
  }

  private static let fleetUser = """
        etcd-username: fleet
        etcd-password: fleet-secret
    """

  @Test func `etcdctl makes users and roles, and they hold on leader, follower and worker`() async throws {
    let shape = TestClusterShape(machines: 4, size: 3, fleetLines: Self.fleetUser)
    try await TestCluster.with(shape) { cluster in
      let first = cluster.nodes[0]
      func setUp(_ words: String..., says text: String) async throws {
        let result = try await etcdctl(first, words)
        #expect(result.status == 0 && result.output == text, "\(result)")
      }
      #expect("\(try await etcdctl(first, ["auth", "enable"]))".contains("No root user available"))
      try await setUp("user", "add", "root:pw", says: "User root created\n")
      try await setUp("user", "add", "fleet:fleet-secret", says: "User fleet created\n")
      try await setUp("role", "add", "fleet", says: "Role fleet created\n")
      try await setUp(
        "role",
        "grant",
        "fleet",
        "--path",
        "/_coreos.com/fleet*",
        "--readwrite",
        says: "Role fleet updated\n"
      )
      try await setUp("user", "grant", "fleet", "--roles", "fleet", says: "User fleet updated\n")
      try await setUp("user", "add", "app:p:w", says: "User app created\n")
      try await setUp("role", "add", "app", says: "Role app created\n")
      try await setUp("role", "grant", "app", "--path", "/app/*", "--readwrite", says: "Role app updated\n")
      try await setUp("role", "grant", "app", "--path", "/one", "--read", says: "Role app updated\n")
      try await setUp("user", "grant", "app", "--roles", "app", says: "User app updated\n")
      try await setUp("set", "/one", "1", says: "1\n")
      try await setUp("auth", "enable", says: "Authentication Enabled\n")
      let words = ["role", "revoke", "guest", "--path", "/*", "--readwrite"]
      let guest = try await etcdctl(first, as: "root:pw", words)
      #expect(guest.output == "Role guest updated\n", "\(guest)")
      #expect(try await etcdctl(first, as: "root:pw", ["user", "get", "app"]).output == "User: app\nRoles:  app\n")

      for node in cluster.nodes { try await check(node) }

      // The worker's own fleet goes on as the user it was given, and its machine stays.
      var workers: [TestNode] = []
      for node in cluster.nodes { if try await isWorker(node) { workers.append(node) } }
      let worker = try #require(workers.first)
      let machines = try await cluster.coracle(["machine", "list", "--no-legend"], on: worker)
      #expect(machines.output.split(separator: "\n").count == 4, "\(machines)")
      let unit = try cluster.write(
        "[Service]\nExecStart=/bin/sleep 1000\n[X-Fleet]\nMachineID=\(worker.machineID)\n",
        to: "sleeper.service"
      )
      let started = try await cluster.coracle(["unit", "start", unit], on: worker)
      #expect(started.status == 0, "\(started)\n\(worker.log)")

      #expect(
        try await etcdctl(first, as: "root:pw", ["auth", "disable"]).output == "Authentication Disabled\n"
      )
      for node in cluster.nodes {
        try await eventually("everybody may read on node \(node.number)") {
          try await etcdctl(node, ["get", "/one"]).output == "1\n"
        }
      }
    }
  }

  /// What may and may not be done on one node.
  private func check(_ node: TestNode) async throws {
    let key = "/app/\(node.number)"
    func allowed(_ user: String?, _ words: String..., says text: String) async throws {
      let result = try await etcdctl(node, as: user, words)
      #expect(result.status == 0 && result.output == text, "node \(node.number): \(result)")
    }
    func refused(_ user: String?, _ words: String...) async throws {
      let result = try await etcdctl(node, as: user, words)
      #expect(result.status != 0, "node \(node.number): \(result)")
      #expect(result.description.contains("nsufficient credentials"), "node \(node.number): \(result)")
    }
    try await eventually("the guest has nothing on node \(node.number)") {
      try await etcdctl(node, ["get", "/one"]).errors.contains("110")
    }
    try await refused(nil, "set", key, "x")
    try await refused("app:wrong", "set", key, "x")
    try await refused("nobody:pw", "get", "/one")
    try await allowed("app:p:w", "set", key, "one", says: "one\n")
    try await allowed("app:p:w", "get", "--quorum", key, says: "one\n")
    try await allowed("app:p:w", "get", "/one", says: "1\n")
    try await refused("app:p:w", "set", "/one", "2")
    try await refused("app:p:w", "set", "/other", "2")
    // Recursive requests reach below their key: only patterns with a star count.
    try await allowed("app:p:w", "rm", "--recursive", "\(key)", says: "PrevNode.Value: one\n")
    try await refused("app:p:w", "ls", "--recursive", "/one")
    try await refused("app:p:w", "ls", "--recursive", "/")
    try await allowed("root:pw", "ls", "--recursive", "/one", says: "/one\n")
    try await refused("app:p:w", "user", "list")
    try await allowed("root:pw", "user", "list", says: "app\nfleet\nroot\n")
    try await allowed("root:pw", "role", "list", says: "app\nfleet\nguest\nroot\n")
    // Asked through the control socket, a member takes the caller for root; a worker has no such power to give.
    let socket = "unix://\(node.directory.path)/coracle.sock"
    let read = try await run([BuiltProgram.coracle.path, "kv", "get", "/one", "--endpoint", socket])
    let isWorker = try await isWorker(node)
    #expect((read.status == 0) != isWorker, "node \(node.number): \(read)")
  }

  /// Only a worker says where it sends requests.
  private func isWorker(_ node: TestNode) async throws -> Bool {
    let url = "\(node.endpoint)/v2/config/local/proxy"
    return try await run(["curl", "-s", "-m", "20", "-o", "/dev/null", "-w", "%{http_code}", url]).output == "200"
  }

  @Test func `python-etcd manages users and roles, and is held to them`() async throws {
    try await TestCluster.with(TestClusterShape(machines: 3)) { cluster in
      let program = peerFile("Programs/python_etcd_auth.py")
      let addresses = cluster.nodes.map(\.address)
      let result = try await run(["python3", program] + addresses)
      #expect(result.output == "ok\n", "\(result)")
    }
  }

  @Test func `every answer is that of a real etcd, but where a difference is meant`() async throws {
    let file = URL(fileURLWithPath: peerFile("../APIServerTests/Fixtures/auth-transcript.txt"))
    let exchanges = try AuthTranscript(contentsOf: file).exchanges
    // Beside each other: both hash passwords most of the time, and a debug build's hashing is the slower one.
    async let etcd: Void = checkEtcd(exchanges)
    try await TestCluster.with(TestClusterShape(machines: 1)) { cluster in
      for exchange in exchanges {
        let answer = try await answer(to: exchange, at: cluster.nodes[0].endpoint)
        #expect(answer == exchange.wanted, "coracle: \(exchange)")
      }
    }
    try await etcd
  }

  private func checkEtcd(_ exchanges: [AuthTranscript.Exchange]) async throws {
    try await withTestDirectory { directory in
      let etcd = try ChildProcess(
        [
          "etcd", "--enable-v2=true", "--data-dir", directory.appendingPathComponent("etcd").path,
          "--listen-client-urls", "http://127.77.0.1:2379", "--advertise-client-urls", "http://127.77.0.1:2379",
          "--listen-peer-urls", "http://127.77.0.1:2380", "--initial-advertise-peer-urls", "http://127.77.0.1:2380",
          "--initial-cluster", "default=http://127.77.0.1:2380",
        ],
        directory: directory
      )
      defer { etcd.signal(SIGKILL) }
      try await eventually("etcd serves") {
        try await run(["curl", "-sf", "-m", "2", "http://127.77.0.1:2379/health"]).output.contains("true")
      }
      for exchange in exchanges {
        #expect(try await answer(to: exchange, at: "http://127.77.0.1:2379") == exchange.original, "etcd: \(exchange)")
      }
    }
  }

  /// Asks with curl, which sends each request as it is told.
  private func answer(to exchange: AuthTranscript.Exchange, at endpoint: String) async throws -> String {
    var words = ["curl", "-s", "-m", "60", "-w", "\n%{http_code} %header{x-etcd-cluster-id}|%header{allow}"]
    words += exchange.method == "HEAD" ? ["-I", "-o", "/dev/null"] : ["-X", exchange.method]
    for (name, value) in exchange.headers { words += ["-H", value.isEmpty ? "\(name);" : "\(name): \(value)"] }
    if let body = exchange.body { words += ["--data-binary", body] }
    let result = try await run(words + [endpoint + exchange.target])
    if result.status == 52 { return "closed" }
    let end =
      result.output.range(of: "\n", options: .backwards) ?? (result.output.startIndex..<result.output.startIndex)
    let facts = result.output[end.upperBound...]
    let status = facts.prefix { $0 != " " }
    let ids = facts.dropFirst(status.count + 1).split(separator: "|", omittingEmptySubsequences: false)
    return AuthTranscript.line(
      status: Int(status) ?? 0,
      hasClusterID: ids.first?.isEmpty == false,
      allow: ids.last.flatMap { $0.isEmpty ? nil : String($0) },
      body: String(result.output[..<end.lowerBound])
    )
  }
}
