// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import TestKit

/// Five machines with a network of their own each, three members of the store and two workers, and the units they run.
///
/// One more host is spare, for a machine that should not be. Machines are named by number, from 1. Needs root.
final class FiveHosts {
  static let memberCount = 3
  static let count = 5
  /// `agent-ttl`, in seconds.
  static let ttlSeconds = 3.0
  /// Room for everything that all machines keep.
  private static let diskMegabytes = 512

  let nodes: [TestNode]
  let spare: TestNode
  let links: HostLinks
  let reach = Reach(hosts: 1...FiveHosts.count)
  let set: UnitSet
  let watch: UnitWatch
  let directory: URL
  /// The file that tells a node at which step to die.
  var killFile: String { directory.appendingPathComponent("kill").path }

  private init(network: TestNetwork, directory: URL) throws {
    self.directory = directory
    let nodes = (1...network.hosts).map { number in
      TestNode(
        number: number,
        address: network.address(of: number),
        directory: directory.appendingPathComponent("h\(number)"),
        namespace: network.namespace(of: number),
        userData: directory.appendingPathComponent("user-data-\(number).yaml")
      )
    }
    self.nodes = Array(nodes.prefix(Self.count))
    spare = nodes[Self.count]
    links = HostLinks(network: network)
    set = UnitSet(directory: directory)
    let hosts = Dictionary(nodes.prefix(Self.count).map { ($0.machineID, $0.number) }) { first, _ in first }
    watch = UnitWatch(set: set, hosts: hosts, reach: reach)
    for node in nodes {
      node.environment = ["CORACLE_TEST_KILL_FILE": directory.appendingPathComponent("kill").path]
      // Each machine has boots of its own, since records of an earlier boot are told by its id.
      let bootID = directory.appendingPathComponent("boot-\(node.number)").path
      node.wrapper = [
        "unshare", "-m", "sh", "-c", #"mount --bind "$0" /proc/sys/kernel/random/boot_id && exec "$@""#, bootID,
      ]
      try writeUserData(of: node)
      try beginBoot(of: node)
    }
  }

  /// Boots the machines, starts the units, runs the body and takes everything down.
  static func with<Value>(_ body: (FiveHosts) async throws -> Value) async throws -> Value {
    try await withTestDirectory { directory in
      let network = try await TestNetwork.make(hosts: count + 1)
      // In memory: how long a sync takes on a busy computer is not what is tested here.
      let place = directory.appendingPathComponent("disk")
      let disk = try await MachineDisk.mount(at: place, sizeMegabytes: diskMegabytes)
      let result: Result<Value, any Error>
      do {
        let hosts = try FiveHosts(network: network, directory: place)
        result = await hosts.carryOut(body)
      } catch {
        result = .failure(error)
      }
      await disk.unmount()
      await network.remove()
      return try result.get()
    }
  }

  private func carryOut<Value>(_ body: (FiveHosts) async throws -> Value) async -> Result<Value, any Error> {
    let result: Result<Value, any Error>
    do {
      try set.prepare()
      watch.start()
      for node in nodes { try node.start() }
      for node in nodes { try await waitUntilServing(node.number) }
      try await startUnits()
      result = .success(try await body(self))
    } catch {
      result = .failure(CommandFailed(description: "\(error)\n\(logs(lastBytes: 3_000))"))
    }
    watch.stop()
    for node in nodes + [spare] { try? await node.powerOff() }
    for process in watch.processes() { Glibc.kill(process.processID, SIGKILL) }
    try? await eventually("the watch ends") { watch.hasEnded }
    return result
  }

  private func writeUserData(of node: TestNode) throws {
    let members = nodes.prefix(Self.memberCount).map { "node\($0.number)=http://\($0.address):2380" }
    let isMember = node.number <= Self.memberCount
    let peerLines =
      "listen-peer-urls: http://$private_ipv4:2380\n    "
      + "initial-advertise-peer-urls: http://$private_ipv4:2380"
    let text = """
      #cloud-config
      coreos:
        etcd2:
          initial-cluster: \(members.joined(separator: ","))
          initial-cluster-token: units
          \(isMember ? peerLines : "proxy: on")
          advertise-client-urls: http://$private_ipv4:2379
          listen-client-urls: http://0.0.0.0:2379
        fleet:
          public-ip: $public_ipv4
          agent-ttl: \(Int(Self.ttlSeconds))s
        units:
          - name: etcd2.service
            command: start
          - name: fleet.service
            command: start

      """
    try text.write(to: node.userData, atomically: true, encoding: .utf8)
  }

  // MARK: Who is who

  func node(_ host: Int) -> TestNode { nodes[host - 1] }

  func api(_ host: Int) -> MachineAPI {
    MachineAPI(socketPath: node(host).directory.appendingPathComponent("coracle.sock").path)
  }

  var all: [Int] { nodes.map(\.number) }
  var members: [Int] { Array(all.prefix(Self.memberCount)) }
  var workers: [Int] { Array(all.dropFirst(Self.memberCount)) }

  func host(of machineID: String) -> Int? { nodes.first { $0.machineID == machineID }?.number }

  /// The member that leads the store.
  func storeLeader() async throws -> Int {
    var found = 0
    try await eventually("a member leads the store") {
      found = members.first { api($0).leadsStore } ?? 0
      return found > 0
    }
    return found
  }

  /// The machine whose engine places units.
  func engineLeader() async throws -> Int {
    var found = 0
    try await eventually("an engine leads") {
      found = host(of: try api(1).engineLeader()) ?? 0
      return found > 0
    }
    return found
  }

  // MARK: What is done to machines

  /// Another boot of the machine begins with the next start of its node.
  func beginBoot(of node: TestNode) throws {
    let file = directory.appendingPathComponent("boot-\(node.number)")
    // A file that is mounted over must not be replaced.
    try "\(UUID().uuidString.lowercased())\n".write(to: file, atomically: false, encoding: .utf8)
  }

  func start(_ host: Int) throws { try node(host).start() }

  func signal(_ host: Int, _ signal: Int32) {
    if let id = node(host).processID { Glibc.kill(id, signal) }
  }

  /// Ends the process that owns a machine's units; its node may begin another at once.
  func killUnitHost(_ host: Int) { signalUnitHost(host, SIGKILL) }

  func signalUnitHost(_ host: Int, _ signal: Int32) {
    let directory = node(host).directory.appendingPathComponent("units").path
    for id in ProcessScan.processes(with: "--state-dir", directory) { Glibc.kill(id, signal) }
  }

  func waitUntilServing(_ host: Int) async throws {
    try await eventually("machine \(host) serves") { api(host).isHealthy }
  }

  /// Everything runs and is connected again; who was away counts as in reach from when it serves.
  func mend() async throws {
    unlink(killFile)
    let running = all.filter { node($0).processID != nil }
    // First of all, since some are to be back within their TTL.
    for host in all where !running.contains(host) { try start(host) }
    try await links.mend()
    for host in running { signal(host, SIGCONT) }
    reach.regain(running)
    for host in all { try await waitUntilServing(host) }
    reach.regain(all)
  }

  func logs(lastBytes: Int) -> String {
    (nodes + [spare]).map { "--- log of machine \($0.number)\n\($0.log.suffix(lastBytes))" }.joined(separator: "\n")
  }
}
