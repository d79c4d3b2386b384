// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import Foundation
import Glibc
import TestKit
import Testing

@testable import Differential

/// Section 10: what is there after `kill -9` and a restart, with all of the log and with snapshots.
@Suite(.serialized) struct RestartTranscriptTests {
  private static let accepted = [
    "index after the restart": "etcd writes its member's attributes with each start, which takes an index",
    "files": "log and snapshots are one SQLite database",
    "statistics": "etcd counts its own writes and reads too, and keeps the counts in its snapshots",
  ]

  @Test func `keys, times to live and history of section 10 survive kill -9`() async throws {
    let runs = try RecordedTranscript.section("10").split { $0.hasPrefix("300 seq writes") }
    #expect(runs.count == 2)
    let report = ReplayReport("section 10", accepted: Self.accepted)
    try await withTestDirectory { directory in
      let prefix = LoneServer.freePrefix()
      let replays = try zip(["10000", "50"], runs).enumerated().map { number, run in
        let machine = try TranscriptMachine("m0", "\(prefix).\(number + 1)", below: directory)
        return RestartReplay(machine, snapshotCount: run.0, Array(run.1), report)
      }
      for replay in replays { try replay.start() }
      for replay in replays { try await replay.writeAndKill() }
      for replay in replays { try await replay.restartAndCompare() }
    }
    report.finish(atLeast: 20)
  }
}

/// One of the two runs.
private final class RestartReplay {
  private let machine: TranscriptMachine
  private let settings: [String: String]
  private let record: [String]
  private let report: ReplayReport
  private var clusterID: String?
  private var expirations: [String: String] = [:]

  /// etcd's own writes come before the first recorded one, which has index 4.
  private static let offset: Int64 = 3

  init(_ machine: TranscriptMachine, snapshotCount: String, _ record: [String], _ report: ReplayReport) {
    self.machine = machine
    self.record = record
    self.report = report
    let own = ["initial-cluster": "m0=\(machine.peerURL)", "snapshot-count": snapshotCount]
    settings = machine.ownURLs.merging(own) { $1 }
  }

  func start() throws { try machine.start(settings) }

  /// 300 writes one after the other, and two with a time to live; killed once the last one is acknowledged.
  func writeAndKill() async throws {
    try await machine.waitUntilHealthy()
    let connection = try RawConnection(host: machine.address, port: LoneServer.clientPort)
    var answer = RawAnswer()
    func put(_ key: String, _ form: String) throws {
      connection.send(RequestTemplate("PUT", "/v2/keys\(key)?\(form)").rendered(offset: 0))
      answer = connection.answer(isHead: false)
      #expect(answer.status == 201, "\(answer.text)")
      expirations[key] = try JSONValue.parse(answer.body)["node"]?["expiration"]?.string
    }
    for number in 0..<300 { try put("/k/\(number)", "value=\(number)") }
    try put("/ttl2", "value=v&ttl=2")
    try put("/ttl30", "value=v&ttl=30")
    clusterID = answer["x-etcd-cluster-id"]
    try await machine.end(SIGKILL)
  }

  func restartAndCompare() async throws {
    let end = try #require(expirations["/ttl2"].flatMap { Timestamp(rfc3339: $0) })
    try await eventually("the short time to live is over") {
      Date().timeIntervalSince1970 * 1e9 > Double(end.nanosecondsSinceEpoch)
    }
    try start()
    try await machine.waitUntilHealthy()
    try await compareShortTime()
    try compareNode("/ttl30", after: "{\"action\":\"get\",\"node\":{\"key\":\"/ttl30\"")
    try compareNode("/k/299", after: "{\"action\":\"get\",\"node\":{\"key\":\"/k/299\"")
    for line in record where line.hasPrefix("hist ") {
      let words = line.split(separator: " ", maxSplits: 3)
      let wanted = Int64(words[1]) ?? 0
      let index = max(1, wanted - Self.offset)
      let answer = try machine.ask(RequestTemplate("GET", "/v2/keys/k?recursive=true&wait=true&waitIndex=\(index)"))
      let recorded = "\(words[2]) \(mapped(words[3], offset: Self.offset))"
      report.compare("history from \(wanted)", ours: "\(answer.status) \(mapped(answer.text))", recorded: recorded)
    }
    let files = try FileManager.default.contentsOfDirectory(atPath: machine.dataDirectory.path + "/member").sorted()
    report.compare("files", ours: "\(files)", recorded: record.first { $0.hasSuffix(".wal']") } ?? "")
    #expect(files.contains("raft.db"))
    let statistics = try machine.get("/v2/stats/store").filter { $0 != "\n" }
    report.compare("statistics", ours: statistics, recorded: record.first { $0.hasPrefix("{\"getsSuccess\"") } ?? "")
    // With the whole log at hand the counts are made anew; a snapshot holds none.
    if settings["snapshot-count"] == "10000" { #expect(statistics.contains("\"setsSuccess\":302"), "\(statistics)") }
    #expect(statistics.contains("\"expireCount\":1"), "\(statistics)")
  }

  /// What ran out while nobody served is gone, and the cluster is the same.
  private func compareShortTime() async throws {
    var answer = RawAnswer()
    try await eventually("the key is gone") {
      answer = try machine.ask(RequestTemplate("GET", "/v2/keys/ttl2"))
      return answer.status == 404
    }
    let later = try #require(record.first { $0.hasPrefix("later ") })
    let match = try #require(later.firstMatch(of: #/later (\d+) (\{.*?\}) (\{.*?\}) ([0-9a-f]+)/#))
    let gone = #/"index":\d+/#
    report.compare(
      "a time to live that ran out meanwhile",
      ours: "\(answer.status) \(answer.text.filter { $0 != "\n" }.replacing(gone, with: ""))",
      recorded: "\(match.1) \(match.2.replacing(gone, with: ""))"
    )
    let recordedIndex = (Int64(try #require(later.firstMatch(of: #/"index":(\d+)/#)).1) ?? 0) - Self.offset
    report.compare(
      "index after the restart",
      ours: answer["x-etcd-index"] ?? "none",
      recorded: String(recordedIndex)
    )
    #expect(answer["x-etcd-index"] == "303", "302 writes and one expiry")
    let up = try #require(record.first { $0.hasPrefix("up after ") })
    let isSame = up.contains("'X-Etcd-Cluster-Id': '\(match.4)'")
    #expect(answer["x-etcd-cluster-id"] == clusterID)
    report.compare("cluster id", ours: "same: \(answer["x-etcd-cluster-id"] == clusterID)", recorded: "same: \(isSame)")
  }

  private func compareNode(_ key: String, after prefix: String) throws {
    let line = try #require(record.first { $0.hasPrefix(prefix) })
    let answer = try machine.get("/v2/keys\(key)")
    // Behind the answer stands what the write was answered.
    let written =
      line.contains("'expiration'") ? line.firstMatch(of: #/'expiration': '(.*?)'/#).map { String($0.1) } : nil
    func facts(_ text: String, _ expiration: String?, offset: Int64) throws -> String {
      let body = String(text.prefix { $0 != "\n" }.prefix { $0 != "'" })
      let json = body.hasSuffix(" {") ? String(body.dropLast(2)) : body
      let node = try JSONValue.parse(json.utf8)["node"]
      let isKept = node?["expiration"]?.string == expiration
      let left = node?["ttl"]?.int ?? 0
      return "\(mapped(json, offset: offset)) expiration kept: \(isKept), seconds left: \((1..<30).contains(left))"
    }
    report.compare(
      key,
      ours: try facts(answer, expirations[key], offset: 0),
      recorded: try facts(line, written, offset: Self.offset)
    )
  }

  private func mapped(_ text: some StringProtocol, offset: Int64 = 0) -> String {
    String(text).filter { $0 != "\n" }
      .replacing(#/"(modifiedIndex|createdIndex)":(\d+)/#) { "\"\($0.1)\":\((Int64($0.2) ?? 0) - offset)" }
      .replacing(#/"expiration":"[^"]*"/#, with: "\"expiration\":\"T\"")
      .replacing(#/"ttl":\d+/#, with: "\"ttl\":S")
  }
}
