// SPDX-License-Identifier: Apache-2.0
import Foundation
import TestKit
import Testing

@testable import Differential

/// What the real etcd 3.4.23 answered when it was recorded, and what a coracle answers to the same requests.
///
/// Section 4 stands in ``WatchTranscriptTests``, 6b in ``ClusterTranscriptTests``; section 6 is 6b on 2.3.8.
@Suite(.serialized) struct TranscriptReplayTests {
  /// What the recorded one-member server called itself.
  static let recordedServer = [
    ("1e538232f1a33ff2", "MEMBER"), ("http://127.0.0.1:13379", "CLIENT"), ("http://127.0.0.1:13380", "PEER"),
    ("n34", "NAME"),
  ]

  /// Runs a test with a coracle whose data stand below a directory of the test's own, in memory where there is some.
  static func withServer(_ body: (LoneServer, URL) async throws -> Void) async throws {
    let directory = ServerPair.fastDirectory.appendingPathComponent("coracle-\(UUID().uuidString.prefix(8))")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let server = try await LoneServer.coracle("\(LoneServer.freePrefix()).1", directory: directory)
    defer { server.stop() }
    try await body(server, directory)
  }

  @Test func `sections 1 and 2 are answered as recorded`() async throws {
    let exchanges = try ["1", "2"].flatMap { RecordedTranscript.curlExchanges(try RecordedTranscript.section($0)) }
    let report = ReplayReport(
      "sections 1 and 2",
      accepted: AcceptedDifferences.keys.merging(AcceptedDifferences.server) { $1 }
    )
    try await Self.withServer { server, _ in
      let replay = try TranscriptReplay(server, report, replacements: Self.recordedServer, firstIndex: 3)
      _ = try replay.answer(to: RequestTemplate("PUT", "/v2/keys/foo?value=bar"))
      for exchange in exchanges { try replay.replay(exchange) }
    }
    report.finish(atLeast: 216)
  }

  @Test func `section 3 is answered as recorded`() async throws {
    let section = try RecordedTranscript.section("3")
    let exchanges = try RecordedTranscript.pythonExchanges(section, keysBelow: "/v2/keys")
    #expect(exchanges.count { $0 == nil } == 4, "what was cut off in the record is known")
    let report = ReplayReport("section 3", accepted: AcceptedDifferences.paths)
    try await Self.withServer { server, _ in
      let replay = try TranscriptReplay(server, report, replacements: Self.recordedServer, firstIndex: 1_794)
      // A watch with quorum is a watch here, and would wait.
      for exchange in exchanges.compactMap({ $0 }) where !exchange.name.contains("wait=true&quorum") {
        try replay.replay(exchange)
      }
    }
    report.finish(atLeast: 46)
  }

  @Test func `odd requests of section 3 are answered as recorded`() async throws {
    try await Self.withServer { server, _ in
      let connection = try server.connection()
      connection.send(RequestTemplate("PUT", "/v2/keys/e1795214393/dots/...?value=x").rendered(offset: 0))
      #expect(connection.answer(isHead: false).status == 201)
      for raw in RawExchanges.all { try raw.check(server) }
    }
  }
}

/// The requests of section 3 that were sent byte by byte, whole where the record cut them off.
struct RawExchanges {
  var request: String
  var status: Int
  /// What the head or the body must contain.
  var contains: [String] = []
  var isClosed = false

  static let all = [
    RawExchanges(
      request: "PUT /v2/keys/e/exp HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        + "Content-Length: 7\r\nExpect: 100-continue\r\n\r\n",
      status: 100
    ),
    RawExchanges(
      request: "GET /v2/keys/e1795214393/f HTTP/1.0\r\n\r\n",
      status: 404,
      contains: [#""cause":"/e1795214393/f""#],
      isClosed: true
    ),
    RawExchanges(
      request: "GET /v2/keys/e1795214393/f HTTP/1.1\r\n\r\n",
      status: 400,
      contains: ["400 Bad Request: missing required Host header"],
      isClosed: true
    ),
    RawExchanges(
      request: "GET http://x/v2/keys/e1795214393/dots HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
      status: 200,
      contains: [#""key":"/e1795214393/dots/...","value":"x""#],
      isClosed: true
    ),
    RawExchanges(
      request: "GET /v2/keys/e1795214393/a%zzb HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
      status: 400,
      contains: ["400 Bad Request"],
      isClosed: true
    ),
    RawExchanges(
      request: "GET /v2/keys HTTP/1.1\r\nHost: x\r\nX: \(String(repeating: "x", count: 2 * 1024 * 1024))\r\n\r\n",
      status: 431,
      contains: ["431 Request Header Fields Too Large"],
      isClosed: true
    ),
    // Etcd's port multiplexer drops what is no HTTP/1; coracle says what is wrong.
    RawExchanges(request: "BOGUS\r\n\r\n", status: 400, contains: ["400 Bad Request"], isClosed: true),
  ]

  func check(_ server: LoneServer) throws {
    let connection = try server.connection()
    connection.send(Array(request.utf8))
    if status == 100 {
      #expect(connection.line(by: .now + .seconds(5)) == "HTTP/1.1 100 Continue")
      #expect(connection.line(by: .now + .seconds(5)) == "")
      connection.send(Array("value=1".utf8))
      #expect(connection.answer(isHead: false).status == 201)
      return
    }
    let answer = connection.answer(isHead: false)
    #expect(answer.status == status, "\(request.prefix(200))")
    for text in contains { #expect(answer.text.contains(text), "\(request.prefix(200)): \(answer.text)") }
    if isClosed {
      _ = connection.rest(by: .now + .seconds(5))
      #expect(connection.isClosed, "\(request.prefix(200))")
    }
  }
}
