// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import TestKit
import Testing

/// Discovery between coracle and the real etcd, each side by each (specs/discovery.md §8).
@Suite(.serialized) struct DiscoveryPeerTests {
  private let net = "127.\(Int.random(in: 10...250)).\(Int.random(in: 1...250))"

  private func get(_ url: String) async throws -> String {
    try await run(["curl", "-s", "-m", "10", url]).output
  }

  private func waitForHealth(of address: String, log: () -> String) async throws {
    do {
      try await eventually("\(address) serves") {
        try await get("http://\(address):2379/health").contains("true")
      }
    } catch {
      throw CommandFailed(description: "\(error)\n\(log().suffix(4_000))")
    }
  }

  private func etcd(
    _ number: Int,
    in directory: URL,
    _ words: [String],
    name: String? = nil
  ) throws -> ChildProcess {
    let address = "\(net).\(number)"
    return try ChildProcess(
      [
        "etcd", "--enable-v2", "--logger", "zap", "--name", name ?? "e\(number)", "--data-dir",
        directory.appendingPathComponent("etcd\(number)").path,
        "--listen-client-urls", "http://\(address):2379", "--advertise-client-urls", "http://\(address):2379",
        "--listen-peer-urls", "http://\(address):2380", "--initial-advertise-peer-urls", "http://\(address):2380",
      ] + words,
      directory: directory
    )
  }

  private func node(_ number: Int, in directory: URL, discovery: String, more: String = "") throws -> TestNode {
    let file = directory.appendingPathComponent("user-data-\(number).yaml")
    try """
    #cloud-config
    coreos:
      etcd2:
        discovery: \(discovery)
        advertise-client-urls: http://$private_ipv4:2379
        initial-advertise-peer-urls: http://$private_ipv4:2380
        listen-client-urls: http://$private_ipv4:2379
        listen-peer-urls: http://$private_ipv4:2380
    \(more)
    """.write(to: file, atomically: true, encoding: .utf8)
    return TestNode(
      number: number,
      address: "\(net).\(number)",
      directory: directory.appendingPathComponent("node\(number)"),
      namespace: nil,
      userData: file
    )
  }

  private func json(_ text: String) throws -> [String: Any] {
    try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any] ?? [:]
  }

  private func memberNames(_ address: String) async throws -> [String] {
    let list = try json(try await get("http://\(address):2379/v2/members"))
    return (list["members"] as? [[String: Any]] ?? []).compactMap { $0["name"] as? String }.sorted()
  }

  @Test func `our machines find each other through a real etcd that is down when they boot`() async throws {
    try await withTestDirectory { directory in
      let url = "http://\(net).250:2379/v2/keys/_etcd/registry/mine"
      let nodes = try (1...4).map { try node($0, in: directory, discovery: url) }
      var others: [TestNode] = []
      defer {
        for node in nodes + others { if let id = node.processID { kill(id, SIGKILL) } }
      }
      let hostWords = ["--initial-cluster", "e250=http://\(net).250:2380"]
      let firstHost = try etcd(250, in: directory, hostWords)
      defer { firstHost.signal(SIGKILL) }
      try await waitForHealth(of: "\(net).250") { firstHost.errors }
      try await succeed(["curl", "-sf", "-XPUT", "\(url)/_config/size", "-d", "value=3"])
      firstHost.signal(SIGKILL)
      try await firstHost.wait(within: .seconds(20))
      for node in nodes.prefix(2) { try node.start() }
      try await eventually("the service is missed") {
        nodes[0].log.contains("discovery service does not answer; trying again")
      }
      let host = try etcd(250, in: directory, hostWords)
      defer { host.signal(SIGKILL) }
      try await eventually("two have registered and wait for the third") {
        nodes.prefix(2).allSatisfy { $0.log.contains("discovery.registered=2") }
      }
      #expect(nodes.prefix(2).allSatisfy { $0.exitStatus == nil })
      for node in nodes.dropFirst(2) {
        try node.start()
        try await waitForHealth(of: node.address) { node.log }
      }
      for node in nodes {
        try await eventually("node \(node.number) knows the members") {
          try await memberNames(node.address) == ["node1", "node2", "node3"]
        }
      }
      #expect(nodes[3].log.contains("cluster is complete without this machine; it becomes a worker"))
      // What they have written is what etcd's own clients would have.
      let registry = try json(try await get(url))
      let values = ((registry["node"] as? [String: Any])?["nodes"] as? [[String: Any]] ?? [])
        .compactMap { $0["value"] as? String }
      #expect(values.sorted() == (1...3).map { "node\($0)=http://\(net).\($0):2380" })

      // A machine that wants to be a member or nothing, and one that has lost its data.
      let exiting = try node(5, in: directory, discovery: url, more: "    discovery-fallback: exit\n")
      others.append(exiting)
      try exiting.start()
      try await nodes[2].powerOff()
      try FileManager.default.removeItem(at: nodes[2].directory)
      try nodes[2].start()
      try await eventually("both have ended") { exiting.exitStatus != nil && nodes[2].exitStatus != nil }
      #expect(exiting.exitStatus == 1, "\(exiting.log)")
      #expect(exiting.log.contains("is full, and discovery-fallback is exit"), "\(exiting.log)")
      #expect(nodes[2].exitStatus == 1 && nodes[2].log.contains("has registered with the discovery token"))
      #expect(nodes[2].log.contains("make a new token (coracle cluster discovery new --size N) and boot with it"))

      // The token of a cluster that is gone leads a new machine to nobody, which is told.
      for node in nodes { try await node.powerOff() }
      let late = try node(6, in: directory, discovery: url)
      others.append(late)
      try late.start()
      try await eventually("the dead cluster is told of") { late.log.contains("no member of the cluster answers") }
      try await late.powerOff()

      // What is no discovery service is refused at once.
      let foreign = try node(7, in: directory, discovery: "http://\(net).250:2379/discovery/nothing")
      others.append(foreign)
      try foreign.start()
      try await eventually("it has ended") { foreign.exitStatus != nil }
      #expect(foreign.exitStatus == 1, "\(foreign.log)")
      #expect(foreign.log.contains("is no discovery service (it answers 404"), "\(foreign.log)")
    }
  }

  @Test func `real etcd members find each other through our service`() async throws {
    try await withTestDirectory { directory in
      let file = directory.appendingPathComponent("seed.yaml")
      try """
      #cloud-config
      coreos:
        etcd2:
          listen-client-urls: http://$private_ipv4:2379
          advertise-client-urls: http://$private_ipv4:2379
          listen-peer-urls: http://$private_ipv4:2380
          initial-advertise-peer-urls: http://$private_ipv4:2380
      """.write(to: file, atomically: true, encoding: .utf8)
      let seed = TestNode(
        number: 254,
        address: "\(net).254",
        directory: directory.appendingPathComponent("seed"),
        namespace: nil,
        userData: file
      )
      try seed.start()
      defer { if let id = seed.processID { kill(id, SIGKILL) } }
      try await waitForHealth(of: seed.address) { seed.log }
      let url = try await get("\(seed.endpoint)/discovery/new?size=3")
      #expect(url.hasPrefix("\(seed.endpoint)/discovery/"))
      // The time to live starts anew with the first registration, which the others' long polls must not see.
      var members = [try etcd(1, in: directory, ["--discovery", url])]
      defer { for member in members { member.signal(SIGKILL) } }
      try await eventually("the first has registered") { try await get("\(url)?pretty").contains("1 of 3 members") }
      // A service that restarts has lost nothing.
      try await seed.end(SIGTERM)
      try seed.start()
      try await waitForHealth(of: seed.address) { seed.log }
      #expect(try await get("\(url)?pretty").contains("1 of 3 members have registered; it goes away in "))
      for number in 2...3 { members.append(try etcd(number, in: directory, ["--discovery", url])) }
      for number in 1...3 { try await waitForHealth(of: "\(net).\(number)") { members[number - 1].errors } }
      try await eventually("all are members") { try await memberNames("\(net).2") == ["e1", "e2", "e3"] }
      #expect(try await get("\(url)?pretty").contains("complete, with 3 of 3 members"))
      try await eventually("the token stays") {
        (try json(try await get(url))["node"] as? [String: Any])?["ttl"] == nil
      }

      let fourth = try etcd(4, in: directory, ["--discovery", url, "--discovery-fallback", "exit"])
      try await fourth.wait(within: .seconds(60))
      #expect(fourth.status != 0 && fourth.errors.contains("discovery: cluster is full"), "\(fourth.errors)")
      // Two members of one name: etcd itself finds out when the set is complete.
      let other = try await get("\(seed.endpoint)/discovery/new?size=2")
      let twins = try [5, 6].map { try etcd($0, in: directory, ["--discovery", other], name: "twin") }
      for twin in twins {
        try await twin.wait(within: .seconds(60))
        #expect(twin.errors.contains("discovery: found duplicate name"), "\(twin.errors.suffix(2_000))")
      }
      try await seed.powerOff()
    }
  }

  @Test func `a service whose name only the proxy knows is reached through it`() async throws {
    try await withTestDirectory { directory in
      let url = "http://discovery.only-here.test:2379/v2/keys/_etcd/registry/proxied"
      let host = try etcd(250, in: directory, ["--initial-cluster", "e250=http://\(net).250:2380"])
      defer { host.signal(SIGKILL) }
      try await waitForHealth(of: "\(net).250") { host.errors }
      let size = "http://\(net).250:2379/v2/keys/_etcd/registry/proxied/_config/size"
      try await succeed(["curl", "-sf", "-XPUT", size, "-d", "value=2"])
      let program = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Programs/connect_proxy.py")
      let proxy = try ChildProcess(
        ["python3", program.path, "\(net).251", "3128", "discovery.only-here.test", "\(net).250"],
        directory: directory
      )
      defer { proxy.signal(SIGKILL) }
      let more = "    discovery-proxy: \(net).251:3128\n"
      let nodes = try (1...2).map { try node($0, in: directory, discovery: url, more: more) }
      defer {
        for node in nodes { if let id = node.processID { kill(id, SIGKILL) } }
      }
      for node in nodes { try node.start() }
      for node in nodes { try await waitForHealth(of: node.address) { node.log } }
      try await eventually("both are members") {
        try await memberNames(nodes[0].address) == ["node1", "node2"]
      }
      for node in nodes { try await node.powerOff() }
    }
  }
}
