// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import TestKit
import Testing

/// The life of a cluster: members come, go and are replaced, on the built binary.
@Suite(.serialized) struct ClusterLifeTests {
  /// Adds a member through a node's members API and gives its id.
  private func addMember(_ url: String, through node: TestNode) async throws -> String {
    let answer = try await succeed([
      "curl", "-sf", "-m", "10", "-XPOST", "-H", "Content-Type: application/json", "\(node.endpoint)/v2/members",
      "-d", "{\"peerURLs\":[\"\(url)\"]}",
    ])
    return try #require(json(answer)["id"] as? String, "\(answer)")
  }

  private func members(_ cluster: TestCluster, of node: TestNode) async throws -> [[String: Any]] {
    try #require(json(try await cluster.get("/v2/members", from: node))["members"] as? [[String: Any]])
  }

  private func id(_ name: String, _ cluster: TestCluster, of node: TestNode) async throws -> String {
    let found = try await members(cluster, of: node).first { $0["name"] as? String == name }
    return try #require(found?["id"] as? String)
  }

  private func status(_ cluster: TestCluster, of node: TestNode) async throws -> [String: Any] {
    try json(try await cluster.get("/coracle/v1/status", from: node))
  }

  private func put(_ key: String, _ value: String, through node: TestNode) async throws {
    try await succeed(["curl", "-sf", "-m", "10", "-XPUT", "\(node.endpoint)/v2/keys\(key)", "-d", "value=\(value)"])
  }

  private func remove(_ id: String, through node: TestNode) async throws {
    try await succeed(["curl", "-sf", "-m", "10", "-XDELETE", "\(node.endpoint)/v2/members/\(id)"])
  }

  @Test func `a worker takes the place of a lost member with two commands`() async throws {
    let shape = TestClusterShape(machines: 4, size: 3, etcdLines: "    proxy-refresh-interval: 1000")
    try await TestCluster.with(shape) { cluster in
      let (kept, lost) = (cluster.nodes[0], try await memberNodes(cluster)[0])
      let worker = try #require(try await workers(cluster).first)
      let others = try await memberNodes(cluster).dropFirst()
      try await put("/before", "1", through: worker)
      let lostID = try await id("node\(lost.number)", cluster, of: kept)
      try await lost.powerOff()
      try FileManager.default.removeItem(at: lost.directory)

      // The two commands, given to a node that lives.
      let asked = try #require(others.first)
      let first = try await cluster.coracle(["cluster", "members", "remove", lostID], on: asked)
      #expect(first.status == 0, "\(first)")
      let second = try await cluster.coracle(
        ["cluster", "members", "promote", String(worker.machineID.prefix(8))],
        on: asked
      )
      #expect(second.status == 0, "\(second)")
      #expect(second.output.contains("node\(worker.number)"), "\(second)")

      #expect(try await status(cluster, of: worker)["voter"] as? Bool == true)
      #expect(try await members(cluster, of: worker).count == 3)
      #expect(try await cluster.get("/v2/keys/before", from: worker).contains("\"value\":\"1\""))
      // It is a member for good, and the cluster bears the loss of one more of the old ones.
      try await worker.end(SIGKILL)
      try worker.start()
      try await eventually("the new member is back") { try await status(cluster, of: worker)["voter"] as? Bool == true }
      try await #require(others.last).powerOff()
      try await eventually("writes go on") {
        try await put("/after", "2", through: worker)
        return true
      }
      #expect(try await cluster.get("/v2/keys/after?quorum=true", from: asked).contains("\"value\":\"2\""))
    }
  }

  @Test func `a removed member ends by itself with status 0, also when it is started again, and a worker follows`()
    async throws
  {
    let shape = TestClusterShape(machines: 4, size: 3, etcdLines: "    proxy-refresh-interval: 500")
    try await TestCluster.with(shape) { cluster in
      let all = try await memberNodes(cluster)
      let worker = try #require(try await workers(cluster).first)
      let removed = all[0]
      let removedID = try await id("node\(removed.number)", cluster, of: worker)
      try await remove(removedID, through: worker)
      try await eventually("the removed member ends") { removed.exitStatus != nil }
      #expect(removed.exitStatus == 0, "\(removed.log.suffix(2_000))")
      #expect(removed.log.contains("this member was removed from its cluster"))
      try removed.start()
      try await eventually("it ends again") { removed.exitStatus != nil }
      #expect(removed.exitStatus == 0, "\(removed.log.suffix(2_000))")

      let answer = try await succeed([
        "curl", "-s", "-XDELETE", "-w", " %{http_code}", "\(all[1].endpoint)/v2/members/\(removedID)",
      ])
      #expect(answer.hasSuffix(" 410"), "\(answer)")
      try await eventually("the worker forgets it") {
        try await !cluster.get("/v2/config/local/proxy", from: worker).contains(removed.address)
      }
      // What the worker has learned it keeps: its first members may all be gone one day.
      let record = try String(contentsOf: worker.directory.appendingPathComponent("membership"), encoding: .utf8)
      #expect(!record.contains(removed.address), "\(record)")
      try await put("/a", "1", through: worker)
    }
  }

  @Test func `a machine joins a running cluster with initial-cluster-state existing`() async throws {
    try await TestCluster.with(TestClusterShape(machines: 2)) { cluster in
      try await put("/a", "1", through: cluster.nodes[0])
      let joining = try newNode(3, in: cluster)
      let url = "http://\(joining.address):2380"
      let list = (cluster.nodes + [joining]).map { "node\($0.number)=http://\($0.address):2380" }.joined(separator: ",")
      try """
      #cloud-config
      coreos:
        etcd2:
          initial-cluster: \(list)
          initial-cluster-state: existing
          initial-advertise-peer-urls: \(url)
          listen-peer-urls: \(url)
          listen-client-urls: \(joining.endpoint)
          advertise-client-urls: \(joining.endpoint)

      """.write(to: joining.userData, atomically: true, encoding: .utf8)
      defer { if let id = joining.processID { kill(id, SIGKILL) } }

      // Before it is added it is refused in etcd's words.
      try joining.start()
      try await eventually("it is refused") { joining.exitStatus != nil }
      #expect(joining.exitStatus == 1 && joining.log.contains("member count is unequal"), "\(joining.log)")

      let added = try await addMember(url, through: cluster.nodes[1])
      try joining.start()
      try await eventually("it votes") { try await status(cluster, of: joining)["voter"] as? Bool == true }
      #expect(try await status(cluster, of: joining)["memberID"] as? String == added)
      #expect(try await cluster.get("/v2/keys/a", from: joining).contains("\"value\":\"1\""))
      try await joining.end(SIGTERM)
      try joining.start()
      try await eventually("it is back") { try await status(cluster, of: joining)["voter"] as? Bool == true }
      try await joining.powerOff()
    }
  }

  @Test func `force-new-cluster makes one member a cluster of its own, once`() async throws {
    try await TestCluster.with(TestClusterShape(machines: 3)) { cluster in
      try await put("/a", "1", through: cluster.nodes[0])
      let before = try await cluster.get("/v2/keys/a?quorum=true", from: cluster.nodes[2])
      for node in cluster.nodes { try await node.end(SIGKILL) }
      let node = cluster.nodes[2]
      node.environment["ETCD_FORCE_NEW_CLUSTER"] = "true"
      try node.start()
      try await eventually("it serves alone") { try await cluster.get("/health", from: node).contains("true") }
      #expect(try await members(cluster, of: node).map { $0["name"] as? String } == ["node3"])
      #expect(try await cluster.get("/v2/keys/a?quorum=true", from: node) == before)
      // The former members are removed for good: they end when they hear of it, or stay without a leader.
      let added = try await addMember("http://127.0.0.1:9", through: node)
      try await node.end(SIGTERM)
      try node.start()
      // The setting is still there, and drops nobody a second time.
      try await eventually("it has two members") {
        try await members(cluster, of: node).map { $0["id"] as? String }.contains(added)
      }
      #expect(node.log.contains("force-new-cluster has been carried out"))
    }
  }

  @Test func `readonly workers take only GET, and name the members they know`() async throws {
    try await TestCluster.with(TestClusterShape(machines: 1)) { cluster in
      try await put("/a", "1", through: cluster.nodes[0])
      let worker = try newNode(2, in: cluster)
      try """
      #cloud-config
      coreos:
        etcd2:
          proxy: readonly
          initial-cluster: node1=http://\(cluster.nodes[0].address):2380
          listen-client-urls: \(worker.endpoint)

      """.write(to: worker.userData, atomically: true, encoding: .utf8)
      try worker.start()
      defer { if let id = worker.processID { kill(id, SIGKILL) } }
      try await eventually("it serves") {
        try await cluster.get("/v2/keys/a", from: worker).contains("\"value\":\"1\"")
      }
      for method in ["PUT", "POST", "DELETE", "OPTIONS"] {
        let answer = try await succeed([
          "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-X\(method)", "\(worker.endpoint)/v2/keys/a",
        ])
        #expect(answer == "501", "\(method)")
      }
      #expect(
        try await cluster.get("/v2/config/local/proxy", from: worker).contains(cluster.nodes[0].endpoint)
      )
      try await worker.powerOff()
    }
  }

  @Test func `members find each other by the SRV records of a domain`() async throws {
    try await withTestDirectory { directory in
      let net = "127.\(Int.random(in: 10...250)).\(Int.random(in: 1...250))"
      let resolver = directory.appendingPathComponent("resolv.conf")
      try "nameserver \(net).53\n".write(to: resolver, atomically: true, encoding: .utf8)
      let records = (1...3).flatMap { number in
        [
          "--host-record=m\(number).example.test,\(net).\(number)",
          "--srv-host=_etcd-server._tcp.example.test,m\(number).example.test,2380",
          "--srv-host=_etcd-client._tcp.example.test,m\(number).example.test,2379",
        ]
      }
      let dns = try ChildProcess(
        [
          "dnsmasq", "-k", "-C", "/dev/null", "--no-resolv", "--no-hosts", "--no-daemon", "--user=root",
          "--bind-interfaces", "--listen-address=\(net).53", "--pid-file",
        ] + records,
        directory: directory
      )
      let nodes = (1...3).map { number in
        TestNode(
          number: number,
          address: "\(net).\(number)",
          directory: directory.appendingPathComponent("node\(number)"),
          namespace: nil,
          userData: directory.appendingPathComponent("user-data.yaml")
        )
      }
      try """
      #cloud-config
      coreos:
        etcd2:
          discovery-srv: example.test
          initial-advertise-peer-urls: http://$private_ipv4:2380
          listen-peer-urls: http://$private_ipv4:2380
          advertise-client-urls: http://$private_ipv4:2379
          listen-client-urls: http://$private_ipv4:2379

      """.write(to: nodes[0].userData, atomically: true, encoding: .utf8)
      for node in nodes {
        // Only this process sees the name server.
        node.wrapper = [
          "unshare", "-m", "sh", "-c", "mount --bind \(resolver.path) /etc/resolv.conf && exec \"$@\"", "sh",
        ]
        try node.start()
      }
      defer {
        for node in nodes { if let id = node.processID { kill(id, SIGKILL) } }
        dns.signal(SIGKILL)
      }
      for node in nodes {
        try await eventually("node \(node.number) knows all three by name") {
          let list = try json(try await succeed(["curl", "-sf", "-m", "20", "\(node.endpoint)/v2/members"]))
          let names = (list["members"] as? [[String: Any]] ?? []).compactMap { $0["name"] as? String }
          return names.sorted() == ["node1", "node2", "node3"]
        }
      }
      for node in nodes { try await node.powerOff() }
    }
  }

  // MARK: Machines

  private func memberNodes(_ cluster: TestCluster) async throws -> [TestNode] {
    let names = try await members(cluster, of: cluster.nodes[0]).compactMap { $0["name"] as? String }
    return cluster.nodes.filter { names.contains("node\($0.number)") && $0 !== cluster.nodes[0] }
      + cluster.nodes.filter { names.contains("node\($0.number)") && $0 === cluster.nodes[0] }
  }

  private func workers(_ cluster: TestCluster) async throws -> [TestNode] {
    let members = Set(try await memberNodes(cluster).map(\.number))
    return cluster.nodes.filter { !members.contains($0.number) }
  }

  /// One more machine beside the cluster, with user-data of its own.
  private func newNode(_ number: Int, in cluster: TestCluster) throws -> TestNode {
    let prefix = cluster.nodes[0].address.split(separator: ".").prefix(3).joined(separator: ".")
    return TestNode(
      number: number,
      address: "\(prefix).\(number)",
      directory: cluster.directory.appendingPathComponent("node\(number)"),
      namespace: nil,
      userData: cluster.directory.appendingPathComponent("user-data-\(number).yaml")
    )
  }
}
