// SPDX-License-Identifier: Apache-2.0
import Fleet
import FleetWire
import Foundation
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

  /// Where we knowingly answer otherwise: Go's parser texts, a state that would poison the unit, fleet's crash, and a
  /// flat metadata value, which its documentation promised.
  private static let differences = [
    "garbage", #"desiredState":"bogus"#, "/state/nope.service", #"/metadata/foo","value":"bar"}"#,
  ]

  @Test func `the transcripts of real fleet are answered byte for byte`() async throws {
    let connection = try await TestConnection(Self.ports(), surface: .fleet)
    var replayed = 0
    for exchange in try Self.exchanges() {
      let answer = try await connection.ask(
        exchange.method,
        exchange.target,
        headers: exchange.headers,
        body: exchange.body
      )
      if Self.differences.contains(where: exchange.arguments.contains) { continue }
      replayed += 1
      let expected = Self.response(exchange.answer)
      let comment = Comment(rawValue: exchange.arguments)
      #expect(answer.statusLine == expected.statusLine, comment)
      for name in ["content-type", "server", "content-length"] {
        #expect(answer[name] == expected[name], comment)
      }
      #expect(answer.body == expected.body, comment)
    }
    #expect(replayed == 72)
  }

  private static func ports() -> APIPorts {
    let machine = "164546f60261c7e4be0c5f5f9aaeec86"
    var content = MemoryFleet.Content()
    content.machines = [
      FleetMachine(id: machine, primaryIP: "10.9.0.1", metadata: ["disk": "ssd", "region": "us"])
    ]
    content.states = [
      FleetUnitState(
        name: "hello.service",
        hash: "22f25e029e50c9a5eece8467b98a9d0d60e40b97",
        machineID: machine,
        loadState: "loaded",
        activeState: "active",
        subState: "running"
      )
    ]
    content.units["hello.service"] = FleetUnit(
      name: "hello.service",
      options: [
        UnitOption(section: "Unit", name: "Description", value: "Hello World"),
        UnitOption(
          section: "Service",
          name: "ExecStart",
          value: #"/bin/bash -c "while true; do echo Hello, World!; sleep 1; done""#
        ),
      ],
      desiredState: .launched,
      currentState: .launched,
      machineID: machine
    )
    let ports = APIPorts()
    ports.setFleet(MemoryFleet(content))
    return ports
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
