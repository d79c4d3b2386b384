// SPDX-License-Identifier: Apache-2.0
import DockerEngine
import Foundation
import TestKit
import Testing

@testable import UnitRunner

@Suite struct ContainerLogsTests {
  private static func origin(_ container: String, _ time: Int64, _ count: Int = 1) -> LogOrigin {
    var cursor = LogCursor()
    let position = LogPosition(nanosecondsSinceEpoch: time)
    for _ in 0..<count { cursor.pass(OutputLine(stream: .standardOutput, bytes: [], position: position)) }
    return LogOrigin(
      container: container,
      stream: .standardOutput,
      place: cursor.standardOutput ?? LogCursor.Place(nanosecondsSinceEpoch: 0, count: 0)
    )
  }

  @Test func `the unit-host knows how far the logs of a unit's last containers are in its journal`() async throws {
    try await withTestDirectory { directory in try Self.check(directory) }
  }

  private static func check(_ directory: URL) throws {
    var logs = ContainerLogs()
    for number in 1...20 { logs.note(origin("c\(number)", Int64(number)), of: "a.service") }
    logs.note(Self.origin("c15", 99, 2), of: "a.service")
    logs.note(Self.origin("x", 1), of: "b.service")
    #expect(logs.cursors.keys.sorted() == (13...20).map { "c\($0)" } + ["x"])
    #expect(logs.cursors["c15"]?.standardOutput == Self.origin("c15", 99, 2).place)
    logs.leave(in: directory.path)
    #expect(ContainerLogs.taken(from: directory.path).cursors == logs.cursors)
    #expect(ContainerLogs.taken(from: directory.path).cursors.isEmpty, "what it told is out of date once it goes on")
    logs.forget("a.service")
    #expect(Array(logs.cursors.keys) == ["x"])
  }
}
