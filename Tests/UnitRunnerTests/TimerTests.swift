// SPDX-License-Identifier: Apache-2.0
import CUnitSpawn
import Foundation
import Glibc
import TestKit
import Testing
import Units

@testable import UnitRunner

/// Timers with real processes.
@Suite struct TimerTests {
  private static let job = "[Service]\nType=oneshot\nExecStart=/bin/echo ran"

  @Test func `a timer starts its service again and again`() async throws {
    try await withTestDirectory { directory in
      try await SupervisionFixture.with(directory: directory) { units in
        try await units.load([
          "job.timer": "[Timer]\nOnActiveSec=20ms\nOnUnitInactiveSec=20ms\nAccuracySec=1ms", "job.service": Self.job,
        ])
        #expect(await units.words("job.timer") == "inactive/dead")
        try await units.start("job.timer")
        try await eventually("three runs") { try await units.output("job.service").count >= 3 }
        // It was not asked for by anybody else, so nobody else has to stop it.
        #expect(await units.supervision.units().first { $0.name.rawValue == "job.service" }?.isStartRequested == false)
        try await units.stop("job.timer")
        try await units.expect("job.timer", "inactive/dead")
        let status = try await units.status("job.timer")
        #expect(status.warnings.isEmpty && status.unit.problem == nil)
      }
    }
  }

  @Test func `a timer is waiting, then running as long as its service, then elapsed`() async throws {
    try await withTestDirectory { directory in
      let gate = directory.appending(path: "gate").path
      try await SupervisionFixture.with(directory: directory) { units in
        try await units.load([
          "job.timer": "[Timer]\nOnCalendar=2199-1-1\nOnActiveSec=1h\nOnBootSec=1us\nUnit=other.service",
          "other.service":
            "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'while ! test -e \(gate); do sleep 0.01; done'",
          "far.timer": "[Timer]\nOnActiveSec=1h\nUnit=other.service",
          "once.timer": "[Timer]\nOnActiveSec=1ms\nUnit=once.target", "once.target": "[Unit]",
        ])
        try await units.start("job.timer")
        try await units.start("far.timer")
        try await units.start("once.timer")
        try await units.expect("job.timer", "active/running")
        try await units.expect("far.timer", "active/waiting")
        try await units.expect("other.service", "activating/start")
        #expect(FileManager.default.createFile(atPath: gate, contents: nil))
        try await units.expect("job.timer", "active/waiting")
        try await units.expect("once.target", "active/active")
        try await units.stop("once.target")
        try await units.expect("once.timer", "active/elapsed")
      }
    }
  }

  @Test func `a timer without its unit fails, and one in an unknown zone is not started`() async throws {
    try await withTestDirectory { directory in
      try await SupervisionFixture.with(directory: directory) { units in
        try await units.load([
          "alone.timer": "[Timer]\nOnActiveSec=1ms", "far.timer": "[Timer]\nOnCalendar=daily Mars/Base",
        ])
        try await units.start("alone.timer")
        try await units.expect("alone.timer", "failed/failed")
        #expect(
          try await units.status("alone.timer").unit.problem
            == "it cannot start alone.service: dependency failed for alone.timer: it requires alone.service, which is not on this machine"
        )
        await #expect(throws: UnitRunnerError.self) { try await units.start("far.timer") }
        #expect(
          try await units.status("far.timer").unit.problem == "OnCalendar=: this machine knows no time zone Mars/Base"
        )
      }
    }
  }

  @Test func `what depends on a timer learns that it has failed`() async throws {
    try await withTestDirectory { directory in
      try await SupervisionFixture.with(directory: directory) { units in
        try await units.load([
          "alone.timer": "[Timer]\nOnActiveSec=50ms\nAccuracySec=1ms",
          "side.service":
            "[Unit]\nBindsTo=alone.timer\nAfter=alone.timer\n[Service]\nExecStart=/bin/sleep 1000",
        ])
        try await units.start("side.service")
        try await units.expect("alone.timer", "failed/failed")
        try await units.expect("side.service", "inactive/dead")
      }
    }
  }

  @Test func `a timer goes on when the node is another process, with the moments it missed made up for once`()
    async throws
  {
    try await withTestDirectory { directory in
      let timer = "[Timer]\nOnActiveSec=150ms\nOnCalendar=2199-1-1"
      try await SupervisionFixture.with(directory: directory, stopsUnits: false) { units in
        try await units.load(["job.timer": timer, "job.service": Self.job])
        try await units.start("job.timer")
        try await units.expect("job.timer", "active/waiting")
      }
      try await eventually("the moment to have passed") { timeSinceBoot() > .zero }
      try await SupervisionFixture.with(directory: directory) { units in
        try await eventually("the run") { try await units.output("job.service") == ["ran"] }
        try await units.expect("job.timer", "active/waiting")
      }
    }
  }

  @Test func `a persistent timer's stamp is on disk, and one from before the last boot makes it elapse`() async throws {
    try await withTestDirectory { directory in
      let stamp = directory.appending(path: "timers/stamp-job.timer").path
      let units = ["job.timer": "[Timer]\nOnCalendar=yearly\nPersistent=yes", "job.service": Self.job]
      try await SupervisionFixture.with(directory: directory) { fixture in
        try await fixture.load(units)
        try await fixture.start("job.timer")
        try await fixture.expect("job.timer", "active/waiting")
        let text = try #require(readSmallFile(stamp)).filter { $0 != "\n" }
        #expect(abs(try #require(Int64(text)) - epochMicroseconds()) < 60_000_000)
        #expect(try await fixture.output("job.service").isEmpty)
        try await fixture.supervision.unload(try UnitName("job.timer"))
        // As if it had last elapsed in 2001.
        try "978307200000000\n".write(toFile: stamp, atomically: true, encoding: .utf8)
        try await fixture.load(units.filter { $0.key == "job.timer" })
        try await fixture.start("job.timer")
        try await eventually("the run that was missed") { try await fixture.output("job.service") == ["ran"] }
        try await fixture.expect("job.timer", "active/waiting")
        #expect(readSmallFile(stamp) != "978307200000000\n")
      }
    }
  }

  @Test func `a watch of the clock says nothing while the clock goes on as it does`() throws {
    let watch = unit_clock_watch()
    try #require(watch >= 0)
    defer { close(watch) }
    #expect(unit_clock_was_set(watch) == 0)
    var entry = pollfd(fd: watch, events: Int16(POLLIN), revents: 0)
    #expect(poll(&entry, 1, 0) == 0)
  }
}
