// SPDX-License-Identifier: Apache-2.0
import Foundation
import TestKit
import Testing

@testable import Differential

/// Sections 5, 12 and 13: users and roles, an empty user name, members that may not be added.
@Suite(.serialized) struct AuthTranscriptTests {
  private static let accepted: [String: String] = [:]
  private static let acceptedElsewhere = [
    "an empty user name": "it is refused with 401; the original's handler crashes",
    #"add {"peerURLs":["http://127.0.0.1:22521"]}"#: "the reason stands beside etcd's message",
  ]

  @Test func `sections 5, 12 and 13 are answered as recorded`() async throws {
    let exchanges = RecordedTranscript.curlExchanges(try RecordedTranscript.section("5"))
    let report = ReplayReport("section 5", accepted: Self.accepted)
    let rest = ReplayReport("sections 12 and 13", accepted: Self.acceptedElsewhere)
    try await TranscriptReplayTests.withServer { server, _ in
      let replay = try TranscriptReplay(
        server,
        report,
        replacements: TranscriptReplayTests.recordedServer,
        firstIndex: 1_706,
        credentials: "root:rootpw"
      )
      for exchange in exchanges { try replay.replay(exchange) }
      try checkEmptyName(replay, rest)
      try checkReconfiguration(replay, rest)
    }
    report.finish(atLeast: 81)
    rest.finish(atLeast: 3)
  }

  /// Section 12.
  private func checkEmptyName(_ replay: TranscriptReplay, _ report: ReplayReport) throws {
    let line = try #require(try RecordedTranscript.section("12").first { $0.hasPrefix("$ curl") })
    #expect(line.contains("-> curl rc 52, no response bytes"))
    let root = [RecordedTranscript.authorization("root:pw")]
    let user = RequestTemplate("PUT", "/v2/auth/users/root", body: #"{"user":"root","password":"pw"}"#)
    #expect(try replay.answer(to: user).status == 201)
    #expect(try replay.answer(to: RequestTemplate("PUT", "/v2/auth/enable")).status == 200)
    let headers = [RecordedTranscript.authorization(":")]
    let answer = try replay.answer(to: RequestTemplate("GET", "/v2/keys/foo", headers: headers))
    #expect(answer.status == 401 && answer.text.contains("Insufficient credentials"), "\(answer.text)")
    report.compare("an empty user name", ours: "\(answer.status)", recorded: "closed without an answer")
    #expect(try replay.answer(to: RequestTemplate("DELETE", "/v2/auth/enable", headers: root)).status == 200)
  }

  /// Section 13.
  private func checkReconfiguration(_ replay: TranscriptReplay, _ report: ReplayReport) throws {
    let pattern = #/(POST) (/v2/members) (\{.*?\}) -> (\d+) (.*)/#
    for line in try RecordedTranscript.section("13") {
      guard let match = line.wholeMatch(of: pattern) else { continue }
      let headers = ["Content-Type: application/json"]
      let request = RequestTemplate("POST", String(match.2), headers: headers, body: String(match.3))
      let answer = try replay.answer(to: request)
      func shown(_ status: Int, _ body: String) -> String {
        "\(status) " + body.replacing(#/"id":"[0-9a-f]+"/#, with: "\"id\":\"ID\"").filter { $0 != "\n" }
      }
      let recorded = shown(Int(match.4) ?? 0, String(match.5))
      report.compare("add \(match.3)", ours: shown(answer.status, answer.text), recorded: recorded)
    }
  }
}
