// SPDX-License-Identifier: Apache-2.0
import Foundation
import Logging
import TestKit
import Testing
import Units

@testable import UnitRunner

/// What units of one machine are to each other, with real processes.
@Suite struct RelationTests {
  private static let sleeping = "[Service]\nExecStart=/bin/sleep 1000"

  private func with(
    _ units: [String: String],
    _ body: @Sendable @escaping (SupervisionFixture, URL) async throws -> Void
  ) async throws {
    try await withTestDirectory { directory in
      try await SupervisionFixture.with(directory: directory.appendingPathComponent("s")) { fixture in
        try await fixture.load(units)
        try await body(fixture, directory)
      }
    }
  }

  /// Acceptance scenario 24 of fleet: TestInstallUnit, on the machine that has both units.
  @Test func `discovery with BindsTo= and WantedBy= starts and stops with hello`() async throws {
    try await with([
      "hello.service": Self.sleeping,
      "discovery.service":
        "[Unit]\nBindsTo=hello.service\n\(Self.sleeping)\n[Install]\nWantedBy=hello.service\n[X-Fleet]\nMachineOf=hello.service",
    ]) { units, _ in
      #expect(await units.words("discovery.service") == "inactive/dead")
      #expect(try await units.status("discovery.service").warnings.isEmpty)
      try await units.start("hello.service")
      try await units.expect("hello.service", "active/running")
      try await units.expect("discovery.service", "active/running")
      try await units.stop("hello.service")
      try await units.expect("discovery.service", "inactive/dead")
      try await units.expect("hello.service", "inactive/dead")
    }
  }

  @Test func `Conflicts= leaves one of two`() async throws {
    try await with([
      "blue.service": "[Unit]\nConflicts=green.service\nAfter=green.service\n\(Self.sleeping)",
      "green.service": Self.sleeping,
    ]) { units, _ in
      try await units.start("green.service")
      try await units.expect("green.service", "active/running")
      try await units.start("blue.service")
      try await units.expect("blue.service", "active/running")
      #expect(await units.words("green.service") == "inactive/dead")
      try await units.start("green.service")
      try await units.expect("green.service", "active/running")
      try await units.expect("blue.service", "inactive/dead")
    }
  }

  @Test func `OnFailure= and OnSuccess= run what they name`() async throws {
    try await with([
      "good.service": "[Unit]\nOnSuccess=next.service\n[Service]\nType=oneshot\nExecStart=/bin/true",
      "bad.service": "[Unit]\nOnFailure=alarm@%n.service\n[Service]\nType=oneshot\nExecStart=/bin/false",
      "next.service": Self.sleeping,
      "alarm@bad.service.service": "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/echo %i has failed",
    ]) { units, _ in
      try await units.start("bad.service")
      try await units.expect("alarm@bad.service.service", "active/exited")
      try await eventually("the alarm") {
        try await units.output("alarm@bad.service.service") == ["bad.service has failed"]
      }
      #expect(await units.words("next.service") == "inactive/dead")
      try await units.start("good.service")
      try await units.expect("next.service", "active/running")
    }
  }

  @Test func `OnFailure= in a circle whose requirement fails at once comes to rest`() async throws {
    try await withTestDirectory { directory in
      try await SupervisionFixture.with(directory: directory) { units in
        let needs = "[Unit]\nRequires=x.service\nAfter=x.service\nOnFailure="
        try await units.load([
          "a.service": "\(needs)b.service\n[Service]\nExecStart=/bin/sleep 1000",
          "b.service": "\(needs)a.service\n[Service]\nExecStart=/bin/sleep 1000",
          "x.service": "[Unit]\nStartLimitBurst=0\n[Service]\nType=oneshot\nExecStart=/bin/false",
        ])
        try await units.start("a.service")
        try await eventually("the end of it") {
          let said = try await units.status("a.service").journal + units.status("b.service").journal
          return said.contains { $0.text.hasSuffix("is not started: it was started so 16 times within 10 s") }
        }
      }
    }
  }

  @Test func `what never ends is done in turns`() async throws {
    try await withTestDirectory { directory in
      let loop = SupervisionLoop(
        configuration: UnitSupervisionConfiguration(stateDirectory: directory.path, machineID: "0"),
        hasContainers: false,
        logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
        inbox: SupervisionInbox(),
        dispatch: { _ in false },
        tell: { _ in }
      )
      let name = try UnitName("a.service")
      loop.inputs = [SupervisionLoop.Input](repeating: .reload(name), count: SupervisionLoop.inputLimit + 7)
      loop.settle()
      #expect(loop.inputs.count == 7)
      loop.settle()
      #expect(loop.inputs.isEmpty)
    }
  }

  @Test func `Upholds= brings a service back, and unloading it is no fight`() async throws {
    try await with([
      "keeper.service": "[Unit]\nUpholds=kept.service\n\(Self.sleeping)", "kept.service": Self.sleeping,
    ]) { units, _ in
      try await units.start("keeper.service")
      let first = try await units.mainProcess("kept.service")
      kill(first, SIGKILL)
      try await eventually("another process") {
        try await units.status("kept.service").mainProcessID.map { $0 != first } ?? false
      }
      try await units.supervision.unload(try UnitName("kept.service"))
      #expect(await units.words("kept.service") == "gone")
      #expect(await units.words("keeper.service") == "active/running")
    }
  }

  @Test func `a restart takes its dependents along, in order`() async throws {
    try await withTestDirectory { directory in
      let log = "\(directory.path)/log"
      func text(_ name: String, _ unit: String) -> String {
        """
        [Unit]
        \(unit)
        [Service]
        ExecStart=/bin/sleep 1000
        ExecStartPre=/bin/sh -c 'echo start \(name) >> \(log)'
        ExecStopPost=/bin/sh -c 'echo stop \(name) >> \(log)'
        """
      }
      let files = [
        "db.service": text("db", ""), "web.service": text("web", "Requires=db.service\nAfter=db.service"),
        "part.service": text("part", "PartOf=web.service\nAfter=web.service"),
      ]
      try await SupervisionFixture.with(directory: directory.appendingPathComponent("s")) { units in
        try await units.load(files)
        for name in ["web.service", "part.service"] {
          try await units.start(name)
          try await units.expect(name, "active/running")
        }
        _ = unlink(log)
        try await units.supervision.restart(try UnitName("db.service"))
        try await eventually("all to be up again") {
          let lines = (try? String(contentsOfFile: log, encoding: .utf8))?.split(separator: "\n").map(String.init) ?? []
          return lines == ["stop part", "stop web", "stop db", "start db", "start web", "start part"]
        }
        for name in ["db.service", "web.service", "part.service"] { try await units.expect(name, "active/running") }
      }
    }
  }

  @Test func `a condition is looked at when the unit starts, and its result is told`() async throws {
    try await withTestDirectory { directory in
      let path = "\(directory.path)/wanted"
      try await SupervisionFixture.with(directory: directory.appendingPathComponent("s")) { units in
        try await units.load([
          "a.service": "[Unit]\nConditionPathExists=\(path)\nAssertPathIsMountPoint=/proc\n\(Self.sleeping)",
          "b.service": "[Unit]\nRequires=a.service\nAfter=a.service\n\(Self.sleeping)",
          "c.service": "[Unit]\nAssertFileNotEmpty=\(path)\n\(Self.sleeping)",
          "d.service": "[Unit]\nRequires=c.service\nAfter=c.service\n\(Self.sleeping)",
        ])
        try await units.start("b.service")
        try await units.expect("b.service", "active/running")
        #expect(await units.words("a.service") == "inactive/dead")
        let status = try await units.status("a.service")
        #expect(status.warnings.isEmpty && status.unit.activity.result == .success)
        #expect(
          status.unit.problem
            == "a.service was skipped because of an unmet condition check (ConditionPathExists=\(path))."
        )
        try await units.start("d.service")
        try await eventually("the refusal") { try await units.status("d.service").unit.problem != nil }
        #expect(await units.words("d.service") == "inactive/dead")
        #expect(
          try await units.status("c.service").unit.problem
            == "Starting c.service failed because of an unmet assertion (AssertFileNotEmpty=\(path))."
        )
        #expect(FileManager.default.createFile(atPath: path, contents: Data("x".utf8)))
        try await units.start("a.service")
        try await units.expect("a.service", "active/running")
        #expect(try await units.status("a.service").unit.problem == nil)
        try await units.start("d.service")
        try await units.expect("d.service", "active/running")
      }
    }
  }

  @Test func `a service whose condition is gone is not started again by itself`() async throws {
    try await withTestDirectory { directory in
      let path = "\(directory.path)/wanted"
      #expect(FileManager.default.createFile(atPath: path, contents: nil))
      try await SupervisionFixture.with(directory: directory.appendingPathComponent("s")) { units in
        try await units.load([
          "a.service":
            "[Unit]\nConditionPathExists=\(path)\n[Service]\nExecStart=/bin/sleep 1000\nRestart=always\nRestartSec=100ms"
        ])
        try await units.start("a.service")
        let process = try await units.mainProcess("a.service")
        _ = unlink(path)
        kill(process, SIGKILL)
        try await units.expect("a.service", "inactive/dead")
        #expect(try await units.status("a.service").unit.problem?.contains("ConditionPathExists=") == true)
      }
    }
  }

  @Test func `what may only be started or stopped for others says so`() async throws {
    try await with([
      "a.service": "[Unit]\nRefuseManualStart=yes\nRefuseManualStop=yes\n\(Self.sleeping)",
      "b.service": "[Unit]\nRequires=a.service\n\(Self.sleeping)",
    ]) { units, _ in
      await #expect(throws: UnitRunnerError.self) { try await units.start("a.service") }
      try await units.start("b.service")
      try await units.expect("a.service", "active/running")
      await #expect(throws: UnitRunnerError.self) { try await units.stop("a.service") }
      #expect(await units.words("a.service") == "active/running")
    }
  }

  @Test func `a start that hits the limit again is over and holds nobody up`() async throws {
    try await with([
      "a.service": "[Unit]\nStartLimitBurst=1\nStartLimitIntervalSec=1h\n[Service]\nType=oneshot\nExecStart=/bin/false",
      "b.service": "[Unit]\nWants=a.service\nAfter=a.service\n\(Self.sleeping)",
    ]) { units, _ in
      for _ in 1...3 {
        try await units.start("a.service")
        try await units.expect("a.service", "failed/failed")
      }
      #expect(try await units.status("a.service").unit.activity.result == .startLimitHit)
      try await units.start("b.service")
      try await units.expect("b.service", "active/running")
    }
  }

  @Test func `a reload goes on to what it is propagated to`() async throws {
    let text = "[Service]\nExecStart=/bin/sleep 1000\nExecReload=/bin/echo reloaded"
    try await with([
      "all.target": "[Unit]\nPropagatesReloadTo=a.service b.service", "a.service": text, "b.service": text,
    ]) { units, _ in
      for name in ["all.target", "a.service"] {
        try await units.start(name)
        try await eventually("\(name) to be up") { await units.words(name).hasPrefix("active") }
      }
      try await units.supervision.reload(try UnitName("all.target"))
      try await eventually("the reload") { try await units.output("a.service") == ["reloaded"] }
      #expect(try await units.output("b.service").isEmpty)
    }
  }

  @Test func `a restart that the node does not live to see through is finished by the next`() async throws {
    try await withTestDirectory { directory in
      let gate = "\(directory.path)/gate"
      let state = directory.appendingPathComponent("s")
      try await SupervisionFixture.with(directory: state, stopsUnits: false) { units in
        try await units.load([
          "a.service":
            "[Service]\nExecStart=/bin/sleep 1000\nExecStop=/bin/sh -c 'while ! test -e \(gate); do sleep 0.01; done'"
        ])
        try await units.start("a.service")
        _ = try await units.mainProcess("a.service")
        try await units.supervision.restart(try UnitName("a.service"))
        try await units.expect("a.service", "deactivating/stop")
      }
      try await SupervisionFixture.with(directory: state) { units in
        #expect(FileManager.default.createFile(atPath: gate, contents: nil))
        try await units.expect("a.service", "active/running")
      }
    }
  }
}
