// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import TestKit
import Testing

/// Backups of running and of stopped members, and the clusters that are made of them.
@Suite(.serialized) struct BackupTests {
  @Test func `a backup of a running member becomes a cluster that has everything and grows to three`() async throws {
    let shape = TestClusterShape(machines: 3, etcdLines: "    snapshot-count: 100")
    try await TestCluster.with(shape) { cluster in
      let source = cluster.nodes[0]
      try await fill(source.endpoint)
      let before = try await facts(of: source.endpoint)
      let writer = try ChildProcess(
        [
          "sh", "-c", "i=0; while :; do i=$((i+1)); curl -s -XPUT \(source.endpoint)/v2/keys/busy/$i -d value=$i; done",
        ],
        directory: cluster.directory
      )
      defer { writer.signal(SIGKILL) }
      try await eventually("the writer is at work") { !writer.output.isEmpty }
      let backup = cluster.directory.appendingPathComponent("backup").path
      let made = try await run([
        BuiltProgram.coracle.path, "kv", "backup", "--data-dir", source.directory.path, backup,
      ])
      #expect(made.status == 0 && made.output.hasPrefix("Backed up member "), "\(made)")
      writer.signal(SIGKILL)

      let restored = RestoredMachines(cluster)
      let first = try await restored.restore(backup, name: "r1")
      try await first.startAlone()
      try await expect(before, at: first.endpoint)
      let ids = try await (cluster.get("/v2/members", from: source), get("/v2/members", first.endpoint))
      #expect(try memberIDs(ids.1).isDisjoint(with: memberIDs(ids.0)))

      for name in ["r2", "r3"] { try await restored.join(name, through: first.endpoint) }
      let status = try await cluster.coracle(["cluster", "status", "--endpoint", first.endpoint])
      #expect(status.status == 0 && !status.output.contains("unreachable"), "\(status)")
      try await first.end(SIGKILL)
      for machine in restored.machines.dropFirst() {
        try await eventually("\(machine.name) takes writes without the first") {
          try await run(["curl", "-sf", "-XPUT", "\(machine.endpoint)/v2/keys/grown", "-d", "value=1"]).status == 0
        }
        try await expect(before, at: machine.endpoint)
      }
      for machine in restored.machines { try await machine.end(SIGKILL) }
    }
  }

  @Test func `etcdctl's backup of a stopped member starts by itself`() async throws {
    try await TestCluster.with(TestClusterShape(machines: 1)) { cluster in
      let source = cluster.nodes[0]
      try await fill(source.endpoint)
      let before = try await facts(of: source.endpoint)
      try await source.end(SIGKILL)
      let backup = cluster.directory.appendingPathComponent("backup").path
      let words = ["--data-dir", source.directory.path, "--backup-dir", backup]
      let made = try await run([BuiltProgram.coracle.path, "etcdctl", "backup"] + words)
      #expect(made.status == 0 && made.output.isEmpty && made.errors.isEmpty, "\(made)")
      let again = try await run([BuiltProgram.coracle.path, "etcdctl", "backup"] + words)
      #expect(again.status == 1 && again.errors.hasSuffix("is not empty; name a directory that does not exist yet\n"))

      let machine = RestoredMachine(name: "node1", number: 2, cluster, directory: backup)
      try await machine.startAlone()
      try await expect(before, at: machine.endpoint)
      try await machine.end(SIGKILL)
    }
  }

  @Test func `what is no backup, or a damaged one, is refused with one line and leaves nothing`() async throws {
    try await TestCluster.with(TestClusterShape(machines: 1)) { cluster in
      let source = cluster.nodes[0]
      try await fill(source.endpoint)
      let backup = cluster.directory.appendingPathComponent("backup")
      try await succeed([
        BuiltProgram.coracle.path, "kv", "backup", "--data-dir", source.directory.path, backup.path,
      ])
      func refusal(_ directory: URL, into target: String = "restored") async throws -> String {
        let place = cluster.directory.appendingPathComponent(target)
        let result = try await run([
          BuiltProgram.coracle.path, "kv", "restore", "--backup-dir", directory.path, "--data-dir", place.path,
        ])
        #expect(result.status == 1 && result.output.isEmpty, "\(result)")
        #expect(result.errors.split(separator: "\n").count == 1, "\(result)")
        if target == "restored" { #expect(!FileManager.default.fileExists(atPath: place.path)) }
        return result.errors
      }
      #expect(try await refusal(source.directory).contains("is no backup: it has no file named backup"))
      #expect(try await refusal(backup, into: "node1").contains("is not empty"))

      let log = backup.appendingPathComponent("member/raft.db")
      let good = try Data(contentsOf: log)
      for place in stride(from: good.count / 2, to: good.count, by: 4_096) {
        var bad = good
        for offset in 0..<64 { bad[place + offset] ^= 0x5A }
        try bad.write(to: log)
        let copy = cluster.directory.appendingPathComponent("copy")
        let result = try await run([
          BuiltProgram.coracle.path, "kv", "restore", "--backup-dir", backup.path, "--data-dir", copy.path,
        ])
        if result.status == 0 {
          // The page was not in use.
          try FileManager.default.removeItem(at: copy)
          continue
        }
        #expect(result.errors.contains("is damaged"), "\(result)")
        break
      }
      try good.prefix(good.count / 2).write(to: log)
      #expect(try await refusal(backup).contains("is damaged"))
      try Data("SQLite it is not".utf8).write(to: log)
      #expect(try await refusal(backup).contains("is damaged (it has only 16 bytes)"))
      try Data(String(repeating: "SQLite it is not. ", count: 2_000).utf8).write(to: log)
      #expect(try await refusal(backup).contains("is not a Raft database"))
      try FileManager.default.removeItem(at: log)
      #expect(try await refusal(backup).contains("its log, member/raft.db, is missing"))
      try Data("coracle backup 2\n".utf8).write(to: backup.appendingPathComponent("backup"))
      #expect(try await refusal(backup).contains("cannot be understood"))
    }
  }

  // MARK: What must be there again

  private struct Facts: Equatable {
    var tree: String
    var etcdIndex: Int
    var pastEvent: String
  }

  private func fill(_ endpoint: String) async throws {
    let script = """
      set -e
      put() { curl -sf -XPUT "\(endpoint)/v2/keys/$1" -d "$2" >/dev/null; }
      for i in $(seq 150); do put "many/$i" "value=$i"; done
      put dir "dir=true&ttl=5000"; put dir/k "value=in a directory with a life"
      put short "value=s&ttl=4000"; put _hidden/k value=h; put many/1 value=changed
      """
    try await succeed(["sh", "-c", script])
  }

  private func facts(of endpoint: String) async throws -> Facts {
    let headers = try await succeed(["curl", "-sif", "\(endpoint)/v2/keys/many/1?quorum=true"])
    let index = headers.firstMatch(of: /(?i)x-etcd-index: ([0-9]+)/).flatMap { Int($0.1) } ?? 0
    var trees: [String] = []
    for key in ["many", "dir", "short", "_hidden"] {
      trees.append(try await get("/v2/keys/\(key)?recursive=true&sorted=true", endpoint))
    }
    return Facts(
      tree: trees.joined(separator: "\n").replacing(/"ttl":[0-9]+/, with: "\"ttl\":S"),
      etcdIndex: index,
      pastEvent: try await get("/v2/keys/many?wait=true&recursive=true&waitIndex=\(index - 20)", endpoint)
    )
  }

  private func expect(_ before: Facts, at endpoint: String) async throws {
    try await eventually("\(endpoint) serves") {
      try await run(["curl", "-sf", "-m", "20", "\(endpoint)/v2/keys/many/1?quorum=true"]).status == 0
    }
    let after = try await facts(of: endpoint)
    #expect(after.tree == before.tree)
    #expect(after.etcdIndex >= before.etcdIndex)
    let past = try await get("/v2/keys/many?wait=true&recursive=true&waitIndex=\(before.etcdIndex - 20)", endpoint)
    #expect(past == before.pastEvent)
  }

  private func memberIDs(_ body: String) throws -> Set<String> {
    Set((try json(body)["members"] as? [[String: Any]] ?? []).compactMap { $0["id"] as? String })
  }
}

private func get(_ path: String, _ endpoint: String) async throws -> String {
  try await succeed(["curl", "-sf", "-m", "20", endpoint + path])
}

/// A machine whose data directory comes from a backup, or which joins one that has.
private final class RestoredMachine {
  let name: String
  let address: String
  let directory: String
  private let cluster: TestCluster
  private var child: ChildProcess?

  init(name: String, number: Int, _ cluster: TestCluster, directory: String? = nil) {
    self.name = name
    self.cluster = cluster
    address = cluster.nodes[0].address.split(separator: ".").dropLast().joined(separator: ".") + ".\(100 + number)"
    self.directory = directory ?? cluster.directory.appendingPathComponent(name).path
  }

  var endpoint: String { "http://\(address):2379" }
  var peerURL: String { "http://\(address):2380" }

  func startAlone() async throws { try await start("    initial-cluster: \(name)=\(peerURL)") }

  func start(_ lines: String) async throws {
    let file = try cluster.write(
      """
      #cloud-config
      coreos:
        etcd2:
          listen-client-urls: \(endpoint)
          advertise-client-urls: \(endpoint)
          listen-peer-urls: \(peerURL)
          initial-advertise-peer-urls: \(peerURL)
      \(lines)
        units:
          - name: etcd2.service
            command: start

      """,
      to: "\(name).yaml"
    )
    let words = [
      BuiltProgram.coracle.path, "node", "--cloud-config", file, "--data-dir", directory, "--name", name, "--docker",
      "none", "--public-ip", address, "--private-ip", address,
    ]
    let child = try ChildProcess(words, directory: cluster.directory)
    self.child = child
    do {
      try await eventually("\(name) is healthy") {
        try await run(["curl", "-s", "-m", "20", "\(endpoint)/health"]).output.contains("true")
      }
    } catch {
      throw CommandFailed(description: "\(error)\n\(child.errors)")
    }
  }

  func end(_ signal: Int32) async throws {
    guard let child, child.isRunning else { return }
    child.signal(signal)
    try await eventually("\(name) ends") { !child.isRunning }
  }
}

/// The machines of a restored cluster.
private final class RestoredMachines {
  private(set) var machines: [RestoredMachine] = []
  private let cluster: TestCluster

  init(_ cluster: TestCluster) {
    self.cluster = cluster
  }

  /// Restores a backup; nothing is started.
  func restore(_ backup: String, name: String) async throws -> RestoredMachine {
    let machine = RestoredMachine(name: name, number: machines.count + 1, cluster)
    let result = try await run([
      BuiltProgram.coracle.path, "kv", "restore", "--backup-dir", backup, "--data-dir", machine.directory, "--name",
      name, "--peer-url", machine.peerURL,
    ])
    #expect(result.status == 0 && result.output.hasPrefix("Restored member "), "\(result)")
    machines.append(machine)
    return machine
  }

  /// Adds a member and starts its machine with what the command printed for its cloud-config.
  func join(_ name: String, through endpoint: String) async throws {
    let machine = RestoredMachine(name: name, number: machines.count + 1, cluster)
    let words = ["cluster", "members", "add", "--endpoint", endpoint, name, machine.peerURL]
    var output = ""
    try await eventually("\(name) is added") {
      let added = try await cluster.coracle(words)
      output = added.output
      return added.status == 0
    }
    let wanted = ["    initial-cluster: ", "    initial-cluster-state: "]
    let lines = output.split(separator: "\n").filter { line in wanted.contains { line.hasPrefix($0) } }
    #expect(lines.count == 2, "\(output)")
    try await machine.start(lines.joined(separator: "\n"))
    machines.append(machine)
    let count = machines.count
    try await eventually("\(count) members have started") {
      let list = try await cluster.coracle(["cluster", "members", "--output", "json", "--endpoint", endpoint]).output
      return list.components(separatedBy: "\"isStarted\":true").count == count + 1
    }
    try await eventually("\(name) votes") {
      try await get("/coracle/v1/status", machine.endpoint).contains("\"voter\":true")
    }
  }
}
