// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import TestKit
import Testing
import Units

@testable import UnitRunner

@Suite struct TakeoverTests {
  private static let text = "[Service]\nRestart=always\nRestartSec=10ms\nExecStart=/bin/sleep 1000"

  @Test func `units keep running without a supervision and the next one looks after them`() async throws {
    try await withTestDirectory { directory in
      let before = Box<Int32>()
      try await SupervisionFixture.with(directory: directory, stopsUnits: false) { units in
        try await units.load(["a.service": Self.text])
        try await units.start("a.service")
        before.value = try await units.mainProcess("a.service")
      }
      let processID = try #require(before.value)
      #expect(isRunning(processID))
      try await SupervisionFixture.with(directory: directory) { units in
        let status = try await units.status("a.service")
        #expect(status.mainProcessID == processID)
        #expect(status.unit.isStartRequested)
        #expect(await units.words("a.service") == "active/running")
        kill(processID, SIGKILL)
        try await eventually("another process") {
          let next = try await units.status("a.service").mainProcessID
          return next != nil && next != processID
        }
      }
    }
  }

  @Test func `a unit that ended meanwhile is handled at once`() async throws {
    try await withTestDirectory { directory in
      let before = Box<Int32>()
      try await SupervisionFixture.with(directory: directory, stopsUnits: false) { units in
        try await units.load([
          "a.service": Self.text, "b.service": "[Service]\nExecStart=/bin/sleep 1000",
        ])
        try await units.start("a.service")
        try await units.start("b.service")
        before.value = try await units.mainProcess("a.service")
      }
      let processID = try #require(before.value)
      kill(processID, SIGKILL)
      try await eventually("its end") { !isRunning(processID) }
      try await SupervisionFixture.with(directory: directory) { units in
        try await eventually("another process") {
          let next = try await units.status("a.service").mainProcessID
          return next != nil && next != processID
        }
        #expect(try await units.status("a.service").restarts == 1)
        #expect(await units.words("b.service") == "active/running")
      }
    }
  }

  @Test func `a start that was refused for a unit that is not here is made good when it comes`() async throws {
    try await withTestDirectory { directory in
      try await SupervisionFixture.with(directory: directory) { units in
        let service = "[Service]\nExecStart=/bin/sleep 1000\n"
        try await units.load(["sidekick.service": "[Unit]\nBindsTo=main.service\nAfter=main.service\n" + service])
        await #expect(throws: UnitRunnerError.self) { try await units.start("sidekick.service") }
        try await units.load(["main.service": service])
        try await units.expect("sidekick.service", "active/running")
        try await units.expect("main.service", "active/running")
      }
    }
  }

  @Test func `such a start is made good by the next supervision too`() async throws {
    try await withTestDirectory { directory in
      let service = "[Service]\nExecStart=/bin/sleep 1000\n"
      try await SupervisionFixture.with(directory: directory, stopsUnits: false) { units in
        for name in ["sidekick", "stopped"] {
          try await units.load(["\(name).service": "[Unit]\nBindsTo=main.service\nAfter=main.service\n" + service])
          await #expect(throws: UnitRunnerError.self) { try await units.start("\(name).service") }
        }
        try await units.stop("stopped.service")
      }
      try await SupervisionFixture.with(directory: directory) { units in
        #expect(await units.words("sidekick.service") == "inactive/dead")
        try await units.load(["main.service": service])
        try await units.expect("sidekick.service", "active/running")
        #expect(await units.words("stopped.service") == "inactive/dead")
      }
    }
  }

  // The number is that of fleet's own functional test.
  @Test func `25 a unit is loaded, started, stopped and unloaded without a fleet`() async throws {
    try await withTestDirectory { directory in
      try await SupervisionFixture.with(directory: directory) { units in
        let text = "[Service]\nExecStart=/bin/sleep 1000\n"
        try await units.load(["hello.service": text])
        let loaded = await units.supervision.units()
        #expect(loaded.map(\.name.rawValue) == ["hello.service"])
        #expect(loaded.first?.hash == (try UnitFile(parsing: text)).hash)
        #expect(loaded.first?.activity.load == .loaded)
        #expect(await units.words("hello.service") == "inactive/dead")
        try await units.start("hello.service")
        try await units.expect("hello.service", "active/running")
        try await units.stop("hello.service")
        try await units.expect("hello.service", "inactive/dead")
        try await units.supervision.unload(try UnitName("hello.service"))
        #expect(await units.words("hello.service") == "gone")
      }
    }
  }

  @Test func `an unloaded unit leaves nothing behind and its journal can still be read`() async throws {
    try await withTestDirectory { directory in
      try await SupervisionFixture.with(directory: directory) { units in
        try await units.load(["a.service": "[Service]\nExecStart=/bin/sh -c 'echo hi; exec sleep 1000'"])
        try await units.start("a.service")
        try await eventually("output") { try await units.output("a.service") == ["hi"] }
        let processID = try #require(try await units.status("a.service").mainProcessID)
        let name = try UnitName("a.service")
        try await units.supervision.unload(name)
        #expect(await units.supervision.units().isEmpty)
        #expect(!isRunning(processID))
        #expect(directoryEntries("\(directory.path)/records").isEmpty)
        var texts: [String] = []
        for await entry in units.supervision.journal(of: name, lines: 100, follow: false) { texts.append(entry.text) }
        #expect(texts.contains("hi"))
      }
    }
  }

  @Test func `loading another file for a unit stops the old one first`() async throws {
    try await withTestDirectory { directory in
      try await SupervisionFixture.with(directory: directory) { units in
        try await units.load(["a.service": "[Service]\nExecStart=/bin/sleep 1000"])
        try await units.start("a.service")
        let processID = try await units.mainProcess("a.service")
        try await units.load(["a.service": "[Service]\nExecStart=/bin/sleep 1001"])
        #expect(!isRunning(processID))
        #expect(await units.words("a.service") == "inactive/dead")
      }
    }
  }
}

/// A place for a value that a closure brings out.
final class Box<Value>: @unchecked Sendable {
  // Set by one task that is awaited before it is read.
  var value: Value?
}
