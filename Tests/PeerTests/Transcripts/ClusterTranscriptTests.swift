// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import Foundation
import Glibc
import TestKit
import Testing

@testable import Differential

/// Section 6b: three members of etcd 3.4.23, asked one by one, with their quorum and without.
@Suite(.serialized) struct ClusterTranscriptTests {
  /// Recorded lines whose answer is meant to differ, each with its reason.
  private static let reasons: [String: String] = [
    "POST /v2/members": "the reason of a refusal stands beside etcd's message",
    "GET /version": "coracle serves the v2 API of etcd 2.3 and says so",
    "PUT /v2/members/ADDED after removal": "a removed member is told to be removed (410), as DELETE tells it",
    "GET /v2/stats/store": "reads that etcd makes for itself are counted there",
    "GET /v2/stats/self": "append requests are counted by other messages, and a leader without a quorum steps down",
  ]

  /// One recorded member's client port: 15000, 15010, 15020, where the last one led.
  private struct Member {
    var host: String
    var id: String
  }

  @Test func `three members answer as recorded, with a quorum and without`() async throws {
    let section = try RecordedTranscript.section("6b")
    let lines = section.filter { $0.hasPrefix("$ ") || $0.hasPrefix("--- no quorum") || $0.hasPrefix("recovered") }
    let end = try #require(lines.firstIndex { $0.hasPrefix("recovered") })
    let cut = try #require(lines.firstIndex { $0.hasPrefix("--- no quorum") })
    try await TestCluster.with(TestClusterShape(machines: 3)) { cluster in
      let members = try await Self.members(cluster)
      let report = ReplayReport("section 6b", accepted: Self.reasons)
      let replay = ClusterReplay(members: members.map(\.host), ids: members.map(\.id), report)
      for exchange in try RecordedTranscript.pythonExchanges(Array(lines[..<cut]), keysBelow: "") {
        try replay.replay(try #require(exchange))
      }
      // The record went on without the leader and one more member; what is asked is the one that is left.
      for node in cluster.nodes where node.address != members[0].host { try await node.end(SIGKILL) }
      try await eventually("the leader is missed") {
        try replay.ask(0, RequestTemplate("GET", "/v2/members/leader")).status == 503
      }
      let rest = try RecordedTranscript.pythonExchanges(Array(lines[(cut + 1)..<end]), keysBelow: "")
      // All are asked before the first is answered: most of them wait for as long as a request may take.
      let asked = try rest.compactMap { $0 }.filter { !$0.name.contains("/v2/auth") }
        .map { (exchange: $0, sent: try replay.send($0)) }
      for (exchange, sent) in asked { replay.finish(exchange, sent) }
      report.finish(atLeast: 30)
    }
  }

  /// Our members in the order of the record: two followers and the leader.
  private static func members(_ cluster: TestCluster) async throws -> [Member] {
    let connection = try RawConnection(host: cluster.nodes[0].address, port: LoneServer.clientPort)
    func answer(_ target: String) throws -> JSONValue {
      connection.send(RequestTemplate("GET", target).rendered(offset: 0))
      return try JSONValue.parse(connection.answer(isHead: false).body)
    }
    let leader = try answer("/v2/members/leader")["id"]?.string
    let members = try #require(try answer("/v2/members")["members"]?.array).map { member in
      let host = member["clientURLs"]?.strings?.first?.split(separator: "/").last?.split(separator: ":").first
      return Member(host: String(host ?? ""), id: member["id"]?.string ?? "")
    }
    return members.filter { $0.id != leader } + members.filter { $0.id == leader }
  }
}

/// Sends recorded requests to the member in the recorded one's place.
private final class ClusterReplay {
  private let hosts: [String]
  private let ids: [String]
  private let report: ReplayReport
  private var addedID = ""
  private var hasRemoved = false

  private static let recordedIDs = ["8766ca613cb788b0", "c20e3e5ba125d32", "5f540efc3d50528b"]
  private static let recordedAdded = "f43bf081257ec98b"

  init(members: [String], ids: [String], _ report: ReplayReport) {
    hosts = members
    self.ids = ids
    self.report = report
  }

  func ask(_ place: Int, _ request: RequestTemplate) throws -> RawAnswer {
    let connection = try RawConnection(host: hosts[place], port: LoneServer.clientPort)
    connection.send(request.rendered(offset: 0))
    return connection.answer(isHead: request.method == "HEAD")
  }

  /// A request on its way, on a connection of its own.
  struct Sent {
    var request: RequestTemplate
    var connection: RawConnection
  }

  func replay(_ exchange: RecordedExchange) throws { finish(exchange, try send(exchange)) }

  /// Ports 150N0 are clients' and 150N1 are peers'.
  func send(_ exchange: RecordedExchange) throws -> Sent {
    let port = try #require(exchange.host.split(separator: ":").last.flatMap { Int($0) })
    let place = port % 100 / 10
    var request = exchange.request
    // A member's peer URL that is taken is one of ours here.
    request.body = request.body?.replacing("http://127.0.0.1:15001", with: "http://\(hosts[0]):2380")
    request.target = request.target.replacing(Self.recordedAdded, with: addedID)
    let connection = try RawConnection(host: hosts[place], port: port % 10 == 0 ? LoneServer.clientPort : 2_380)
    connection.send(request.rendered(offset: 0))
    return Sent(request: request, connection: connection)
  }

  /// Compares the answer with the recorded one.
  func finish(_ exchange: RecordedExchange, _ sent: Sent) {
    let request = sent.request
    let answer = sent.connection.answer(isHead: request.method == "HEAD")
    var name = "\(request.method) \(request.target.prefix { $0 != "?" })"
    if !addedID.isEmpty { name = name.replacing(addedID, with: "ADDED") }
    if hasRemoved, request.method == "PUT", name.contains("/v2/members/") { name += " after removal" }
    if request.method == "POST", answer.status == 201, addedID.isEmpty {
      addedID = (try? JSONValue.parse(answer.body))?["id"]?.string ?? ""
    }
    if request.method == "DELETE", answer.status == 204 { hasRemoved = true }
    compare(answer, exchange, name)
  }

  private func compare(_ answer: RawAnswer, _ exchange: RecordedExchange, _ name: String) {
    report.compare(
      name,
      ours: "\(answer.status) \(shape(answer.text, isOurs: true))",
      recorded: "\(exchange.answer.status) \(shape(exchange.answer.text, isOurs: false))"
    )
  }

  /// A body without ids, addresses, indexes and measurements; members in the order of the record.
  private func shape(_ text: String, isOurs: Bool) -> String {
    var text = text.trimmingCharacters(in: .whitespacesAndNewlines)
    for (place, id) in (isOurs ? ids : Self.recordedIDs).enumerated() {
      text = text.replacing(id, with: "MEMBER\(place)")
      // Peers see ids as numbers.
      if let number = UInt64(id, radix: 16) { text = text.replacing(String(number), with: "MEMBER\(place)") }
    }
    let added = isOurs ? addedID : Self.recordedAdded
    if !added.isEmpty { text = text.replacing(added, with: "ADDED") }
    for place in 0..<3 {
      if isOurs {
        text = text.replacing("http://\(hosts[place]):2379", with: "CLIENT\(place)")
        text = text.replacing("http://\(hosts[place]):4001", with: "CLIENT\(place)")
        text = text.replacing("http://\(hosts[place]):2380", with: "PEER\(place)")
      } else {
        text = text.replacing("http://127.0.0.1:150\(place)0", with: "CLIENT\(place)")
        text = text.replacing("http://127.0.0.1:150\(place)1", with: "PEER\(place)")
      }
    }
    let numbers =
      #/"(modifiedIndex|createdIndex|current|average|standardDeviation|minimum|maximum|success|id)":[-0-9.e]+/#
    text = text.replacing(numbers) { "\"\($0.output.1)\":N" }
    text = text.replacing(#/"(name|startTime|uptime)":"[^"]*"/#) { "\"\($0.output.1)\":\"T\"" }
    // Which order members stand in follows from their ids.
    for separator in ["},{", "},\"MEMBER", ", CLIENT"] {
      text = text.replacing(separator, with: "\n" + separator.filter { $0.isLetter })
    }
    let pieces = text.replacing("\"members\":", with: "").split(separator: "\n")
    return Set(pieces.map { $0.filter { !"[]{}".contains($0) } }).sorted().joined(separator: " ; ")
  }
}
