// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import TestKit
import Testing
import Units

@testable import UnitRunner

@Suite struct ServiceTests {
  @Test func `a simple service runs with its output kept and stops on request`() async throws {
    try await withTestDirectory { directory in
      try await SupervisionFixture.with(directory: directory) { units in
        try await units.load([
          "hello@1.service": """
          [Service]
          Environment=WORD=hello
          ExecStartPre=/bin/sh -c 'echo before %i'
          ExecStart=/bin/sh -c 'echo ${WORD} world; exec sleep 1000'
          ExecStopPost=/bin/sh -c 'echo after $SERVICE_RESULT $EXIT_CODE $EXIT_STATUS'
          """
        ])
        try await units.start("hello@1.service")
        try await units.expect("hello@1.service", "active/running")
        let processID = try await units.mainProcess("hello@1.service")
        let status = try await units.status("hello@1.service")
        #expect(isRunning(processID))
        #expect(getsid(processID) == processID)
        #expect(status.commands.map(\.option) == ["ExecStartPre", "ExecStart"])
        #expect(status.commands.first?.end == "0/SUCCESS")
        try await eventually("output") { try await units.output("hello@1.service") == ["before 1", "hello world"] }
        try await units.stop("hello@1.service")
        try await units.expect("hello@1.service", "inactive/dead")
        #expect(!isRunning(processID))
        #expect(try await units.output("hello@1.service").last == "after success killed TERM")
      }
    }
  }

  @Test func `a service that is killed starts again after Restart=on-failure`() async throws {
    try await withTestDirectory { directory in
      try await SupervisionFixture.with(directory: directory) { units in
        try await units.load([
          "a.service": "[Service]\nRestart=on-failure\nRestartSec=20ms\nExecStart=/bin/sleep 1000"
        ])
        try await units.start("a.service")
        try await units.expect("a.service", "active/running")
        let first = try await units.mainProcess("a.service")
        kill(first, SIGKILL)
        try await eventually("another process") {
          let next = try await units.status("a.service").mainProcessID
          return next != nil && next != first
        }
        #expect(try await units.status("a.service").restarts == 1)
      }
    }
  }

  @Test func `every process of a service ends with it`() async throws {
    try await withTestDirectory { directory in
      try await SupervisionFixture.with(directory: directory) { units in
        try await units.load([
          "a.service": "[Service]\nExecStart=/bin/sh -c 'setsid sleep 1001 & echo $! ; exec sleep 1002'"
        ])
        try await units.start("a.service")
        try await eventually("output") { try await units.output("a.service").count == 1 }
        let child = try #require(Int32(try await units.output("a.service")[0]))
        #expect(isRunning(child))
        try await units.stop("a.service")
        try await units.expect("a.service", "inactive/dead")
        #expect(!isRunning(child))
      }
    }
  }

  @Test func `what ignores SIGTERM is killed after TimeoutStopSec`() async throws {
    try await withTestDirectory { directory in
      try await SupervisionFixture.with(directory: directory) { units in
        try await units.load([
          "a.service": """
          [Service]
          TimeoutStopSec=200ms
          ExecStart=/bin/sh -c 'trap "" TERM; echo up; while :; do sleep 0.05; done'
          """
        ])
        try await units.start("a.service")
        try await eventually("output") { try await units.output("a.service") == ["up"] }
        try await units.stop("a.service")
        try await units.expect("a.service", "failed/failed")
        #expect(try await units.status("a.service").unit.activity.result == .timeout)
      }
    }
  }

  @Test func `nobody has to wait for a unit that takes long to stop`() async throws {
    try await withTestDirectory { directory in
      try await SupervisionFixture.with(directory: directory) { units in
        try await units.load([
          "a.service": """
          [Service]
          TimeoutStopSec=1h
          ExecStart=/bin/sh -c 'trap "" TERM; echo up; while :; do sleep 0.05; done'
          """
        ])
        try await units.start("a.service")
        try await eventually("output") { try await units.output("a.service") == ["up"] }
        let process = try await units.mainProcess("a.service")
        let unloading = Task { try await units.supervision.unload(try UnitName("a.service")) }
        try await units.expect("a.service", "deactivating/stop-sigterm")
        unloading.cancel()
        await #expect(throws: UnitRunnerError.self) { try await unloading.value }
        #expect(await units.words("a.service") == "deactivating/stop-sigterm")
        kill(process, SIGKILL)
        try await units.expect("a.service", "gone")
      }
    }
  }

  @Test func `a program that is not there fails with status 203 and says so`() async throws {
    try await withTestDirectory { directory in
      try await SupervisionFixture.with(directory: directory) { units in
        try await units.load(["a.service": "[Service]\nExecStart=/no/such/program"])
        try await units.start("a.service")
        try await units.expect("a.service", "failed/failed")
        let status = try await units.status("a.service")
        #expect(status.commands.last?.end == "203/EXEC")
        #expect(status.unit.activity.result == .exitCode)
        #expect(status.journal.contains { $0.text.contains("No such file or directory") })
      }
    }
  }

  @Test func `a oneshot service that remains is active and exited`() async throws {
    try await withTestDirectory { directory in
      try await SupervisionFixture.with(directory: directory) { units in
        try await units.load([
          "a.service": "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\nExecStart=/bin/true"
        ])
        try await units.start("a.service")
        try await units.expect("a.service", "active/exited")
        #expect(try await units.status("a.service").commands.map(\.end) == ["0/SUCCESS", "0/SUCCESS"])
      }
    }
  }

  @Test func `user, group, directory, umask and environment files hold for a command`() async throws {
    try await withTestDirectory { directory in
      let file = directory.appendingPathComponent("env")
      try "# comment\nA=\"one two\"\nB=2\n".write(to: file, atomically: true, encoding: .utf8)
      try await SupervisionFixture.with(directory: directory.appendingPathComponent("s")) { units in
        let user = getuid() == 0 ? "User=nobody\n" : ""
        try await units.load([
          "a.service": """
          [Service]
          Type=oneshot
          RemainAfterExit=yes
          \(user)WorkingDirectory=/usr
          UMask=0077
          EnvironmentFile=\(file.path)
          EnvironmentFile=-/no/such/file
          ExecStart=/bin/sh -c 'id -un; pwd; umask; echo "$1|$2|$3"' sh $A ${A} ${NONE}
          """
        ])
        try await units.start("a.service")
        try await units.expect("a.service", "active/exited")
        let lines = try await units.output("a.service")
        #expect(lines.first == (getuid() == 0 ? "nobody" : NSUserName()))
        #expect(Array(lines.dropFirst()) == ["/usr", "0077", "one|two|one two"])
      }
    }
  }

  @Test func `an environment file that has to be there keeps a service from starting`() async throws {
    try await withTestDirectory { directory in
      try await SupervisionFixture.with(directory: directory) { units in
        try await units.load(["a.service": "[Service]\nEnvironmentFile=/no/such/file\nExecStart=/bin/true"])
        try await units.start("a.service")
        try await units.expect("a.service", "failed/failed")
        #expect(try await units.status("a.service").unit.activity.result == .resources)
      }
    }
  }

  @Test func `a unit without a command is loaded and cannot be started`() async throws {
    try await withTestDirectory { directory in
      try await SupervisionFixture.with(directory: directory) { units in
        try await units.load(["a.service": "[Service]\nType=simple"])
        await #expect(throws: UnitRunnerError.self) { try await units.start("a.service") }
        #expect(try await units.status("a.service").unit.activity.load == .badSetting)
      }
    }
  }

  @Test func `our own programs come first on a unit's PATH`() async throws {
    try await withTestDirectory { directory in
      try await SupervisionFixture.with(directory: directory) { units in
        try await units.load([
          "a.service": "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sh -c 'command -v etcdctl'"
        ])
        try await units.start("a.service")
        try await units.expect("a.service", "active/exited")
        #expect(try await units.output("a.service") == ["\(directory.path)/bin/etcdctl"])
      }
    }
  }

  @Test func `three hundred services are up within seconds`() async throws {
    try await withTestDirectory { directory in
      try await SupervisionFixture.with(directory: directory) { units in
        let names = (1...300).map { "many@\($0).service" }
        let text = "[Service]\nExecStart=/bin/sleep 1000"
        let clock = ContinuousClock()
        let begin = clock.now
        try await units.load(Dictionary(uniqueKeysWithValues: names.map { ($0, text) }))
        for name in names { try await units.start(name) }
        // A look at three hundred units is work too.
        try await eventually("300 processes", every: .milliseconds(250)) {
          let loaded = await units.supervision.units()
          guard loaded.allSatisfy({ $0.activity.sub == .running }) else { return false }
          return try await units.status(names[299]).mainProcessID != nil
        }
        let elapsed = clock.now - begin
        print("300 services: \(elapsed)")
        #expect(elapsed < .seconds(10))
      }
    }
  }
}
