// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import Foundation
import Glibc
import TestKit
import Testing

@testable import Differential

/// Section 11: a member is added, joins, is changed and removed; a backup becomes a cluster of its own.
@Suite(.serialized) struct MembersTranscriptTests {
  private static let accepted = [
    "a write while the added member has not started":
      "it does not vote until it has caught up, so the quorum is not lost",
    "member update 448755faf71f4c32 http://127.0.0.1:22001": "the words of 3.4.23, as section 6b has them",
    "member list of the backup": "force-new-cluster takes initial-advertise-peer-urls, for the data may have moved",
  ]

  @Test func `members, a backup and force-new-cluster of section 11 behave as recorded`() async throws {
    let record = try RecordedTranscript.section("11")
    let report = ReplayReport("section 11", accepted: Self.accepted)
    try await withTestDirectory { directory in
      let replay = try MembersReplay(record, report, directory)
      try await replay.addMember()
      try await replay.changeMember()
      try await replay.backUp(into: directory.appendingPathComponent("backup"))
    }
    report.finish(atLeast: 18)
  }
}

/// The two machines of the record, and the one made of the backup: ports 220N0 and 220N1.
private final class MembersReplay {
  private let record: [String]
  private var commands: ArraySlice<RecordedCommand>
  private let report: ReplayReport
  private let first: TranscriptMachine
  private let second: TranscriptMachine
  private let program: URL
  private var ids: [String: String] = [:]

  private static let recordedIDs = ["448755faf71f4c32": "ID1", "be2d219f31d83897": "ID0", "a1fb3399e601": "ID0"]

  init(_ record: [String], _ report: ReplayReport, _ directory: URL) throws {
    self.record = record
    self.report = report
    let prefix = LoneServer.freePrefix()
    first = try TranscriptMachine("m0", "\(prefix).1", below: directory)
    second = try TranscriptMachine("m1", "\(prefix).2", below: directory)
    program = directory.appendingPathComponent("etcdctl")
    try FileManager.default.createSymbolicLink(at: program, withDestinationURL: BuiltProgram.coracle)
    commands = Self.commands(in: record)[...]
  }

  /// `$ etcdctl … -> rc N` and what it printed, on whichever output, up to the next thing that happened.
  private static func commands(in record: [String]) -> [RecordedCommand] {
    var commands: [RecordedCommand] = []
    var isOutput = false
    for line in record {
      if let match = line.wholeMatch(of: #/\$ etcdctl (.*) -> rc (\d+)/#) {
        commands.append(RecordedCommand(line: String(match.1), status: Int32(match.2) ?? -1))
        isOutput = true
      } else if line.hasPrefix("after ") || line.hasPrefix("{") || line.hasPrefix("m1 exit")
        || line.hasPrefix("backup ")
      {
        isOutput = false
      } else if isOutput {
        commands[commands.count - 1].output.append(line)
      }
    }
    return commands
  }

  // MARK: The recorded steps

  func addMember() async throws {
    try first.start(first.ownURLs.merging(["initial-cluster": "m0=\(first.peerURL)"]) { $1 })
    try await first.waitUntilHealthy()
    try await eventually("m0 has told its name") { try first.get("/v2/members").contains("\"name\":\"m0\"") }
    try learnIDs(first)
    try await replayNext()
    let printed = try await replayNext()
    try learnIDs(first)
    let start = try #require(record.firstIndex { $0.hasPrefix("after adding 2nd member") })
    let recordedStatus = String(record[start + 1].prefix(3))
    let answer = try first.ask(RequestTemplate("PUT", "/v2/keys/b?value=1"))
    report.compare(
      "a write while the added member has not started",
      ours: String(answer.status),
      recorded: recordedStatus
    )
    try await replayNext()
    // What the command printed is what the new machine is started with.
    func setting(_ name: String) throws -> String {
      let line = try #require(printed.output.first { $0.hasPrefix("\(name)=\"") })
      return String(line.dropFirst(name.count + 2).dropLast())
    }
    var settings = second.ownURLs
    settings["initial-cluster"] = try setting("ETCD_INITIAL_CLUSTER")
    settings["initial-cluster-state"] = try setting("ETCD_INITIAL_CLUSTER_STATE")
    #expect(try setting("ETCD_NAME") == "m1")
    try second.start(settings)
    try await second.waitUntilHealthy()
    try await eventually("m1 votes") { try second.get("/coracle/v1/status").contains("\"voter\":true") }
    try await replayNext(2)
    try await compareKeys()
  }

  /// What the new member has, and what a write is answered.
  private func compareKeys() async throws {
    let recorded = record.filter { $0.hasPrefix("{\"action\":\"get\"") || $0.hasPrefix(" {\"action\":\"set\"") }
    let read = try second.get("/v2/keys/a")
    report.compare("/a of the new member", ours: mapped(read), recorded: mapped(recorded[0]))
    let write = try second.ask(RequestTemplate("PUT", "/v2/keys/b?value=1")).text
    report.compare("a write through the new member", ours: mapped(write), recorded: mapped(recorded[1]))
  }

  func changeMember() async throws {
    try await replayNext(4)
    let ended = try #require(record.first { $0.hasPrefix("m1 exit ") })
    report.compare("the removed member", ours: "m1 exit \(try await second.waitForEnd())", recorded: ended)
    try await replayNext()
  }

  func backUp(into directory: URL) async throws {
    let words = ["backup", "--data-dir", first.dataDirectory.path, "--backup-dir", directory.path]
    let backup = try await run([program.path] + words)
    let recorded = try #require(record.first { $0.hasPrefix("backup rc ") })
    let printed = (backup.output + backup.errors).filter { $0 != "\n" }
    report.compare(
      "backup",
      ours: "backup rc \(backup.status)\(printed)",
      recorded: recorded.trimmingCharacters(in: .whitespaces)
    )
    let before = try #require(try first.ask(RequestTemplate("GET", "/v2/keys/a"))["x-etcd-cluster-id"])
    try await first.end(SIGKILL)
    let copy = try TranscriptMachine(
      "m0",
      first.address,
      below: directory.deletingLastPathComponent().appendingPathComponent("copy"),
      data: directory
    )
    // The record's copy was told no peer URLs, so it has etcd's own.
    var settings = copy.ownURLs
    settings["force-new-cluster"] = "true"
    settings["initial-cluster"] = "m0=\(copy.peerURL)"
    try copy.start(settings)
    try await copy.waitUntilHealthy()
    let answer = try copy.ask(RequestTemplate("GET", "/v2/keys/a"))
    let reads = record.filter { $0.hasPrefix("{\"action\":\"get\"") }
    report.compare("/a of the backup", ours: mapped(answer.text), recorded: mapped(reads[1]))
    let after = try #require(answer["x-etcd-cluster-id"])
    let recordedID = try #require(record.first { $0.wholeMatch(of: #/ [0-9a-f]+/#) != nil })
    // The record does not show the id of before, but an id of a backup stands out.
    report.compare(
      "the backup's cluster",
      ours: "another: \(before != after)",
      recorded: "another: \(recordedID.count < 16)"
    )
    ids = [:]
    try learnIDs(copy)
    try await replayNext(name: "member list of the backup")
    #expect(commands.isEmpty)
  }

  // MARK: Comparing

  private func learnIDs(_ machine: TranscriptMachine) throws {
    for member in try JSONValue.parse(machine.get("/v2/members").utf8)["members"]?.array ?? [] {
      let isSecond = member["peerURLs"]?.strings == [second.peerURL]
      ids[member["id"]?.string ?? ""] = isSecond ? "ID1" : "ID0"
    }
  }

  private func replayNext(_ count: Int) async throws {
    for _ in 0..<count { try await replayNext() }
  }

  @discardableResult
  private func replayNext(name: String? = nil) async throws -> RecordedCommand {
    let next = commands.popFirst()
    let recorded = try #require(next)
    let own = ["http://127.0.0.1:22011": second.peerURL, "http://127.0.0.1:22001": first.peerURL]
    let words = recorded.words.map { word in
      let id = Self.recordedIDs[word].flatMap { place in ids.first { $0.value == place }?.key }
      return id ?? own[word] ?? word
    }
    let result = try await run([program.path] + words, environment: ["ETCDCTL_ENDPOINTS": first.endpoint])
    var ours = recorded
    ours.status = result.status
    ours.output = (result.output + result.errors).split(separator: "\n", omittingEmptySubsequences: false).map(
      String.init
    )
    // A member that was just added is known before its id is compared.
    if recorded.line.hasPrefix("member add") { try learnIDs(first) }
    report.compare(name ?? recorded.line, ours: shown(ours), recorded: shown(recorded))
    return ours
  }

  private func shown(_ command: RecordedCommand) -> String {
    var lines = command.output.map { mapped($0) }
    while lines.last?.isEmpty == true { lines.removeLast() }
    // Members stand in the order of their ids.
    if command.line == "member list" || command.line == "cluster-health" { lines.sort() }
    return (lines + ["rc \(command.status)"]).joined(separator: "\n    ")
  }

  private func mapped(_ text: String) -> String {
    var text = text.trimmingCharacters(in: .whitespacesAndNewlines)
    for (id, place) in ids.merging(Self.recordedIDs, uniquingKeysWith: { own, _ in own }) {
      text = text.replacing(id, with: place)
    }
    for (number, machine) in [first, second].enumerated() {
      text = text.replacing(machine.endpoint, with: "CLIENT\(number)").replacing(machine.peerURL, with: "PEER\(number)")
      text = text.replacing("http://127.0.0.1:220\(number)0", with: "CLIENT\(number)")
      text = text.replacing("http://127.0.0.1:220\(number)1", with: "PEER\(number)")
    }
    if let match = text.wholeMatch(of: #/ETCD_INITIAL_CLUSTER="(.*)"/#) {
      text = match.1.split(separator: ",").sorted().joined(separator: ",")
    }
    return text.replacing(#/"(modifiedIndex|createdIndex)":\d+/#) { "\"\($0.1)\":N" }
  }
}
