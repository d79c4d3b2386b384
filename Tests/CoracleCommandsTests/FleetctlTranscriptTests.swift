// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import CoracleCommands

/// What real fleetctl 1.0.0 asked a scripted server and printed, beside what ours does.
///
/// Each difference stands with its reason in `Fixtures/fleetctl-differences.txt`; nothing else may differ.
struct FleetctlTranscriptTests {
  private static let hello = """
    [Unit]
    Description=Hello World

    [Service]
    ExecStart=/bin/bash -c "while true; do echo Hello, World!; sleep 1; done"

    """

  /// How many of the recorded requests belong to each command of the first mode; of one none was kept.
  private static let requestCounts = [8, 8, 4, 2, 2, 2, 0, 1, 1]

  /// A command with what it did.
  private struct Recorded {
    var mode: ScriptedFleetServer.Mode
    var command: String
    var lines: [String] = []
    var requests: [String] = []
  }

  @Test func `each difference from the recorded fleetctl has its reason`() async throws {
    let original = try Self.recorded()
    #expect(original.count == 13)
    let ours = try await Self.replayed(original)
    var report: [String] = []
    for (theirs, own) in zip(original, ours) {
      var changes = Self.changes(from: theirs.lines, to: own.lines)
      // The requests were recorded in one mode only.
      if !theirs.requests.isEmpty { changes += Self.changes(from: theirs.requests, to: own.requests) }
      if !changes.isEmpty { report += ["mode \(theirs.mode.rawValue): \(theirs.command)"] + changes }
    }
    let accepted = try Self.fixture("fleetctl-differences.txt").split(separator: "\n").map(String.init)
    #expect(report == accepted.filter { !$0.hasPrefix("#") && !$0.hasPrefix("  because ") })
    let commands = accepted.indices.filter { accepted[$0].hasPrefix("mode ") }
    for place in commands { #expect(accepted[place + 1].hasPrefix("  because "), "\(accepted[place]) has no reason") }
  }

  @Test func `requests carry what a server of fleet's needs`() async throws {
    let server = ScriptedFleetServer(.normal)
    try await server.serve { url in
      _ = await Self.run("start a\\x2db:c_d@x.service", url, RecordedOutput())
    }
    let put = try #require(server.takeRequests().first { $0.method == "PUT" })
    #expect(put.target == "/fleet/v1/units/a%5Cx2db%3Ac_d%40x.service")
    #expect(put.headers.contains { $0.lowercased() == "content-type: application/json" })
    #expect(put.headers.contains { $0.lowercased() == "content-length: \(put.body.utf8.count)" })
    #expect(put.body.hasPrefix(#"{"desiredState":"launched","name":"a\\x2db:c_d@x.service","options":["#))
  }

  // MARK: Running

  private static func replayed(_ original: [Recorded]) async throws -> [Recorded] {
    var results: [Recorded] = []
    for mode in ScriptedFleetServer.Mode.allCases {
      let server = ScriptedFleetServer(mode)
      try await server.serve { url in
        for recorded in original where recorded.mode == mode {
          var result = Recorded(mode: mode, command: recorded.command)
          let output = RecordedOutput()
          // The same command was given twice, the second time below a path that the server does not know.
          let isSecond = results.contains { $0.mode == mode && $0.command == recorded.command }
          let status = await run(recorded.command, isSecond ? url + "/prefix" : url, output)
          result.lines = lines(output, url) + ["[exit \(status)]"]
          result.requests = server.takeRequests().map { text($0.method, $0.target, $0.body) }
          results.append(result)
        }
      }
    }
    return results
  }

  private static func run(_ command: String, _ url: String, _ output: RecordedOutput) async -> Int32 {
    await FleetctlPersonality.run(
      command.split(separator: " ").map(String.init),
      ["FLEETCTL_ENDPOINT": url],
      output.output,
      readFile: { $0.hasSuffix(".service") ? hello : nil },
      sleep: { _ in }
    )
  }

  private static func lines(_ output: RecordedOutput, _ url: String) -> [String] {
    func lines(_ text: String, _ stream: Int) -> [String] {
      text.split(separator: "\n").map { "\(stream)| \($0.replacing(url, with: "URL"))" }
    }
    return lines(output.out, 1) + lines(output.error, 2)
  }

  /// A request without what every request of the original has.
  private static func text(_ method: String, _ target: String, _ body: String) -> String {
    [method, target.replacing("?alt=json", with: ""), body].filter { !$0.isEmpty }.joined(separator: " ")
  }

  // MARK: Comparing

  /// Lines that only one side has, `<` the original's and `>` ours; a line that both have in another place is told as such.
  private static func changes(from original: [String], to ours: [String]) -> [String] {
    let changes = missing(original, in: ours).map { "  < \($0)" } + missing(ours, in: original).map { "  > \($0)" }
    return changes.isEmpty && original != ours ? ["  ~ another order"] : changes
  }

  private static func missing(_ lines: [String], in others: [String]) -> [String] {
    var others = others
    return lines.filter { line in
      guard let place = others.firstIndex(of: line) else { return true }
      others.remove(at: place)
      return false
    }
  }

  // MARK: Reading

  private static func recorded() throws -> [Recorded] {
    var recorded: [Recorded] = []
    var mode = ScriptedFleetServer.Mode.normal
    var requests: [String] = []
    for line in try fixture("fleetctl-vs-mock.txt").split(separator: "\n").map(String.init) {
      if let name = line.rest(after: "=== mock mode ") {
        mode = try #require(ScriptedFleetServer.Mode(rawValue: name))
      } else if let command = line.rest(after: "$ fleetctl ") {
        recorded.append(Recorded(mode: mode, command: command))
      } else if line.hasPrefix("1| ") || line.hasPrefix("2| "), !recorded.isEmpty {
        recorded[recorded.count - 1].lines.append(line)
      } else if let end = line.rest(after: "[exit "), !recorded.isEmpty {
        recorded[recorded.count - 1].lines.append("[exit \(end.prefix { $0.isNumber })]")
      } else if let request = line.rest(after: ">>> ") {
        let words = request.split(separator: " ").map(String.init)
        requests.append(text(words[0], words[1], ""))
      } else if let body = line.rest(after: "    BODY ") {
        requests[requests.count - 1] += " \(body)"
      }
    }
    try #require(requests.count == requestCounts.reduce(0, +))
    for (place, count) in requestCounts.enumerated() {
      recorded[place].requests = Array(requests.prefix(count))
      requests.removeFirst(count)
    }
    return recorded
  }

  private static func fixture(_ name: String) throws -> String {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/\(name)")
    return try String(contentsOf: file, encoding: .utf8)
  }
}

extension String {
  fileprivate func rest(after prefix: String) -> String? {
    hasPrefix(prefix) ? String(dropFirst(prefix.count)) : nil
  }
}
