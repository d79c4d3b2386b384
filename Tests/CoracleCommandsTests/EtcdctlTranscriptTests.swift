// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import Foundation
import Testing

@testable import CoracleCommands

/// Recorded command lines of etcdctl 2.3.8 with what they printed, replayed on a local store.
struct EtcdctlTranscriptTests {
  struct Recorded: Equatable {
    var command: String
    var out: [String] = []
    var error: [String] = []
    var code: Int32 = 0
  }

  /// Commands that are replayed by other modules or tests, by the words they begin with.
  private static let skipped = [
    "member": "asks the members API", "cluster-health": "asks the members API", "auth": "asks the auth API",
    "user": "asks the auth API", "role": "asks the auth API", "backup": "works on files", "import": "works on files",
    "--version": "prints coracle's own",
    "--endpoints": "needs a connection", "--debug": "tells of connections", "-u": "needs authentication",
    "watch --after-index": "the recorded index is beyond this store's history",
  ]

  /// Commands whose answer is meant to differ, with the reason.
  private static let differences = [
    "-o bogus set /ctl/a 5": "a wrong format is refused before anything is done",
    "set /ctl/neg -5": "a value may begin with a dash, as in etcdctl 3.4",
    "bogus": "an unknown command ends with 3, as in etcdctl 3.4",
    "ls --sort": "the recorded server held other keys",
  ]

  @Test func `keys are read and changed with the recorded output`() async throws {
    let keys = LocalKeys()
    await fill(keys, upTo: 1_713)
    var replayed = 0
    for recorded in try Self.transcript() {
      if Self.skipped.keys.contains(where: { recorded.command.hasPrefix($0) }) { continue }
      replayed += 1
      let actual = await run(recorded.command, on: keys)
      if let reason = Self.differences[recorded.command] {
        #expect(actual != recorded, "no longer different: \(recorded.command): \(reason)")
      } else {
        #expect(actual == recorded)
      }
      if recorded.command == "-o bogus set /ctl/a 5" { _ = await run("set /ctl/a 5", on: keys) }
    }
    #expect(replayed > 55)
  }

  /// The store as it stood before the recording.
  private func fill(_ keys: LocalKeys, upTo index: Int) async {
    for _ in 0..<index { _ = try? await keys.set("/_before", "") }
  }

  private func run(_ line: String, on keys: LocalKeys) async -> Recorded {
    let record = RecordedOutput()
    var result = Recorded(command: line)
    do throws(EtcdctlUsageError) {
      let words = line.split(separator: " ").map(String.init)
      // The record shows an empty value as nothing.
      let isEmptyValue = line.hasPrefix("set ") && line.hasSuffix(" ")
      let invocation = try EtcdctlInvocation(isEmptyValue ? words + [""] : words, environment: [:], readValue: { nil })
      guard case .keys(let action) = invocation.command else { return result }
      let session = KeyValueSession(keys: keys, format: invocation.settings.format, output: record.output)
      result.code = await session.run(action)
    } catch {
      result.code = error.report(to: record.output)
    }
    result.out = lines(record.out)
    result.error = lines(record.error)
    return result
  }

  private func lines(_ text: String) -> [String] {
    // A lone line feed was recorded as no output.
    text == "\n"
      ? [] : text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map { Self.masked(String($0)) }
  }

  /// Moments differ from the recorded ones.
  private static func masked(_ line: String) -> String {
    line.replacing(/"expiration":"[^"]*"/, with: "\"expiration\":\"…\"")
  }

  private static func transcript() throws -> [Recorded] {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appending(path: "Fixtures/etcdctl-transcript.txt")
    var transcript: [Recorded] = []
    for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
      if line.hasPrefix("$ etcdctl ") {
        transcript.append(Recorded(command: String(line.dropFirst("$ etcdctl ".count))))
      } else if var last = transcript.popLast() {
        if line.hasPrefix("  out| ") { last.out.append(masked(String(line.dropFirst(7)))) }
        if line.hasPrefix("  err| ") { last.error.append(String(line.dropFirst(7))) }
        if line.hasPrefix("  rc=") { last.code = Int32(line.dropFirst(5)) ?? -1 }
        transcript.append(last)
      }
    }
    return transcript
  }
}
