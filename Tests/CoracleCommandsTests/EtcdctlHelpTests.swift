// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import CoracleCommands

/// What etcdctl 3.4.23 prints for `--help`, and what ours does.
struct EtcdctlHelpTests {
  @Test func `the help of every command is that of the original`() throws {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/etcdctl-help.txt")
    let recorded = try String(contentsOf: file, encoding: .utf8).split(
      separator: "$ etcdctl",
      omittingEmptySubsequences: true
    )
    var compared = 0
    for part in recorded {
      let line = part.prefix { $0 != "\n" }
      var topic = EtcdctlTopic.program
      for word in line.split(separator: " ") { topic = try #require(topic[String(word)], "\(line)") }
      var expected = String(part.dropFirst(line.count + 1))
      if topic == .program {
        expected = expected.replacing("   3.4.23\n", with: "   \(EtcdctlPersonality.version)\n")
        // Of 2.3.8; it is where that has it.
        expected = expected.replacing(
          "   user            user add",
          with: "   import          import a snapshot to a cluster\n   user            user add"
        )
      }
      #expect(topic.help == expected, "\(line)")
      compared += 1
    }
    #expect(compared == 38)
  }
}
