// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import TestKit
import Testing
import Units

@testable import UnitRunner

/// Whether tests may do what only root may.
let isRoot = getuid() == 0

extension SupervisionFixture {
  /// More lines than a test's unit writes.
  private static let allLines = 1000

  /// A script as it stands in a command line: each dollar sign is the shell's.
  static func escaped(_ script: String) -> String {
    script.replacingOccurrences(of: "$", with: "$$")
  }

  /// Runs a shell in a oneshot service with these lines of `[Service]` to its end, and returns this run's output.
  func run(_ text: String, _ script: String, name: String = "probe@1.service") async throws -> [String] {
    let file = """
      [Service]
      Type=oneshot
      RemainAfterExit=yes
      SyslogIdentifier=out
      \(text)
      ExecStart=/bin/sh -c '\(Self.escaped(script))'
      """
    try await load([name: file])
    // A unit's journal stays when the unit is unloaded.
    let before = try await status(name, lines: Self.allLines).journal.count
    try await start(name)
    try await eventually("\(name) to end", every: .milliseconds(5)) {
      ["active/exited", "failed/failed"].contains(await self.words(name))
    }
    let lines = try await status(name, lines: Self.allLines).journal.dropFirst(before)
    #expect(await words(name) == "active/exited", "\(lines.map(\.text))")
    let output = lines.filter { $0.source == "out" }.map(\.text)
    try await supervision.unload(try UnitName(name))
    return output
  }

  /// Starts a service that must fail, and returns how its last command ended and what the runner said.
  func fail(_ text: String, name: String = "bad.service") async throws -> (end: String?, said: [String]) {
    try await load([name: "[Service]\n\(text)\nExecStart=/bin/true"])
    try await start(name)
    try await expect(name, "failed/failed")
    let status = try await status(name)
    let said = status.journal.filter { $0.source == "coracle" }.map(\.text)
    try await supervision.unload(try UnitName(name))
    return (status.commands.last?.end, said)
  }
}

/// The text of a file; nil when there is none.
func fileText(_ path: String) -> String? {
  readSmallFile(path)
}

/// Owner and permissions of a file, `65534:65534 750`; nil when there is none.
func owner(_ path: String) -> String? {
  var status = stat()
  guard lstat(path, &status) == 0 else { return nil }
  return "\(status.st_uid):\(status.st_gid) \(String(status.st_mode & 0o7777, radix: 8))"
}
