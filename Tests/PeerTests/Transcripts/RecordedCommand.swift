// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Differential

/// One recorded command line of `etcdctl` with what it printed and how it ended.
struct RecordedCommand: Equatable {
  var line: String
  var output: [String] = []
  var errors: [String] = []
  var status: Int32 = 0

  /// Everything but the command line.
  var result: String {
    (output.map { "out| \($0)" } + errors.map { "err| \($0)" } + ["rc=\(status)"]).joined(separator: "\n    ")
  }

  /// The words of the line; the record shows an empty value as nothing.
  var words: [String] {
    line.split(separator: " ").map(String.init) + (line.hasSuffix(" ") ? [""] : [])
  }
}

extension RecordedTranscript {
  /// Sections 8 and 8b: what 2.3.8 printed, with the changes that make it what 3.4.23 printed.
  static func etcdctlCommands() throws -> [RecordedCommand] {
    // 8b shows ports by name.
    let lines = try section("8").map {
      $0.replacing("127.0.0.1:12379", with: "127.0.0.1:PORT").replacing("127.0.0.1:12380", with: "127.0.0.1:PPORT")
    }
    let patched = try applying(section("8b"), to: lines)
    var commands: [RecordedCommand] = []
    for line in patched {
      if line.hasPrefix("$ etcdctl ") {
        commands.append(RecordedCommand(line: String(line.dropFirst("$ etcdctl ".count))))
      } else if var last = commands.popLast() {
        if line.hasPrefix("  out| ") { last.output.append(String(line.dropFirst(7))) }
        if line.hasPrefix("  err| ") { last.errors.append(String(line.dropFirst(7))) }
        if line.hasPrefix("  rc=") { last.status = Int32(line.dropFirst(5)) ?? -1 }
        commands.append(last)
      }
    }
    return commands
  }

  /// Applies the changes of a plain `diff`, each where its old lines are found next.
  ///
  /// What only moves lines (an unsorted listing) is left out: it is compared without its order.
  private static func applying(_ changes: [String], to lines: [String]) throws -> [String] {
    var lines = lines
    var place = 0
    for change in changes.split(whereSeparator: { $0.first?.isNumber == true }) {
      let old = change.filter { $0.hasPrefix("< ") }.map { String($0.dropFirst(2)) }
      let new = change.filter { $0.hasPrefix("> ") }.map { String($0.dropFirst(2)) }
      guard !old.isEmpty, !new.isEmpty else { continue }
      let found = lines.indices[place...].first { lines[$0...].starts(with: old) }
      let start = try #require(found, "8b changes what stands in 8: \(old)")
      lines.replaceSubrange(start..<(start + old.count), with: new)
      place = start + new.count
    }
    return lines
  }
}
