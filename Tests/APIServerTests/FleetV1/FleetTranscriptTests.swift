// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import Fleet
import FleetDaemon
import FleetWire
import Foundation
import Logging
import StoreTestKit
import TestKit
import Testing
import Units

@testable import APIServer

/// Requests to real fleet 1.0.0 with its answers, replayed in their order.
@Suite struct FleetTranscriptTests {
  private struct Exchange {
    var arguments: String
    var method = "GET"
    var target = ""
    var headers: [(String, String)] = []
    var body = ""
    var answer = ""
  }

  /// What we answer where we knowingly answer otherwise, and why; nothing else may differ.
  private static let differences: [(arguments: String, answer: String, reason: String)] = [
    (
      #"{"desiredState":"bogus","options""#,
      "400 invalid desired state \"bogus\": expect inactive, loaded, or launched",
      "fleet fails with 500 and no message, and its documentation promises 400"
    ),
    ("/state/nope.service", "404 unit state does not exist", "fleet closes the connection"),
    (#"/metadata/foo","value":"bar"}"#, "204", "fleet's documentation shows a plain text, which fleet refuses"),
  ]

  /// Units that are wanted and on no machine also say why; the fields are ours, and fleet's clients pass them over.
  private static let ownFields: Set = ["reason", "refusals"]

  @Test func `the transcripts of real fleet are answered byte for byte`() async throws {
    try await Self.withFleet { ports in
      let connection = try await TestConnection(ports, surface: .fleet)
      var replayed = 0
      for exchange in try Self.exchanges() {
        let answer = try await connection.ask(
          exchange.method,
          exchange.target,
          headers: exchange.headers,
          body: exchange.body
        )
        let comment = Comment(rawValue: exchange.arguments)
        if let difference = Self.differences.first(where: { exchange.arguments.contains($0.arguments) }) {
          #expect(Self.summary(answer) == difference.answer, comment)
          #expect(answer.body != Self.response(exchange.answer).body || answer.status == 204, comment)
          continue
        }
        replayed += 1
        Self.compare(answer, Self.response(exchange.answer), comment)
      }
      #expect(replayed == 73)
    }
  }

  private static func compare(_ answer: TestResponse, _ expected: TestResponse, _ comment: Comment) {
    let body = withoutOwnFields(answer.body)
    let hasOwnFields = body != answer.body
    #expect(answer.statusLine == expected.statusLine, comment)
    for name in ["content-type", "server", "content-length"] where !hasOwnFields || name != "content-length" {
      #expect(answer[name] == expected[name], comment)
    }
    #expect(body == expected.body, comment)
  }

  private static func withoutOwnFields(_ body: String) -> String {
    guard let json = try? JSONValue.parse(body.utf8), let fields = json.object,
      fields.contains(where: { ownFields.contains($0.name) })
    else { return body }
    return JSONValue.object(fields.filter { !ownFields.contains($0.name) }).text
  }

  private static func summary(_ answer: TestResponse) -> String {
    let message = (try? JSONValue.parse(answer.body.utf8))?["error"]?["message"]?.string
    return "\(answer.status)" + (message.map { " \($0)" } ?? "")
  }

  /// One machine's whole part in the fleet, over a store in memory, as it stood before the recording: `hello.service` runs.
  ///
  /// Nobody places units, as in the moment between a request and the engine's next look.
  private static func withFleet(_ body: (APIPorts) async throws -> Void) async throws {
    let machineID = "164546f60261c7e4be0c5f5f9aaeec86"
    let keys = MemoryKeys()
    let fleet = FleetService(
      configuration: FleetConfiguration(
        machineID: machineID,
        instanceToken: "t",
        publicIP: "10.9.0.1",
        metadata: ["disk": "ssd", "region": "us"],
        isEngineDisabled: true
      ),
      keys: keys,
      supervisor: PretendSupervisor(),
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    )
    let ports = APIPorts()
    ports.setFleet(fleet.api)
    let running = Task { await fleet.run() }
    defer { running.cancel() }
    try await eventually("the machine is registered") { fleet.isReady }
    let hello = FleetUnitRequest(
      options: [
        UnitOption(section: "Unit", name: "Description", value: "Hello World"),
        UnitOption(
          section: "Service",
          name: "ExecStart",
          value: #"/bin/bash -c "while true; do echo Hello, World!; sleep 1; done""#
        ),
      ],
      desiredState: "launched"
    )
    _ = try await fleet.api.putUnit(named: "hello.service", hello)
    try await keys.create(RegistryLayout().key(.target("hello.service")), machineID)
    try await eventually("hello.service runs") {
      let states = try await fleet.api.states(matching: FleetStateFilter())
      let unit = try await fleet.api.unit(named: "hello.service")
      return states.first?.activeState == "active" && unit.currentState == .launched
    }
    try await body(ports)
  }

  private static func exchanges() throws -> [Exchange] {
    let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Fixtures/api-golden.txt")
    let text = try String(contentsOf: file, encoding: .utf8)
    return text.components(separatedBy: "### ").dropFirst().map { section in
      let lines = section.components(separatedBy: "\n")
      var exchange = Exchange(arguments: lines[0])
      exchange.answer = lines.dropFirst().prefix { !$0.hasPrefix("[curl exit") }.joined(separator: "\n")
      let words = lines[0].components(separatedBy: " http://127.0.0.1:34101")
      exchange.target = (words.count > 1 ? words[1] : lines[0].replacing("http://127.0.0.1:34101", with: ""))
      let options = words.count > 1 ? words[0] : ""
      if let method = options.firstRange(of: "-X ") {
        exchange.method = String(options[method.upperBound...].prefix { $0 != " " })
      }
      if let data = options.firstRange(of: "-d ") {
        exchange.body = String(options[data.upperBound...])
        exchange.headers = [("Content-Type", "application/x-www-form-urlencoded")]
      }
      if let type = options.firstRange(of: "-H Content-Type: ") {
        let value = options[type.upperBound...].components(separatedBy: " -d ")[0]
        exchange.headers = [("Content-Type", value)]
      }
      return exchange
    }
  }

  private static func response(_ text: String) -> TestResponse {
    let parts = text.components(separatedBy: "\n\n")
    var response = TestResponse(head: parts[0].replacing("\n", with: "\r\n"))
    response.body = parts.count > 1 ? parts[1].trimmingCharacters(in: .newlines) : ""
    return response
  }
}
