// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import TestKit
import Testing

/// The acceptance scenarios of fleet's own functional tests that need several machines, by their numbers.
///
/// Three machines run, a fourth is off until it is needed. A node that gets SIGTERM stops its units, as fleet does.
/// docs/RELIABILITY.md has the table of all fifty.
@Suite(.serialized, .cluster(TestClusterShape(machines: 4, spares: 1, nodeArguments: ["--stop-units"])))
struct ThreeMachinesTests {
  /// Writes a unit file of a sleeper.
  func unit(_ cluster: TestCluster, _ name: String, _ fleetLines: String = "") throws -> String {
    try cluster.write(sleeper(fleetLines), to: name)
  }

  /// Three units that keep apart, on three machines.
  func startThreeApart(_ cluster: TestCluster, _ fleet: Fleetctl) async throws -> [String: Int] {
    let files = try (0..<3).map { try unit(cluster, "apart.\($0).service", "Conflicts=apart.*.service") }
    try await fleet.expect(["start"] + files)
    let homes = try await fleet.waitUntilActive((0..<3).map { "apart.\($0).service" })
    #expect(Set(homes.values) == [1, 2, 3])
    return homes
  }

  /// Keys and their modified indexes below a directory of fleet's.
  func targets(_ cluster: TestCluster) async throws -> [String: Int] {
    struct Node: Decodable {
      var key: String?
      var modifiedIndex: Int?
      var nodes: [Node]?

      var all: [Node] { [self] + (nodes ?? []).flatMap(\.all) }
    }
    struct Answer: Decodable {
      var node: Node
    }
    let body = try await cluster.get("/v2/keys/_coreos.com/fleet/job?recursive=true", from: cluster.nodes[0])
    let nodes = try JSONDecoder().decode(Answer.self, from: Data(body.utf8)).node.all
    return Dictionary(
      nodes.filter { $0.key?.hasSuffix("/target") == true }.map { ($0.key ?? "", $0.modifiedIndex ?? 0) }
    ) { $1 }
  }

  // MARK: Metadata

  private func patch(_ cluster: TestCluster, _ operations: [String]) async throws {
    let answer = try await succeed([
      "curl", "-s", "-i", "-X", "PATCH", "-d", "[\(operations.joined(separator: ","))]",
      "\(cluster.nodes[0].endpoint)/fleet/v1/machines",
    ])
    #expect(answer.hasPrefix("HTTP/1.1 204 ") && answer.contains("\r\nContent-Type: application/json\r\n"), "\(answer)")
  }

  func setMetadata(_ cluster: TestCluster, _ values: [(node: Int, key: String, value: String?)]) async throws {
    try await patch(
      cluster,
      values.map { entry in
        let path = "/\(cluster.nodes[entry.node - 1].machineID)/metadata/\(entry.key)"
        guard let value = entry.value else { return #"{"op":"remove","path":"\#(path)"}"# }
        return #"{"op":"add","path":"\#(path)","value":{"Value":"\#(value)"}}"#
      }
    )
  }

  @Test func `9 10 metadata are added, changed and removed, and the configured ones stay`() async throws {
    try await SharedCluster.use { cluster, fleet in
      func listed(_ node: Int) async throws -> String {
        let rows = try await fleet.expect(["list-machines", "--full", "--no-legend", "--fields=machine,metadata"])
        let row = rows.output.split(separator: "\n").first { $0.hasPrefix(cluster.nodes[node - 1].machineID) }
        return row.flatMap { $0.split(separator: "\t").last.map(String.init) } ?? ""
      }
      let (first, second) = (cluster.nodes[0].machineID, cluster.nodes[1].machineID)
      try await patch(
        cluster,
        [
          #"{"op":"add","path":"/\#(first)/metadata/foo","value":{"Value":"bar"}}"#,
          #"{"op":"replace","path":"/\#(second)/metadata/ping","value":{"value":"pong"}}"#,
        ]
      )
      #expect(try await listed(1) == "foo=bar,platform=test")
      #expect(try await listed(2) == "ping=pong,platform=test")
      #expect(try await listed(3) == "platform=test")
      // 10
      try await patch(
        cluster,
        [
          #"{"op":"remove","path":"/\#(first)/metadata/foo"}"#,
          #"{"op":"remove","path":"/\#(second)/metadata/ping"}"#,
        ]
      )
      for node in 1...3 { #expect(try await listed(node) == "platform=test") }
    }
  }

  // MARK: Scheduling

  @Test func `24 a unit that its [Install] section ties to another starts and stops with it`() async throws {
    try await SharedCluster.use { cluster, fleet in
      let discovery = try cluster.write(
        sleeper("MachineOf=hello.service", unitLines: "BindsTo=hello.service\nAfter=hello.service\n")
          .replacingOccurrences(of: "[X-Fleet]", with: "[Install]\nWantedBy=hello.service\n\n[X-Fleet]"),
        to: "discovery.service"
      )
      let names = ["discovery.service", "hello.service"]
      try await fleet.expect(["load", discovery, try unit(cluster, "hello.service")])
      try await fleet.wait(for: Dictionary(uniqueKeysWithValues: names.map { ($0, "inactive/dead") }))
      // Its wanted state is loaded: the start of the other one begins it on their machine.
      try await fleet.expect(["start", "hello"])
      let homes = try await fleet.waitUntilActive(names)
      #expect(homes[names[0]] == homes[names[1]])
      try await fleet.expect(["stop", "hello"])
      try await fleet.waitUntilActive([])
    }
  }

  @Test func `26 pairs land together and move together when their machine dies`() async throws {
    try await SharedCluster.use { cluster, fleet in
      var files: [String] = []
      for number in 1...3 {
        files.append(try unit(cluster, "pong.\(number).service", "MachineOf=ping.\(number).service"))
        files.append(try unit(cluster, "ping.\(number).service"))
      }
      let names = files.map { URL(fileURLWithPath: $0).lastPathComponent }
      try await fleet.expect(["start"] + files)
      let before = try await fleet.waitUntilActive(names)
      for number in 1...3 { #expect(before["ping.\(number).service"] == before["pong.\(number).service"]) }
      #expect(Set(before.values) == [1, 2, 3])

      let lost = cluster.nodes[1]
      let moving = Set(before.filter { $0.value == lost.number }.keys)
      try await lost.powerOff()
      var after: [String: Int] = [:]
      try await eventually("six units run on two machines") {
        after = try await fleet.active().filter { $0.value.count == 1 }.mapValues { $0[0] }
        return after.count == 6 && !after.values.contains(lost.number)
      }
      #expect(Set(after.filter { $0.value != before[$0.key] }.keys) == moving)
      for number in 1...3 { #expect(after["ping.\(number).service"] == after["pong.\(number).service"]) }
      try lost.start()
      try await cluster.waitUntilListed(Array(cluster.nodes[0..<3]))
    }
  }

  @Test func `27 of five units that conflict three run, on three machines`() async throws {
    try await SharedCluster.use { cluster, fleet in
      let names = (0..<5).map { "conflict.\($0).service" }
      let files = try names.map { try unit(cluster, $0, "Conflicts=conflict.*.service") }
      try await fleet.expect(["start", "--no-block"] + files)
      func threeRun() async throws -> Bool {
        let active = try await fleet.active()
        return active.count == 3 && active.values.sorted { $0[0] < $1[0] } == [[1], [2], [3]]
      }
      try await eventually("three run", threeRun)
      try await holds("three run", for: .seconds(1), threeRun)
      #expect(try await fleet.column(["list-unit-files"]) == names)
    }
  }

  @Test(arguments: [
    "Conflicts=c.0.service c.1.service c.2.service",
    "Conflicts=c.0.service\nConflicts=c.1.service\nConflicts=c.2.service",
  ])
  func `29 conflicts in one line and in three lines keep units apart alike`(conflicts: String) async throws {
    try await SharedCluster.use { cluster, fleet in
      let names = (0..<3).map { "c.\($0).service" }
      try await fleet.expect(["start"] + names.map { try unit(cluster, $0, conflicts) })
      #expect(Set(try await fleet.waitUntilActive(names).values) == [1, 2, 3])
    }
  }

  @Test func `30 a unit that replaces another takes its place, and that one moves`() async throws {
    try await SharedCluster.use { cluster, fleet in
      try await setMetadata(cluster, [(1, "pool", "two"), (2, "pool", "two")])
      let pool = "MachineMetadata=pool=two\n"
      for (name, lines) in [
        ("replace.0.service", ""), ("replace.1.service", ""), ("replace.2.service", "MachineOf=replace.1.service"),
      ] {
        try await fleet.expect(["start", try unit(cluster, name, pool + lines)])
      }
      let names = (0..<3).map { "replace.\($0).service" }
      let before = try await fleet.waitUntilActive(names)
      #expect(before["replace.0.service"] != before["replace.1.service"])
      #expect(before["replace.1.service"] == before["replace.2.service"])
      try await fleet.expect([
        "start", try unit(cluster, "replace.new.service", pool + "Replaces=replace.0.service"),
      ])
      var after: [String: Int] = [:]
      try await eventually("the replaced unit has moved") {
        after = try await fleet.active().filter { $0.value.count == 1 }.mapValues { $0[0] }
        return after.count == 4 && after["replace.0.service"] == before["replace.1.service"]
      }
      #expect(after["replace.new.service"] == before["replace.0.service"])
      #expect(after["replace.1.service"] == before["replace.1.service"])
      let settled = try await targets(cluster)
      try await holds("nothing moves", for: .seconds(1)) { try await targets(cluster) == settled }
      try await setMetadata(cluster, [(1, "pool", nil), (2, "pool", nil)])
    }
  }

  @Test func `31 units that replace each other come to rest`() async throws {
    try await SharedCluster.use { cluster, fleet in
      try await setMetadata(cluster, [(1, "pool", "two"), (2, "pool", "two")])
      let pool = "MachineMetadata=pool=two\n"
      let first = try unit(cluster, "circ.0.service", pool + "Replaces=circ.1.service")
      let second = try unit(cluster, "circ.1.service", pool + "Replaces=circ.0.service")
      try await fleet.expect(["start", first])
      let home = try await fleet.waitUntilActive(["circ.0.service"])["circ.0.service"]
      let process = cluster.nodes[(home ?? 1) - 1].processes(named: "sleep")
      try await fleet.expect(["start", "--no-block", second])
      try await eventually("the second is placed") { try await targets(cluster).count == 2 }
      let settled = try await targets(cluster)
      try await holds("nothing moves", for: .seconds(2)) { try await targets(cluster) == settled }
      let homes = try await fleet.waitUntilActive(["circ.0.service", "circ.1.service"])
      #expect(homes["circ.0.service"] == home && homes["circ.1.service"] != home)
      #expect(cluster.nodes[(home ?? 1) - 1].processes(named: "sleep") == process)
      try await setMetadata(cluster, [(1, "pool", nil), (2, "pool", nil)])
    }
  }

  @Test func `32 MachineID pins units to machines`() async throws {
    try await SharedCluster.use { cluster, fleet in
      let ids = cluster.nodes.prefix(3).map(\.machineID)
      let lines = ["MachineID=\(ids[2])", "MachineID=\(ids[1].prefix(8))", "X-ConditionMachineID=\(ids[0])"]
      let files = try lines.enumerated().map { try unit(cluster, "pinned.\($0.offset).service", $0.element) }
      try await fleet.expect(["start"] + files)
      let homes = try await fleet.waitUntilActive((0..<3).map { "pinned.\($0).service" })
      #expect((0..<3).map { homes["pinned.\($0).service"] } == [3, 2, 1])
    }
  }

  @Test func `33 a global unit runs on each machine beside others`() async throws {
    try await SharedCluster.use { cluster, fleet in
      try await fleet.expect([
        "start", try unit(cluster, "a.service"), try unit(cluster, "b.service"),
        try unit(cluster, "global.service", "Global=true"),
      ])
      try await eventually("five states are active") {
        let active = try await fleet.active()
        return active["global.service"] == [1, 2, 3] && active["a.service"]?.count == 1
          && active["b.service"]?.count == 1
      }
      #expect(try await fleet.expect(["status", "global.service"]).output.contains("active (running)"))
      let before = Set(cluster.nodes.flatMap { $0.processes(named: "sleep") })
      try await fleet.expect(["restart", "global.service"])
      try await eventually("the global unit has been restarted everywhere") {
        let now = Set(cluster.nodes.flatMap { $0.processes(named: "sleep") })
        return now.count == 5 && now.intersection(before).count == 2
      }
    }
  }

  @Test func `34 of two global units that conflict only the first runs, everywhere`() async throws {
    try await SharedCluster.use { cluster, fleet in
      let files = try (0...1).map { try unit(cluster, "global\($0).service", "Global=true\nConflicts=global*.service") }
      // One command would ask for both at once, and the one that runs first stays.
      for file in files { try await fleet.expect(["start", file]) }
      func onlyTheFirst() async throws -> Bool { try await fleet.active() == ["global0.service": [1, 2, 3]] }
      try await eventually("the first runs", onlyTheFirst)
      try await holds("only the first runs", for: .seconds(1), onlyTheFirst)
    }
  }

  @Test func `35 specifiers in metadata choose the machine`() async throws {
    try await SharedCluster.use { cluster, fleet in
      try await setMetadata(cluster, (1...3).map { ($0, "hostname", "host-\($0)") })
      let template = try unit(cluster, "meta@.service", "MachineMetadata=hostname=%i")
      try await fleet.expect(["submit", template])
      let names = (1...3).map { "meta@host-\($0).service" }
      try await fleet.expect(["start"] + names)
      let homes = try await fleet.waitUntilActive(names)
      #expect(names.map { homes[$0] } == [1, 2, 3])
      // An attempt is two seconds; upstream waits for twenty of them.
      let unknown = try await fleet.run(["start", "--block-attempts=1", "meta@elsewhere.service"])
      #expect(unknown.status == 1 && unknown.errors.contains("local Machine metadata insufficient"), "\(unknown)")
      try await setMetadata(cluster, (1...3).map { ($0, "hostname", nil) })
    }
  }

  @Test func `49 a global unit that conflicts with a running unit leaves it alone`() async throws {
    try await SharedCluster.use { cluster, fleet in
      try await fleet.expect(["start", try unit(cluster, "running.service")])
      let home = try #require(try await fleet.waitUntilActive(["running.service"])["running.service"])
      let process = cluster.nodes[home - 1].processes(named: "sleep")
      // Its name comes first in every listing.
      try await fleet.expect(["start", try unit(cluster, "a.service", "Global=true\nConflicts=running.service")])
      func keepApart() async throws -> Bool {
        try await fleet.active() == ["running.service": [home], "a.service": [1, 2, 3].filter { $0 != home }]
      }
      try await eventually("the global unit runs on the two others", keepApart)
      try await holds("they keep apart", for: .seconds(1), keepApart)
      #expect(cluster.nodes[home - 1].processes(named: "sleep") == process)
    }
  }
}
