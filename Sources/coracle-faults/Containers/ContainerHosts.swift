// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import Foundation
import TestKit

/// Three machines, members of one store, with a network and a Docker Engine of their own each.
///
/// Needs root.
final class ContainerHosts {
  static let count = 3
  /// The records' time to live.
  static let ttlSeconds = 5.0
  static let image = "web"

  let cluster: TestCluster
  let isLiveRestore: Bool

  private init(cluster: TestCluster, isLiveRestore: Bool) {
    self.cluster = cluster
    self.isLiveRestore = isLiveRestore
  }

  /// Boots the machines, runs the body while all records are watched, and takes everything down.
  static func with(
    liveRestore: Bool,
    watch: RecordWatch,
    _ body: (ContainerHosts) async throws -> Void
  ) async throws {
    var shape = TestClusterShape(
      machines: count,
      agentTTL: "6s",
      ownLines: "coracle:\n  registrator: { ttl: \(Int(ttlSeconds)) }"
    )
    if liveRestore { shape.engineArguments = ["--live-restore"] }
    // It ends when it is asked to, so that engines which stop it need not wait.
    let command = #"CMD ["sh", "-c", "trap 'exit 0' TERM; httpd -f -p 80 -h /www & wait"]"#
    let images = [DockerImage(image, changes: ["EXPOSE 80", command])]
    try await TestCluster.with(shape, on: .hosts(images: images)) { cluster in
      let hosts = ContainerHosts(cluster: cluster, isLiveRestore: liveRestore)
      let endpoints = cluster.nodes.map(\.endpoint)
      let namespace = cluster.network?.switchNamespace ?? ""
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await watch.run(endpoints, from: namespace) }
        defer { group.cancelAll() }
        do {
          try await body(hosts)
        } catch {
          for (number, engine) in cluster.engines.enumerated() {
            print("--- log of engine \(number + 1)\n\(engine.log.suffix(3_000))")
          }
          throw error
        }
      }
    }
  }

  func node(_ host: Int) -> TestNode { cluster.nodes[host - 1] }
  func engine(_ host: Int) -> DockerDaemon { cluster.engines[host - 1] }
  var all: [Int] { cluster.nodes.map(\.number) }

  /// Whether a machine's node serves.
  func serves(_ host: Int) async -> Bool {
    let answer = try? await TestKit.run(
      node(host).onMachine(["curl", "-sf", "-m", "3", "\(node(host).endpoint)/health"]),
      within: .seconds(10)
    )
    return answer?.output.contains("true") == true
  }

  /// The records by key, as a machine has them.
  func records(asSeenBy host: Int) async throws -> [String: String] {
    let url = "\(node(host).endpoint)/v2/keys/services?recursive=true&quorum=true"
    let answer = try await TestKit.run(node(host).onMachine(["curl", "-s", "-m", "10", url]), within: .seconds(20))
    let json = try JSONValue.parse(Array(answer.output.utf8))
    if json["errorCode"]?.uint64 == 100 { return [:] }
    guard let root = json["node"] else { throw CommandFailed(description: "\(answer)") }
    var found: [String: String] = [:]
    var rest = [root]
    while let next = rest.popLast() {
      rest += next["nodes"]?.array ?? []
      if let key = next["key"]?.string, let value = next["value"]?.string { found[key] = value }
    }
    return found
  }

  /// The containers that run on a machine.
  func containers(on host: Int) async throws -> [RunningContainer] {
    let ids = try await engine(host).docker(["ps", "-q", "--no-trunc"]).split(separator: "\n").map(String.init)
    guard !ids.isEmpty else { return [] }
    let text = try await engine(host).docker(["inspect"] + ids)
    return try JSONValue.parse(Array(text.utf8)).array?.compactMap { RunningContainer($0, on: node(host)) } ?? []
  }
}

/// A container that an engine says is running.
struct RunningContainer: Hashable {
  var id: String
  var name: String
  var host: Int
  var startedAt: String
  /// The unit whose it is; nil for one that somebody runs by hand.
  var unit: String?
  /// The record that it should have.
  var key: String
  var value: String

  init?(_ json: JSONValue, on node: TestNode) {
    guard let id = json["Id"]?.string, let name = json["Name"]?.string?.dropFirst(), let state = json["State"],
      state["Status"]?.string == "running", let configuration = json["Config"]
    else { return nil }
    self.id = id
    self.name = String(name)
    host = node.number
    startedAt = state["StartedAt"]?.string ?? ""
    unit = configuration["Labels"]?["coracle.unit"]?.string
    let prefix = "SERVICE_ID="
    let given = configuration["Env"]?.strings?.first { $0.hasPrefix(prefix) }?.dropFirst(prefix.count)
    // The engine may bind another port for IPv6.
    let bindings = json["NetworkSettings"]?["Ports"]?["80/tcp"]?.array ?? []
    let port = bindings.first { $0["HostIp"]?.string?.contains(":") != true }?["HostPort"]?.string
    guard let given, let port else { return nil }
    key = "/services/\(ContainerHosts.image)/\(given)"
    value = "\(node.address):\(port)"
  }
}
