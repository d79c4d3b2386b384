// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import TestKit
import Testing

/// The acceptance scenarios of fleet's own functional tests that need one machine, by their numbers, with the built program.
///
/// docs/RELIABILITY.md has the table of all fifty.
@Suite(.serialized, .cluster(TestClusterShape(machines: 1, nodeArguments: ["--stop-units"])))
struct OneMachineTests {
  static let hello = """
    [Unit]
    Description=Hello World

    [Service]
    ExecStart=/bin/sh -c "echo Hello, World!; exec sleep 1000000"

    """

  func names(_ numbers: ClosedRange<Int>) -> [String] { numbers.map { "hello@\($0).service" } }

  /// The paths of instances beside a template that is written now.
  func instances(_ cluster: TestCluster, _ numbers: ClosedRange<Int>) throws -> [String] {
    let template = try cluster.write(Self.hello, to: "hello@.service")
    return numbers.map { template.replacingOccurrences(of: "@", with: "@\($0)") }
  }

  // MARK: Client

  @Test func `1 version prints fleetctl's version`() async throws {
    try await SharedCluster.use { _, fleet in
      let version = try await fleet.expect(["version"])
      #expect(version.output.hasPrefix("fleetctl version 1.0.0"))
    }
  }

  @Test func `2 help contains the version`() async throws {
    try await SharedCluster.use { _, fleet in
      let version = try await fleet.expect(["version"]).output.trimmingCharacters(in: .newlines)
      #expect(try await fleet.expect(["help"]).output.contains(version.prefix(while: { $0 != "(" })))
    }
  }

  @Test(arguments: [["--help"], ["-h"], ["help"], []])
  func `3 help is there in every form`(words: [String]) async throws {
    try await SharedCluster.use { _, fleet in
      let help = try await fleet.expect(words)
      #expect(help.output.contains("list-machines"))
    }
  }

  @Test func `4 list-machines works with FLEETCTL_ENDPOINT alone`() async throws {
    try await SharedCluster.use { cluster, fleet in
      let listing = try await fleet.expect(["list-machines", "--full", "--no-legend"]).output
      #expect(listing == "\(cluster.nodes[0].machineID)\t\(cluster.nodes[0].address)\tplatform=test\n")
    }
  }

  // MARK: API

  /// Status, content type and body of an answer of fleet's own port.
  private func ask(_ cluster: TestCluster, _ path: String, _ words: [String] = []) async throws -> [String] {
    let answer = try await succeed(
      ["curl", "-s", "-m", "20", "-w", "\n%{http_code}\n%{content_type}"] + words
        + ["http://\(cluster.nodes[0].address):49153/fleet/v1/\(path)"]
    )
    return answer.split(separator: "\n", omittingEmptySubsequences: false).map(String.init).suffix(3)
  }

  @Test func `7 machines are listed as JSON`() async throws {
    try await SharedCluster.use { cluster, _ in
      let answer = try await ask(cluster, "machines")
      #expect(answer.suffix(2) == ["200", "application/json"])
      #expect(answer[0].hasPrefix(#"{"machines":[{"#) && answer[0].contains(cluster.nodes[0].machineID), "\(answer)")
    }
  }

  @Test func `8 a page token of another limit is refused`() async throws {
    try await SharedCluster.use { cluster, _ in
      let answer = try await ask(cluster, "machines?nextPageToken=EwBMLg==")
      #expect(answer == [#"{"error":{"code":400,"message":"token limit must be 100"}}"#, "400", "application/json"])
    }
  }

  @Test(arguments: [
    (
      #"{"op":"noop","path":"/MACHINE/metadata/foo","value":{"value":"bar"}}"#,
      "invalid op: expect add, remove, or replace"
    ),
    (#"{"op":"add","path":"/MACHINE/foo","value":{"value":"bar"}}"#, "machine metadata path invalid"),
    (
      #"{"op":"add","path":"/MACHINE/metadata/foo","value":{"value":""}}"#,
      "invalid value: add and replace require a value"
    ),
  ])
  func `11 a bad change of metadata is refused, and nothing of it is done`(
    operation: String,
    message: String
  ) async throws {
    try await SharedCluster.use { cluster, fleet in
      let machine = cluster.nodes[0].machineID
      let good = #"{"op":"add","path":"/MACHINE/metadata/good","value":{"value":"x"}}"#
      let body = "[\(good),\(operation)]".replacingOccurrences(of: "MACHINE", with: machine)
      let answer = try await ask(cluster, "machines", ["-X", "PATCH", "-d", body])
      #expect(
        answer == [#"{"error":{"code":400,"message":"\#(message)"}}"#, "400", "application/json"]
      )
      #expect(try await fleet.expect(["list-machines"]).output.contains("good") == false)
    }
  }

  // MARK: Unit actions

  @Test func `12 a started unit is the only active one`() async throws {
    try await SharedCluster.use { cluster, fleet in
      try await fleet.expect(["start", try cluster.write(Self.hello, to: "hello.service")])
      try await fleet.waitUntilActive(["hello.service"])
      #expect(try await fleet.column(["list-units"]) == ["hello.service"])
    }
  }

  @Test func `13 units are submitted and destroyed, and so again`() async throws {
    try await SharedCluster.use { cluster, fleet in
      let files = try instances(cluster, 1...9)
      for _ in 1...2 {
        try await fleet.expect(["submit"] + files)
        #expect(try await fleet.column(["list-unit-files"]) == names(1...9))
        try await fleet.expect(["destroy"] + names(1...9))
        #expect(try await fleet.column(["list-unit-files"]) == [])
      }
    }
  }

  @Test func `14 units are loaded and unloaded, and so again`() async throws {
    try await SharedCluster.use { cluster, fleet in
      let files = try instances(cluster, 1...6)
      for _ in 1...2 {
        try await fleet.expect(["load"] + files)
        try await eventually("six units are loaded") { try await fleet.column(["list-units"]) == names(1...6) }
        #expect(try await fleet.active().isEmpty)
        try await fleet.expect(["unload"] + names(1...6))
        try await eventually("no unit is loaded") { try await fleet.column(["list-units"]) == [] }
      }
    }
  }

  @Test func `15 units are started and stopped, and so again`() async throws {
    try await SharedCluster.use { cluster, fleet in
      let files = try instances(cluster, 1...3)
      for _ in 1...2 {
        try await fleet.expect(["start"] + files)
        try await fleet.waitUntilActive(names(1...3))
        // Braces and patterns that the shell left alone are ours.
        try await fleet.expect(["stop", "hello@{1..2}", "hello@3*"])
        try await fleet.waitUntilActive([])
      }
    }
  }

  @Test(arguments: [
    (16, "submit", 9), (17, "load", 6), (18, "start", 3),
  ]) func `16 17 18 units are replaced when submitted, loaded and started`(
    number: Int,
    verb: String,
    count: Int
  ) async throws {
    try await SharedCluster.use { cluster, fleet in
      let plain = (1...count).map { "hello\($0).service" }
      let files = try plain.map { try cluster.write(Self.hello, to: $0) }
      try await fleet.expect([verb] + files)
      let moon = Self.hello.replacingOccurrences(of: "World", with: "Moon")
      for (name, file) in zip(plain, files) {
        _ = try cluster.write(moon, to: name)
        let ignored = try await fleet.expect([verb, file])
        #expect(ignored.errors.contains("differs from local"), "\(ignored)")
        #expect(try await fleet.expect(["cat", name]).output == Self.hello)
        try await fleet.expect([verb, "--replace", file])
        #expect(try await fleet.expect(["cat", name]).output == moon)
      }
      if verb == "start" {
        try await fleet.waitUntilActive(plain)
        #expect(try await fleet.expect(["journal", plain[0]]).output.contains("Hello, Moon!"))
      }
    }
  }

  @Test func `19 47 restarted units are active again, with other processes`() async throws {
    try await SharedCluster.use { cluster, fleet in
      let node = cluster.nodes[0]
      try await fleet.expect(["start"] + instances(cluster, 1...3))
      try await fleet.waitUntilActive(names(1...3))
      let before = Set(try await node.processes(named: "sleep", count: 3))
      try await fleet.expect(["restart"] + names(1...3))
      try await fleet.waitUntilActive(names(1...3))
      #expect(before.isDisjoint(with: node.processes(named: "sleep")))
      try await fleet.expect(["stop"] + names(1...3))
      try await fleet.waitUntilActive([])
      try await fleet.expect(["restart"] + names(1...3))
      try await fleet.waitUntilActive(names(1...3))
    }
  }

  @Test func `21 cat prints what was submitted`() async throws {
    try await SharedCluster.use { cluster, fleet in
      try await fleet.expect(["submit", try cluster.write(Self.hello, to: "hello.service")])
      #expect(try await fleet.expect(["cat", "hello"]).output == Self.hello)
    }
  }

  @Test func `22 the status of a loaded unit says so`() async throws {
    try await SharedCluster.use { cluster, fleet in
      try await fleet.expect(["load", try cluster.write(Self.hello, to: "hello.service")])
      // systemctl's own exit status of a unit that is not active.
      let status = try await fleet.run(["status", "hello.service"])
      #expect(status.output.contains("Loaded: loaded") && status.status == 3, "\(status)")
    }
  }

  @Test func `23 unit files are listed in order`() async throws {
    try await SharedCluster.use { cluster, fleet in
      let files = try instances(cluster, 1...20)
      for file in files.reversed() { try await fleet.expect(["submit", file]) }
      #expect(try await fleet.column(["list-unit-files"]) == names(1...20).sorted())
    }
  }

  @Test func `28 a one way conflict keeps the other out until it is gone`() async throws {
    try await SharedCluster.use { cluster, fleet in
      let rival = try cluster.write(sleeper("Conflicts=hello.service"), to: "rival.service")
      try await fleet.expect(["start", rival])
      try await fleet.expect(["start", "--no-block", try cluster.write(Self.hello, to: "hello.service")])
      try await eventually("the refusal is told") {
        try await fleet.run(["start", "--block-attempts=1", "hello"]).errors.contains("conflict")
      }
      try await fleet.waitUntilActive(["rival.service"])
      try await fleet.expect(["destroy", "rival"])
      try await fleet.waitUntilActive(["hello.service"])
    }
  }
}
