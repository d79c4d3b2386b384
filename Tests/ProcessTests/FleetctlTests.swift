// SPDX-License-Identifier: Apache-2.0
import Foundation
import TestKit
import Testing

/// fleetctl, as the built program, on a node of its own.
///
/// The numbers are those of the acceptance scenarios, specs/fleet.md §12.
@Suite(.serialized) struct FleetctlTests {
  private static let hello = """
    [Unit]
    Description=Hello World

    [Service]
    ExecStart=/bin/sh -c "echo Hello, World!; exec sleep 1000000"

    """

  @Test func `scenarios 1 to 4, 12 to 19, 21, 23, 47 and 48: units are submitted, loaded, started, and gone again`()
    async throws
  {
    try await TestCluster.with(TestClusterShape(machines: 1)) { cluster in
      let file = try cluster.write(Self.hello, to: "hello@.service")
      try await scenarios1To4(cluster)

      // 13 and 23, with braces that the shell left alone, in the order that sorting has to mend
      for number in [3, 1, 2] { try await succeed(["submit", instance(file, number)], cluster) }
      #expect(try await column(["list-unit-files"], cluster) == names(1...3))
      #expect(try await succeed(["cat", "hello@1"], cluster).output == Self.hello)
      try await succeed(["destroy", "hello@{1..3}"], cluster)
      #expect(try await column(["list-unit-files"], cluster) == [])

      // 14
      try await succeed(["load"] + (1...3).map { instance(file, $0) }, cluster)
      try await eventually("three units are loaded") { try await column(["list-units"], cluster) == names(1...3) }
      try await succeed(["unload", "hello@*"], cluster)
      try await eventually("no unit is loaded") { try await column(["list-units"], cluster) == [] }

      // 12, 15 and 19
      try await succeed(["start", "hello@{1..3}"], cluster)
      try await eventually("three units are active") { try await active(cluster) == 3 }
      let before = Set(cluster.nodes[0].processes(named: "sleep"))
      try await succeed(["restart", "hello@{1..3}"], cluster)
      try await eventually("three units are active again") { try await active(cluster) == 3 }
      // 47
      #expect(before.isDisjoint(with: cluster.nodes[0].processes(named: "sleep")))
      try await succeed(["stop", "hello@{1..3}"], cluster)
      try await eventually("no unit is active") { try await active(cluster) == 0 }

      // 48
      try await succeed(["start", "--no-block", "hello@1"], cluster)
      try await succeed(["stop", "hello@1"], cluster)
      try await eventually("the unit ends stopped") { try await active(cluster) == 0 }

      // 16 to 18
      _ = try cluster.write(Self.hello.replacingOccurrences(of: "World", with: "Moon"), to: "hello@2.service")
      let replaced = try await succeed(["start", "--replace", instance(file, 2)], cluster)
      #expect(replaced.output.contains("Unit hello@2.service launched on "), "\(replaced)")
      #expect(try await succeed(["cat", "hello@2"], cluster).output.contains("Moon"))
      try await succeed(["destroy", "hello@*"], cluster)
      try await eventually("no process is left") { cluster.nodes[0].processes(named: "sleep").isEmpty }
    }
  }

  private func scenarios1To4(_ cluster: TestCluster) async throws {
    #expect(try await succeed(["version"], cluster).output.hasPrefix("fleetctl version 1.0.0"))
    for words in [["--help"], ["-h"], ["help"], []] {
      #expect(try await succeed(words, cluster).output.contains("fleetctl version 1.0.0"))
    }
    let machines = try await succeed(["list-machines", "--full", "--no-legend"], cluster)
    #expect(machines.output.hasPrefix(cluster.nodes[0].machineID))
  }

  @Test func `the etcd driver sees and does the same as the API, on our store`() async throws {
    try await TestCluster.with(TestClusterShape(machines: 1)) { cluster in
      let file = try cluster.write(Self.hello, to: "hello.service")
      let driver = ["--driver=etcd"]
      try await succeed(driver + ["start", file], cluster)
      try await eventually("the unit is active") { try await active(cluster) == 1 }
      for listing in [
        ["list-machines"], ["list-units"], ["list-unit-files"], ["list-units", "--full", "--fields=hash"],
      ] {
        let fromAPI = try await succeed(listing, cluster)
        #expect(try await succeed(driver + listing, cluster).output == fromAPI.output)
      }
      #expect(try await succeed(driver + ["cat", "hello"], cluster).output == Self.hello)
      let status = try await succeed(driver + ["status", "hello"], cluster)
      #expect(status.output.contains("Active: active (running)"), "\(status)")
      let journal = try await succeed(driver + ["journal", "hello"], cluster)
      #expect(journal.output.contains("Hello, World!"), "\(journal)")
      try await succeed(driver + ["restart", "hello"], cluster)
      try await succeed(driver + ["stop", "hello"], cluster)
      try await eventually("the unit is stopped") { try await active(cluster) == 0 }
      try await succeed(driver + ["destroy", "hello"], cluster)
      try await eventually("no key of the unit is left") {
        let keys = try await cluster.get("/v2/keys/_coreos.com/fleet?recursive=true", from: cluster.nodes[0])
        return !["/job/", "/unit/", "/states/"].contains { keys.contains("fleet\($0)") }
      }
    }
  }

  @Test func `the API is the same on the client port, on its own port and on the control socket`() async throws {
    try await TestCluster.with(TestClusterShape(machines: 1)) { cluster in
      let node = cluster.nodes[0]
      let socket = node.directory.appendingPathComponent("coracle.sock").path
      let places: [[String]] = [
        ["http://\(node.address):2379"], ["http://\(node.address):49153"], ["--unix-socket", socket, "http://socket"],
      ]
      var answers: Set<String> = []
      for prefix in ["/fleet/v1", "/v1-alpha"] {
        for place in places {
          let url = "\(place.last ?? "")\(prefix)/machines"
          let answer = try await run(
            ["curl", "-s", "-i"] + place.dropLast() + [url],
            directory: cluster.directory
          )
          answers.insert(
            answer.output.split(separator: "\r\n").filter { !$0.hasPrefix("Date:") }.joined(separator: "\n")
          )
        }
      }
      #expect(answers.count == 1, "\(answers)")
      let answer = try #require(answers.first)
      #expect(answer.hasPrefix("HTTP/1.1 200 OK\n"))
      #expect(answer.contains("\nServer: fleetd/1.0.0\n"))
      #expect(answer.hasSuffix(#""primaryIP":"\#(node.address)"}]}"#))
    }
  }

  @Test func `a unit that fits nowhere is explained while fleetctl waits for it`() async throws {
    try await TestCluster.with(TestClusterShape(machines: 1)) { cluster in
      let file = try cluster.write(Self.hello + "[X-Fleet]\nMachineMetadata=disk=gold\n", to: "picky.service")
      let waiting = try ChildProcess(
        [try cluster.program("fleetctl"), "start", file],
        environment: ["FLEETCTL_ENDPOINT": cluster.nodes[0].endpoint],
        directory: cluster.directory
      )
      try await eventually("the reason is told") { waiting.errors.contains("local Machine metadata insufficient") }
      #expect(waiting.isRunning)
      let machine = String(cluster.nodes[0].machineID.prefix(8))
      #expect(try await cluster.coracle(["machine", "set-metadata", machine, "disk=gold"]).status == 0)
      try await eventually("fleetctl has seen it start") { !waiting.isRunning }
      #expect(waiting.status == 0)
      #expect(waiting.output.contains("Unit picky.service launched on \(machine).../"))
      #expect(try await cluster.coracle(["machine", "set-metadata", machine, "--remove", "disk"]).status == 0)
      try await eventually("the unit has left the machine") { try await column(["list-units"], cluster) == [] }
    }
  }

  // MARK: Commands

  private func instance(_ file: String, _ number: Int) -> String {
    file.replacingOccurrences(of: "@.service", with: "@\(number).service")
  }

  private func names(_ numbers: ClosedRange<Int>) -> [String] { numbers.map { "hello@\($0).service" } }

  @discardableResult
  private func succeed(_ words: [String], _ cluster: TestCluster) async throws -> CommandOutput {
    let result = try await run(
      [try cluster.program("fleetctl")] + words,
      environment: ["FLEETCTL_ENDPOINT": cluster.nodes[0].endpoint],
      directory: cluster.directory,
      within: .seconds(60)
    )
    guard result.status == 0 else { throw CommandFailed(description: result.description) }
    return result
  }

  /// The first column of a listing.
  private func column(_ words: [String], _ cluster: TestCluster) async throws -> [String] {
    let listing = try await succeed(words + ["--no-legend"], cluster).output
    return listing.split(separator: "\n").map { String($0.split(whereSeparator: \.isWhitespace).first ?? "") }
  }

  private func active(_ cluster: TestCluster) async throws -> Int {
    let listing = try await succeed(["list-units", "--no-legend", "--fields=active"], cluster).output
    return listing.split(separator: "\n").filter { $0 == "active" }.count
  }
}
