// SPDX-License-Identifier: Apache-2.0
import Foundation
import TestKit
import Testing

@testable import Differential

/// Sections 8 and 8b: each recorded command line of etcdctl, given to our program under that name and our server.
@Suite(.serialized) struct EtcdctlTranscriptTests {
  private static let accepted = [
    "-o bogus set /ctl/a 5": "a wrong format is refused before anything is done, with 1",
    "--version": "the version whose API is served, and coracle's own",
    "backup": "a backup copies a coracle's own database, and its directory must be named",
    "import": "import is kept from 2.x: old clusters are still moved; the snapshot's flag is named as there",
  ]

  /// The index before the first recorded write.
  private static let firstIndex = 1_713
  /// What stood in the recorded store.
  private static let earlierKeys = ["/00000000000000000022", "/foo", "/r/w", "/t/d1", "/u/t", "/x"]

  @Test func `etcdctl prints and ends as recorded`() async throws {
    let commands = try RecordedTranscript.etcdctlCommands()
    let report = ReplayReport("sections 8 and 8b", accepted: Self.accepted)
    try await TranscriptReplayTests.withServer { server, directory in
      try fill(server)
      let program = directory.appendingPathComponent("etcdctl")
      try FileManager.default.createSymbolicLink(at: program, withDestinationURL: BuiltProgram.coracle)
      let id = try #require(try server.facts("coracle").replacements.first { $0.placeholder == "MEMBER" }?.text)
      let own = [
        (server.host + ":2379", "127.0.0.1:PORT"), (server.host + ":2380", "127.0.0.1:PPORT"), (id, "MEMBER"),
        ("name=m0", "name=NAME"),
      ]
      let theirs = [("1e538232f1a33ff2", "MEMBER"), ("name=n34", "name=NAME")]
      for command in commands {
        let result = try await run(
          [program.path] + Self.patience + words(of: command),
          environment: ["ETCDCTL_ENDPOINTS": "http://\(server.host):2379", "ETCDCTL_API": "2"],
          directory: directory
        )
        var ours = RecordedCommand(line: command.line)
        (ours.output, ours.errors) = (lines(result.output), lines(result.errors))
        ours.status = result.status
        report.compare(
          command.line,
          ours: mapped(ours, own).result,
          recorded: mapped(command, theirs).result
        )
        // The original has carried it out.
        if command.line == "-o bogus set /ctl/a 5" { try put(server, "/ctl/a", "5") }
      }
    }
    report.finish(atLeast: 114)
  }

  /// A debug build hashes passwords for seconds when others keep the processors busy.
  private static let patience = ["--timeout", "30s", "--total-timeout", "60s"]

  /// The words, with times to live a hundred times as long, so that nothing runs out on a busy computer.
  private func words(of command: RecordedCommand) -> [String] {
    var words = command.words
    if let place = words.firstIndex(of: "--ttl") { words[place + 1] += "00" }
    return words
  }

  /// Brings the store to the recorded index.
  private func fill(_ server: LoneServer) throws {
    let keys = Self.earlierKeys + Array(repeating: "/_before", count: Self.firstIndex - Self.earlierKeys.count)
    let connections = try (0..<64).map { _ in try server.connection() }
    for (number, key) in keys.enumerated() {
      connections[number % 64].send(RequestTemplate("PUT", "/v2/keys\(key)?value=x").rendered(offset: 0))
    }
    for number in keys.indices { #expect(connections[number % 64].answer(isHead: false).status < 300) }
  }

  private func put(_ server: LoneServer, _ key: String, _ value: String) throws {
    let connection = try server.connection()
    connection.send(RequestTemplate("PUT", "/v2/keys\(key)?value=\(value)").rendered(offset: 0))
    #expect(connection.answer(isHead: false).status < 300)
  }

  private func lines(_ text: String) -> [String] {
    // A lone line feed was recorded as no output.
    text == "\n" ? [] : text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
  }

  private func mapped(_ command: RecordedCommand, _ replacements: [(String, String)]) -> RecordedCommand {
    func map(_ line: String) -> String {
      var line = line
      for (text, placeholder) in replacements { line = line.replacing(text, with: placeholder) }
      line = line.replacing(
        #/"expiration":"[^"]*","ttl":(10000|9[0-9]{3}|100)/#,
        with: "\"expiration\":\"T\",\"ttl\":S"
      )
      line = line.replacing(#/TTL: (10000|9[0-9]{3}|100)$/#, with: "TTL: S")
      // Users and roles take no indexes here, so only the distance is the same.
      return line.replacing(#/\[(\d+)\/4\]\) \[(\d+)\]/#) { match in
        let distance = (Int(match.2) ?? 0) - (Int(match.1) ?? 0)
        return "[N/4]) [N+\(distance)]"
      }
    }
    var command = command
    command.output = command.output.map(map)
    command.errors = command.errors.map(map)
    // The order of an unsorted listing is nobody's promise.
    if command.line.hasPrefix("ls "), !command.line.contains("--sort") { command.output.sort() }
    return command
  }
}
