// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import TestKit
import Testing
import Units

@testable import UnitRunner

/// The stages of a service beside its main process, and what becomes of them when a supervision ends in their midst.
@Suite struct StageTests {
  /// A command that says that it is there and goes on once a file is.
  private static func gate(_ directory: URL, _ name: String) -> String {
    "/bin/sh -c 'echo \(name); while ! test -e \(directory.path)/\(name); do sleep 0.01; done'"
  }

  private static func open(_ directory: URL, _ name: String) {
    _ = FileManager.default.createFile(atPath: "\(directory.path)/\(name)", contents: nil)
  }

  private func with(
    _ text: (URL) -> String,
    _ body: @Sendable @escaping (SupervisionFixture, URL) async throws -> Void
  ) async throws {
    try await withTestDirectory { directory in
      let text = text(directory)
      try await SupervisionFixture.with(directory: directory.appendingPathComponent("s")) { units in
        try await units.load(["a.service": "[Service]\n\(text)"])
        try await body(units, directory)
      }
    }
  }

  @Test func `ExecCondition= decides whether a service runs, and that it does not is no failure`() async throws {
    try await with({ directory in
      """
      ExecCondition=/usr/bin/test -e \(directory.path)/wanted
      ExecStart=/bin/sleep 1000
      ExecStopPost=/bin/sh -c 'echo after $SERVICE_RESULT'
      Restart=always
      """
    }) { units, directory in
      try await units.start("a.service")
      try await eventually("the end") { try await units.output("a.service") == ["after exec-condition"] }
      try await units.expect("a.service", "inactive/dead")
      #expect(try await units.status("a.service").unit.activity.result == .execCondition)
      Self.open(directory, "wanted")
      try await units.start("a.service")
      try await units.expect("a.service", "active/running")
    }
  }

  @Test func `ExecReload= gets the main process and leaves the service up`() async throws {
    try await with({ _ in
      """
      ExecStart=/bin/sh -c 'trap "echo again" HUP; echo up; while :; do sleep 0.01; done'
      ExecReload=/bin/sh -c 'kill -HUP $MAINPID'
      """
    }) { units, _ in
      let name = try UnitName("a.service")
      await #expect(throws: UnitRunnerError.self) { try await units.supervision.reload(name) }
      try await units.start("a.service")
      try await eventually("output") { try await units.output("a.service") == ["up"] }
      let main = try await units.mainProcess("a.service")
      try await units.supervision.reload(name)
      try await eventually("a reload") { try await units.output("a.service") == ["up", "again"] }
      try await units.expect("a.service", "active/running")
      #expect(try await units.mainProcess("a.service") == main)
      try await eventually("the end of the reload is told") {
        try await units.status("a.service").journal.contains { $0.text == "Reloaded a.service." }
      }
    }
  }

  @Test func `a reload that hangs is given up and the service stays up`() async throws {
    try await with({ directory in
      "TimeoutStartSec=3s\nExecStart=/bin/sleep 1000\nExecReload=\(Self.gate(directory, "never"))"
    }) { units, _ in
      try await units.start("a.service")
      try await units.expect("a.service", "active/running")
      try await units.supervision.reload(try UnitName("a.service"))
      try await eventually("the reload to begin") { try await units.output("a.service") == ["never"] }
      try await units.expect("a.service", "active/running")
      let report = try #require(try await units.status("a.service").commands.last)
      #expect(report.end == "signal KILL")
      let processID = try #require(report.processID)
      try await eventually("its end") { !isRunning(processID) }
    }
  }

  @Test func `a restart by request ends one process and begins another`() async throws {
    try await with({ _ in
      "RestartKillSignal=SIGINT\nExecStart=/bin/sh -c 'trap \"echo int; exit 0\" INT; echo up; while :; do sleep 0.01; done'"
    }) { units, _ in
      let name = try UnitName("a.service")
      try await units.supervision.restart(name)
      try await eventually("output") { try await units.output("a.service") == ["up"] }
      let first = try await units.mainProcess("a.service")
      try await units.supervision.restart(name)
      try await eventually("output") { try await units.output("a.service") == ["up", "int", "up"] }
      #expect(try await units.mainProcess("a.service") != first)
      #expect(try await units.status("a.service").restarts == 0)
    }
  }

  @Test func `RuntimeMaxSec= ends a service that has been up for long enough`() async throws {
    try await with({ _ in "RuntimeMaxSec=100ms\nExecStart=/bin/sleep 1000" }) { units, _ in
      try await units.start("a.service")
      try await units.expect("a.service", "failed/failed")
      #expect(try await units.status("a.service").unit.activity.result == .timeout)
    }
  }

  @Test func `an idle service begins its command when nothing else is being started`() async throws {
    try await withTestDirectory { directory in
      try await SupervisionFixture.with(directory: directory.appendingPathComponent("s")) { units in
        try await units.load([
          "busy.service": "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=\(Self.gate(directory, "busy"))",
          "idle.service": "[Service]\nType=idle\nExecStart=/bin/sh -c 'echo here; exec sleep 1000'",
          "other.service": "[Service]\nType=idle\nExecStart=/bin/sleep 1000",
        ])
        try await units.start("busy.service")
        try await eventually("busy") { try await units.output("busy.service") == ["busy"] }
        try await units.start("idle.service")
        try await units.start("other.service")
        try await units.expect("idle.service", "active/running")
        #expect(try await units.status("idle.service").mainProcessID == nil)
        try await units.stop("other.service")
        try await units.expect("other.service", "inactive/dead")
        Self.open(directory, "busy")
        try await eventually("output") { try await units.output("idle.service") == ["here"] }
        #expect(try await units.status("idle.service").commands.count == 1)
      }
    }
  }

  // MARK: Supervisions that come and go

  /// Each stage, the state it is in, what begins it, and the states a service goes to after it.
  @Test(arguments: [
    ("ExecCondition", "activating/condition", "active/running"),
    ("ExecStartPre", "activating/start-pre", "active/running"),
    ("ExecStartPost", "activating/start-post", "active/running"),
    ("ExecReload", "reloading/reload", "active/running"),
    ("ExecStop", "deactivating/stop", "inactive/dead"),
    ("ExecStopPost", "deactivating/stop-post", "inactive/dead"),
  ])
  func `a command of any stage goes on without a supervision and the next one goes on from there`(
    stage: String,
    state: String,
    end: String
  ) async throws {
    try await withTestDirectory { directory in
      let home = directory.appendingPathComponent("s")
      try await SupervisionFixture.with(directory: home, stopsUnits: false) { units in
        try await units.load([
          "a.service": "[Service]\nExecStart=/bin/sleep 1000\n\(stage)=\(Self.gate(directory, stage))"
        ])
        try await units.start("a.service")
        if stage == "ExecReload" {
          try await units.expect("a.service", "active/running")
          try await units.supervision.reload(try UnitName("a.service"))
        }
        if stage.hasPrefix("ExecStop") {
          try await units.expect("a.service", "active/running")
          _ = try await units.mainProcess("a.service")
          try await units.stop("a.service")
        }
        try await units.expect("a.service", state)
        try await eventually("output") { try await units.output("a.service") == [stage] }
      }
      try await SupervisionFixture.with(directory: home, stopsUnits: false) { units in
        #expect(await units.words("a.service") == state)
      }
      Self.open(directory, stage)
      try await SupervisionFixture.with(directory: home) { units in
        try await units.expect("a.service", end)
        #expect(try await units.output("a.service") == [stage])
      }
    }
  }

  @Test func `a search for a main process goes on without a supervision`() async throws {
    try await withTestDirectory { directory in
      let home = directory.appendingPathComponent("s")
      try await SupervisionFixture.with(directory: home, stopsUnits: false) { units in
        try await units.load([
          "a.service": """
          [Service]
          Type=forking
          PIDFile=\(directory.path)/a.pid
          ExecStart=/bin/sh -c '(echo up; while ! test -e \(directory.path)/go; do sleep 0.01; done; \
          sleep 1000 & echo $! >\(directory.path)/a.pid; wait) &'
          """
        ])
        try await units.start("a.service")
        try await eventually("output") { try await units.output("a.service") == ["up"] }
        try await units.expect("a.service", "activating/start")
      }
      Self.open(directory, "go")
      try await eventually("a PID file") { FileManager.default.fileExists(atPath: "\(directory.path)/a.pid") }
      try await SupervisionFixture.with(directory: home, stopsUnits: false) { units in
        try await units.expect("a.service", "active/running")
        _ = try await units.mainProcess("a.service")
      }
      try await SupervisionFixture.with(directory: home) { units in
        let main = try await units.mainProcess("a.service")
        #expect(await units.words("a.service") == "active/running")
        kill(main, SIGKILL)
        try await units.expect("a.service", "failed/failed")
      }
    }
  }

  @Test func `daemons without a known main process are waited for by the next supervision too`() async throws {
    try await withTestDirectory { directory in
      let home = directory.appendingPathComponent("s")
      let children = Box<[Int32]>()
      try await SupervisionFixture.with(directory: home, stopsUnits: false) { units in
        try await units.load([
          "a.service": "[Service]\nType=forking\nExecStart=/bin/sh -c 'sleep 1000 & echo $!; sleep 1000 & echo $!'"
        ])
        try await units.start("a.service")
        try await units.expect("a.service", "active/running")
        try await eventually("output") { try await units.output("a.service").count == 2 }
        children.value = try await units.output("a.service").compactMap { Int32($0) }
      }
      try await SupervisionFixture.with(directory: home) { units in
        #expect(await units.words("a.service") == "active/running")
        for child in try #require(children.value) { kill(child, SIGKILL) }
        try await units.expect("a.service", "inactive/dead")
      }
    }
  }
}
