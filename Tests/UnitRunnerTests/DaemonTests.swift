// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import TestKit
import Testing
import Units

@testable import UnitRunner

/// Services that put themselves into the background.
@Suite struct DaemonTests {
  private func with(
    _ text: (URL) throws -> String,
    _ body: @Sendable @escaping (SupervisionFixture, URL) async throws -> Void
  ) async throws {
    try await withTestDirectory { directory in
      let text = try text(directory)
      try await SupervisionFixture.with(directory: directory.appendingPathComponent("s")) { units in
        try await units.load(["a.service": "[Service]\nType=forking\n\(text)"])
        try await units.start("a.service")
        try await body(units, directory)
      }
    }
  }

  @Test func `the process in the PID file is the main one, and the file goes with it`() async throws {
    try await with({ directory in
      """
      PIDFile=\(directory.path)/a.pid
      ExecStart=/bin/sh -c 'sleep 1000 & echo $! >\(directory.path)/a.pid'
      ExecStopPost=/bin/sh -c 'echo after $SERVICE_RESULT $EXIT_CODE $EXIT_STATUS'
      """
    }) { units, directory in
      try await units.expect("a.service", "active/running")
      let main = try await units.mainProcess("a.service")
      let file = directory.appendingPathComponent("a.pid")
      #expect(try String(contentsOf: file, encoding: .utf8) == "\(main)\n")
      #expect(isRunning(main))
      kill(main, SIGKILL)
      try await units.expect("a.service", "failed/failed")
      #expect(try await units.status("a.service").unit.activity.result == .signal)
      #expect(try await units.output("a.service") == ["after signal killed KILL"])
      #expect(!FileManager.default.fileExists(atPath: file.path))
    }
  }

  @Test func `the exit code of a daemon is known, though it was not started as such`() async throws {
    try await with({ directory in
      """
      ExecStart=/bin/sh -c '(while ! test -e \(directory.path)/go; do sleep 0.01; done; exit 7) &'
      SuccessExitStatus=7
      """
    }) { units, directory in
      try await units.expect("a.service", "active/running")
      _ = try await units.mainProcess("a.service")
      _ = FileManager.default.createFile(atPath: "\(directory.path)/go", contents: nil)
      try await units.expect("a.service", "inactive/dead")
      try await eventually("the exit code in the journal") {
        try await units.status("a.service").journal.map(\.text)
          .contains("a.service: Main process exited, code=exited, status=7/NOTRUNNING")
      }
    }
  }

  @Test func `a PID file may come late and may change hands`() async throws {
    try await with({ directory in
      let script = """
        sleep 1000 &
        echo $! >\(directory.path)/second
        echo up
        while ! test -e \(directory.path)/go; do sleep 0.01; done
        echo $$ >\(directory.path)/a.pid
        exec sleep 1000
        """
      try script.write(toFile: "\(directory.path)/daemon", atomically: true, encoding: .utf8)
      return "PIDFile=\(directory.path)/a.pid\nExecStart=/bin/sh -c 'sh \(directory.path)/daemon &'"
    }) { units, directory in
      try await eventually("output") { try await units.output("a.service") == ["up"] }
      #expect(await units.words("a.service") == "activating/start")
      _ = FileManager.default.createFile(atPath: "\(directory.path)/go", contents: nil)
      let first = try await units.mainProcess("a.service")
      try await units.expect("a.service", "active/running")
      let second = try #require(
        Int32(try String(contentsOfFile: "\(directory.path)/second", encoding: .utf8).dropLast())
      )
      try "\(second)\n".write(toFile: "\(directory.path)/a.pid", atomically: true, encoding: .utf8)
      kill(first, SIGKILL)
      try await eventually("the second to be the main process") {
        try await units.status("a.service").mainProcessID == second
      }
      #expect(await units.words("a.service") == "active/running")
      kill(second, SIGTERM)
      try await units.expect("a.service", "inactive/dead")
    }
  }

  @Test func `a PID file that never comes, or names a stranger, fails the start`() async throws {
    try await with({ directory in "PIDFile=\(directory.path)/none\nExecStart=/bin/true" }) { units, _ in
      try await units.expect("a.service", "failed/failed")
      #expect(try await units.status("a.service").unit.activity.result == .protocol)
    }
    try await with({ directory in
      """
      PIDFile=\(directory.path)/a.pid
      TimeoutStartSec=300ms
      ExecStart=/bin/sh -c 'echo \(getppid()) >\(directory.path)/a.pid; sleep 1000 &'
      """
    }) { units, _ in
      try await units.expect("a.service", "failed/failed")
      #expect(try await units.status("a.service").unit.activity.result == .timeout)
    }
  }

  @Test func `several daemons live until the last of them ends`() async throws {
    try await with({ _ in "ExecStart=/bin/sh -c 'sleep 1000 & echo $!; sleep 1000 & echo $!'" }) { units, _ in
      try await units.expect("a.service", "active/running")
      try await eventually("output") { try await units.output("a.service").count == 2 }
      #expect(try await units.status("a.service").mainProcessID == nil)
      let children = try await units.output("a.service").compactMap { Int32($0) }
      kill(children[0], SIGKILL)
      try await eventually("its end") { !isRunning(children[0]) }
      #expect(await units.words("a.service") == "active/running")
      kill(children[1], SIGKILL)
      try await units.expect("a.service", "inactive/dead")
    }
  }

  @Test func `every process of a daemon ends with it, whatever session it went to`() async throws {
    try await with({ _ in
      "ExecStart=/bin/sh -c 'setsid sh -c \"setsid sleep 1000 & echo \\$!; exec sleep 1000\" &'"
    }) { units, _ in
      try await units.expect("a.service", "active/running")
      try await eventually("output") { try await units.output("a.service").count == 1 }
      let main = try await units.status("a.service").mainProcessID
      let child = try #require(Int32(try await units.output("a.service")[0]))
      try await units.stop("a.service")
      try await units.expect("a.service", "inactive/dead")
      #expect(!isRunning(child))
      #expect(main.map(isRunning) != true)
    }
  }
}
