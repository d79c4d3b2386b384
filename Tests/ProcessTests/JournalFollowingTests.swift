// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import TestKit
import Testing

/// `coracle unit journal` on three nodes, over everything that may break it off.
@Suite(.serialized) struct JournalFollowingTests {
  /// Counts aloud, each run for itself.
  private static let talker = """
    [Service]
    ExecStart=/bin/sh -c "i=0; while :; do i=$$((i+1)); echo %i $$$$ $$i; sleep 0.1; done"

    """

  /// A line of a talker: `Nov 27 12:00:00 talk@1.service[01c0c0c0] sh[77]: 1 77 5`.
  private struct Word: Hashable {
    var source: Substring
    var run: Substring
    var number: Int

    init?(_ line: Substring) {
      let words = line.split(separator: " ")
      guard words.count == 8, let number = Int(words[7]) else { return nil }
      (source, run, self.number) = (words[3], words[6], number)
    }
  }

  @Test func `a template is followed over a killed node, a restart and a move, each line once`() async throws {
    try await TestCluster.with(TestClusterShape(machines: 3, agentTTL: "20s")) { cluster in
      let file = try cluster.write(Self.talker, to: "talk@.service")
      try await succeed(["unit", "submit", file], cluster)
      try await succeed(["unit", "start", "talk@{1..3}"], cluster)
      let begin = Date().timeIntervalSince1970 - 60
      let follower = try ChildProcess(
        [BuiltProgram.coracle.path, "unit", "journal", "talk@", "-f", "--since", "@\(Int(begin))"],
        environment: ["CORACLE_ENDPOINT": cluster.nodes[0].endpoint],
        directory: cluster.directory
      )
      defer { follower.signal(SIGKILL) }
      try await eventually("three units on three machines are heard") {
        Set(words(follower).map(\.source)).count == 3
      }
      // What comes after what was there already shows that the machines are being followed.
      try await goesOn(follower, for: ["1", "2", "3"])
      // First the node that is asked, which also runs one of the units, then another.
      for node in cluster.nodes.prefix(2) {
        let before = complaints(follower, about: node)
        try await node.end(SIGKILL)
        try await eventually("the break is told") { complaints(follower, about: node) > before }
        try node.start()
        try await eventually("node \(node.number) is back") {
          try await cluster.get("/health", from: node).contains("true")
        }
        try await goesOn(follower, for: ["1", "2", "3"])
      }
      // A new instance, a restart, and a move.
      try await succeed(["unit", "start", "talk@4"], cluster)
      try await goesOn(follower, for: ["4"])
      let runs = Set(words(follower).map(\.run))
      try await succeed(["unit", "restart", "talk@1"], cluster)
      try await eventually("a new run of talk@1 is heard") {
        words(follower).contains { $0.source.hasPrefix("talk@1.") && !runs.contains($0.run) }
      }
      let moving = try #require(
        words(follower).last { $0.source.hasSuffix("[03c0c0c0]") }?.source.split(separator: "[")[0]
      )
      try await succeed(["machine", "drain", "--no-block", cluster.nodes[2].machineID], cluster)
      try await eventually("\(moving) is heard from another machine") {
        words(follower).contains { $0.source.hasPrefix(moving) && !$0.source.hasSuffix("[03c0c0c0]") }
      }
      try await goesOn(follower, for: ["1", "2", "3", "4"])
      follower.signal(SIGTERM)
      try await follower.wait(within: .seconds(60))

      let heard = words(follower)
      for (run, words) in Dictionary(grouping: heard, by: \.run) {
        #expect(words.map(\.number) == Array(1...words.count), "run \(run): \(words.map(\.number))\n\(follower.errors)")
      }
      try await looksBack(cluster, Set(heard.map(\.source)))
    }
  }

  /// What is there is shown by unit, machine, time and form.
  private func looksBack(_ cluster: TestCluster, _ sources: Set<Substring>) async throws {
    let all = try await succeed(["unit", "journal", "talk@*", "-n", "100000"], cluster).split(separator: "\n")
    #expect(Set(all.compactMap { Word($0) }.map(\.source)).isSuperset(of: sources))
    #expect(all.contains { $0.contains("Started talk@1") || $0.contains("Starting talk@1") })
    let last = try await succeed(["unit", "journal", "talk@1", "-n", "3", "--output", "json"], cluster, on: 1)
    #expect(last.split(separator: "\n").count == 3)
    #expect(last.contains(#""_SYSTEMD_UNIT":"talk@1.service""#) && last.contains("_SYSTEMD_INVOCATION_ID"))
    let here = try await succeed(["unit", "journal", "talk@", "--machine", "03", "--since", "-1h"], cluster)
    #expect(here.split(separator: "\n").allSatisfy { $0.contains("[03c0c0c0]") } && !here.isEmpty)
    #expect(try await succeed(["unit", "journal", "talk@", "--until", "yesterday"], cluster).isEmpty)
    let unknown = try await cluster.coracle(["unit", "journal", "nobody"])
    #expect(unknown.status == 1 && unknown.errors == "Unit nobody.service does not exist.\n", "\(unknown)")
    let fleetctl = try await run(
      [try cluster.program("fleetctl"), "--endpoint", cluster.nodes[1].endpoint, "journal", "--lines", "2", "talk@1"],
      directory: cluster.directory
    )
    #expect(fleetctl.status == 0 && fleetctl.output.split(separator: "\n").count == 2, "\(fleetctl)")
    #expect(!fleetctl.output.contains("talk@1.service["))
    // What a unit has said stays when it is destroyed.
    try await succeed(["unit", "destroy", "talk@2"], cluster)
    #expect(try await succeed(["unit", "journal", "talk@2"], cluster).contains("Stopped"))
  }

  private func words(_ follower: ChildProcess) -> [Word] {
    follower.output.split(separator: "\n").compactMap { Word($0) }
  }

  private func complaints(_ follower: ChildProcess, about node: TestNode) -> Int {
    follower.errors.split(separator: "\n").filter { $0.hasPrefix("-- machine \(node.machineID.prefix(8)) ") }.count
  }

  /// Waits for five more lines of each instance.
  private func goesOn(_ follower: ChildProcess, for instances: [String]) async throws {
    func counts() -> [Int] {
      let heard = words(follower)
      return instances.map { instance in heard.filter { $0.source.hasPrefix("talk@\(instance).") }.count }
    }
    let before = counts()
    try await eventually("five more lines of \(instances)") {
      zip(before, counts()).allSatisfy { $0 + 5 <= $1 }
    }
  }

  @discardableResult
  private func succeed(_ arguments: [String], _ cluster: TestCluster, on node: Int = 0) async throws -> String {
    let result = try await cluster.coracle(arguments, on: cluster.nodes[node])
    guard result.status == 0 else { throw CommandFailed(description: result.description) }
    return result.output
  }
}
