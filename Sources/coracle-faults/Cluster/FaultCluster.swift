// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import Foundation
import Glibc
import TestKit

/// Three or five machines with a network, a disk and a clock each, whose members make one cluster.
///
/// Places count from 0. Needs root.
final class FaultCluster {
  /// The members snapshot this often, so that one that is away for long needs a snapshot.
  static let snapshotCount = 300

  let nodes: [TestNode]
  let disks: [MachineDisk]
  let links: PeerLinks
  let members: MemberDirectory
  private let directory: URL

  private init(nodes: [TestNode], disks: [MachineDisk], links: PeerLinks, directory: URL) {
    self.nodes = nodes
    self.disks = disks
    self.links = links
    self.directory = directory
    members = MemberDirectory(socketPaths: nodes.map { $0.directory.appendingPathComponent("coracle.sock").path })
  }

  /// Boots a cluster, runs the body and takes everything down.
  static func with<Value>(members count: Int, _ body: (FaultCluster) async throws -> Value) async throws -> Value {
    try await withTestDirectory { directory in
      let network = try await TestNetwork.make(hosts: count)
      var disks: [MachineDisk] = []
      var nodes: [TestNode] = []
      for number in 1...count {
        let place = directory.appendingPathComponent("m\(number)")
        disks.append(try await MachineDisk.mount(at: place))
        nodes.append(
          TestNode(
            number: number,
            address: network.address(of: number),
            directory: place,
            namespace: network.namespace(of: number),
            userData: directory.appendingPathComponent("user-data-\(number).yaml")
          )
        )
      }
      let cluster = FaultCluster(
        nodes: nodes,
        disks: disks,
        links: PeerLinks(network: network),
        directory: directory
      )
      let result: Result<Value, any Error>
      do {
        try await cluster.boot()
        result = .success(try await body(cluster))
      } catch {
        result = .failure(error)
      }
      for node in nodes { try? await node.powerOff() }
      for disk in disks { await disk.unmount() }
      await network.remove()
      return try result.get()
    }
  }

  private func boot() async throws {
    let list = nodes.map { "node\($0.number)=http://\($0.address):2380" }.joined(separator: ",")
    for (place, node) in nodes.enumerated() {
      try writeUserData(of: node, initialCluster: list, isNew: true)
      node.environment = [
        "CORACLE_TEST_CLOCK_OFFSET_FILE": clockFile(of: place).path,
        "CORACLE_TEST_SLOW_SYNC_FILE": slowSyncFile(of: place).path,
      ]
      try node.start()
    }
    try await waitUntilHealthy(within: .seconds(60))
  }

  func writeUserData(of node: TestNode, initialCluster: String, isNew: Bool) throws {
    let text = """
      #cloud-config
      coreos:
        etcd2:
          initial-cluster: \(initialCluster)
          initial-cluster-state: \(isNew ? "new" : "existing")
          initial-cluster-token: faults
          initial-advertise-peer-urls: http://$private_ipv4:2380
          advertise-client-urls: http://$private_ipv4:2379
          listen-peer-urls: http://$private_ipv4:2380
          listen-client-urls: http://0.0.0.0:2379
          snapshot-count: \(Self.snapshotCount)
        units:
          - name: etcd2.service
            command: start

      """
    try text.write(to: node.userData, atomically: true, encoding: .utf8)
  }

  // MARK: What members say

  /// What a member says of its replica.
  struct Standing: Equatable {
    var isLeader: Bool
    var memberID: String
    /// Index of the store, index of the log, and the hash of everything at them.
    var digest: String
  }

  func standing(of place: Int, withDigest: Bool = false) -> Standing? {
    let connection = StoreConnection(socketPath: members.socketPaths[place])
    let target = "/coracle/v1/status" + (withDigest ? "?digest=true" : "")
    guard let answer = try? connection.exchange("GET", target, within: 2_000), answer.head.status == 200,
      let json = try? JSONValue.parse(answer.body), let role = json["role"]?.string
    else { return nil }
    let digest = ["etcdIndex", "raftAppliedIndex", "hash"].map { key in
      json["digest"]?[key]?.string ?? json["digest"]?[key]?.uint64.map(String.init) ?? "?"
    }
    return Standing(
      isLeader: role == "StateLeader",
      memberID: json["memberID"]?.string ?? "",
      digest: digest.joined(separator: "/")
    )
  }

  /// The place of the member that leads, once there is one.
  func leader() async throws -> Int {
    var found = 0
    try await eventually("one of the members leads") {
      for place in nodes.indices where standing(of: place)?.isLeader == true {
        found = place
        return true
      }
      return false
    }
    return found
  }

  func isHealthy(_ place: Int) -> Bool {
    let connection = StoreConnection(socketPath: members.socketPaths[place])
    guard let answer = try? connection.exchange("GET", "/health", within: 2_000) else { return false }
    return answer.head.status == 200
  }

  func waitUntilHealthy(within timeout: Duration) async throws {
    for place in nodes.indices {
      try await eventually("member \(place + 1) is healthy", within: timeout) { isHealthy(place) }
    }
  }

  /// Waits until all members hold the same at the same index.
  func waitUntilEqual(within timeout: Duration) async throws {
    var last: [String] = []
    do {
      try await eventually("equal stores at equal index", within: timeout) {
        last = nodes.indices.map { standing(of: $0, withDigest: true)?.digest ?? "no answer" }
        return Set(last).count == 1 && !last.contains("no answer")
      }
    } catch {
      throw CommandFailed(description: "\(error): \(last)")
    }
  }

  /// The request and answer of one member, for what no client of a workload asks.
  func ask(_ place: Int, _ method: String, _ target: String, json: String? = nil) throws -> (status: Int, body: [UInt8])
  {
    let connection = StoreConnection(socketPath: members.socketPaths[place])
    let answer = try connection.exchange(method, target, json: json, within: 10_000)
    return (answer.head.status, answer.body)
  }

  // MARK: What is done to machines

  func kill(_ place: Int) async throws {
    try await nodes[place].end(SIGKILL)
  }

  func start(_ place: Int) throws {
    members.noteRestart(of: place)
    try nodes[place].start()
  }

  func signal(_ place: Int, _ signal: Int32) {
    if let id = nodes[place].processID { Glibc.kill(id, signal) }
  }

  private func clockFile(of place: Int) -> URL { directory.appendingPathComponent("clock-\(place)") }
  private func slowSyncFile(of place: Int) -> URL { directory.appendingPathComponent("slow-sync-\(place)") }

  /// Moves the clock that a machine's node reads.
  func setClock(of place: Int, offsetMilliseconds: Int) throws {
    try "\(offsetMilliseconds)".write(to: clockFile(of: place), atomically: true, encoding: .utf8)
  }

  /// Lets each sync of a machine's disk take longer; 0 is as it was.
  func setSlowSync(of place: Int, milliseconds: Int) throws {
    try "\(milliseconds)".write(to: slowSyncFile(of: place), atomically: true, encoding: .utf8)
  }

  /// Undoes everything that was done to machines and their links, and starts those that are off.
  func mend() async throws {
    try await links.mend()
    for place in nodes.indices {
      signal(place, SIGCONT)
      disks[place].release()
      try setClock(of: place, offsetMilliseconds: 0)
      try setSlowSync(of: place, milliseconds: 0)
      if nodes[place].processID == nil { try start(place) }
    }
  }

  /// What the members have logged last, for a run that went wrong.
  func logs(lastBytes: Int) -> String {
    nodes.map { "--- log of node \($0.number)\n\($0.log.suffix(lastBytes))" }.joined(separator: "\n")
  }
}
