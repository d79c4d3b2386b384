// SPDX-License-Identifier: Apache-2.0
import DockerEngine
import Foundation
import TestKit
import Testing
import Units

@testable import UnitRunner

@Suite struct ContainerServiceTests {
  /// `python-test.service` of the walkthroughs, unedited but for the time between restarts.
  private static let python = """
    [Unit]
    Description=Python service
    Requires=docker.service
    After=docker.service

    [Service]
    TimeoutStartSec=0
    Restart=on-failure

    ExecStartPre=-/usr/bin/docker kill python-service
    ExecStartPre=-/usr/bin/docker rm python-service
    ExecStartPre=/usr/bin/docker pull jlordiales/python-micro-service

    ExecStart=/usr/bin/docker run --name python-service -P jlordiales/python-micro-service

    ExecStop=/usr/bin/docker stop python-service
    """

  private func withPython(
    _ text: String = Self.python,
    _ body: @Sendable @escaping (SupervisionFixture, FakeEngine) async throws -> Void
  ) async throws {
    let engine = FakeEngine()
    try await withTestDirectory { directory in
      try await SupervisionFixture.with(directory: directory, containers: engine) { units in
        try await units.load(["python.service": text])
        try await units.start("python.service")
        try await body(units, engine)
      }
    }
  }

  private func container(_ units: SupervisionFixture, _ engine: FakeEngine, after id: String? = nil) async throws {
    try await eventually("a running container", every: .milliseconds(5)) {
      let container = engine.container("python-service")
      let status = try await units.status("python.service")
      return container?.isRunning == true && container?.id != id && status.containerID == container?.id
    }
  }

  @Test func `docker lines become engine calls, in order, with their ends on record`() async throws {
    try await withPython { units, engine in
      try await container(units, engine)
      #expect(await units.words("python.service") == "active/running")
      let status = try await units.status("python.service")
      #expect(status.containerID == engine.container("python-service")?.id)
      #expect(status.commands.map(\.end) == ["0/SUCCESS", "1/FAILURE", "0/SUCCESS", nil])
      try await eventually("its output") { try await units.output("python.service").contains("hello from id1") }
      try await units.stop("python.service")
      try await units.expect("python.service", "inactive/dead")
      #expect(engine.container("python-service")?.isRunning == false)
      #expect(engine.log.contains("stop python-service"))
    }
  }

  @Test func `a container killed by hand runs again and one stopped by hand does not`() async throws {
    try await withPython { units, engine in
      try await container(units, engine)
      engine.end("python-service", ContainerExit(exitCode: 137))
      try await eventually("a restart") { try await units.status("python.service").restarts == 1 }
      try await container(units, engine, after: "id1")
      for id in ["id1", "id2"] { #expect(engine.log.contains("start \(id)")) }
      engine.end("python-service", ContainerExit(exitCode: 0))
      try await units.expect("python.service", "inactive/dead")
    }
    for exit in [137, 143, 1] as [Int32] {
      try await withPython { units, engine in
        try await container(units, engine)
        engine.end("python-service", ContainerExit(exitCode: exit, stoppedOnRequest: true))
        try await units.expect("python.service", "inactive/dead")
        #expect(try await units.status("python.service").restarts == 0)
      }
    }
  }

  @Test func `stopping reaches the container by signal and then for certain`() async throws {
    let text = "[Service]\nTimeoutStopSec=1s\nExecStart=/usr/bin/docker run --rm --name python-service busybox"
    try await withPython(text) { units, engine in
      engine.setIgnoresTerm()
      try await container(units, engine)
      try await units.stop("python.service")
      try await units.expect("python.service", "failed/failed")
      #expect(engine.log == ["create python-service", "start id1", "kill id1 SIGTERM", "stop id1", "remove id1"])
      #expect(engine.container("python-service") == nil)
    }
  }

  @Test func `a stop while the image is being pulled leaves nothing behind`() async throws {
    let text = "[Service]\nExecStart=/usr/bin/docker run --name python-service busybox"
    let engine = FakeEngine()
    engine.setBeginDelay(.seconds(3600))
    try await withTestDirectory { directory in
      try await SupervisionFixture.with(directory: directory, containers: engine) { units in
        try await units.load(["python.service": text])
        try await units.start("python.service")
        try await units.expect("python.service", "active/running")
        try await units.stop("python.service")
        try await units.expect("python.service", "inactive/dead")
        #expect(engine.log.isEmpty)
      }
    }
  }

  @Test func `docker lines stand in every stage`() async throws {
    let text = """
      [Service]
      ExecCondition=/usr/bin/docker pull condition
      ExecStartPre=/usr/bin/docker pull before
      ExecStart=/usr/bin/docker run --name python-service busybox
      ExecStartPost=/usr/bin/docker pull after
      ExecReload=/usr/bin/docker pull reload
      ExecStop=/usr/bin/docker stop python-service
      ExecStopPost=/usr/bin/docker pull end
      """
    try await withPython(text) { units, engine in
      try await container(units, engine)
      try await units.expect("python.service", "active/running")
      try await units.supervision.reload(try UnitName("python.service"))
      try await eventually("a reload") { engine.log.contains("pull reload") }
      try await units.expect("python.service", "active/running")
      #expect(engine.container("python-service")?.isRunning == true)
      try await units.stop("python.service")
      try await units.expect("python.service", "inactive/dead")
      // The container's own start goes on beside ExecStartPost=.
      let order = ["pull condition", "pull before", "pull after", "pull reload", "stop python-service", "pull end"]
      #expect(engine.log.filter { order.contains($0) } == order)
    }
  }

  @Test func `a container of an idle service waits for its turn and can be stopped before that`() async throws {
    let engine = FakeEngine()
    try await withTestDirectory { directory in
      try await SupervisionFixture.with(directory: directory, containers: engine) { units in
        let container = "[Service]\nType=idle\nExecStart=/usr/bin/docker run --name NAME busybox"
        try await units.load([
          "busy.service": "[Service]\nType=oneshot\nTimeoutStartSec=1h\nExecStart=/bin/sleep 1000",
          "a.service": container.replacing("NAME", with: "a"),
          "b.service": container.replacing("NAME", with: "b"),
        ])
        try await units.start("busy.service")
        try await units.expect("busy.service", "activating/start")
        try await units.start("a.service")
        try await units.start("b.service")
        try await units.expect("a.service", "active/running")
        try await units.stop("a.service")
        try await units.expect("a.service", "inactive/dead")
        #expect(engine.log.isEmpty)
        try await units.stop("busy.service")
        try await eventually("the other container") { engine.container("b")?.isRunning == true }
        #expect(engine.container("a") == nil)
      }
    }
  }

  @Test func `a flag that is not understood fails the unit by name`() async throws {
    try await withPython("[Service]\nExecStart=/usr/bin/docker run --no-such-flag busybox") { units, engine in
      try await units.expect("python.service", "failed/failed")
      let status = try await units.status("python.service")
      #expect(status.commands.last?.end == "125/n/a")
      #expect(status.journal.contains { $0.text.contains("--no-such-flag") })
      #expect(engine.log.isEmpty)
    }
  }

  @Test func `a container is taken over by the next supervision, running or ended`() async throws {
    let engine = FakeEngine()
    try await withTestDirectory { directory in
      try await SupervisionFixture.with(directory: directory, containers: engine, stopsUnits: false) { units in
        try await units.load(["python.service": Self.python])
        try await units.start("python.service")
        try await container(units, engine)
      }
      #expect(engine.container("python-service")?.isRunning == true)
      try await SupervisionFixture.with(directory: directory, containers: engine, stopsUnits: false) { units in
        let status = try await units.status("python.service")
        #expect(status.containerID == "id1")
        #expect(await units.words("python.service") == "active/running")
      }
      #expect(engine.log.filter { $0.hasPrefix("start") } == ["start id1"])
      engine.end("python-service", ContainerExit(exitCode: 1))
      try await SupervisionFixture.with(directory: directory, containers: engine) { units in
        try await container(units, engine, after: "id1")
        #expect(try await units.status("python.service").restarts == 1)
      }
    }
  }

  @Test func `the journal says where the next supervision goes on in a log`() async throws {
    let engine = FakeEngine()
    let text = "[Service]\nExecStart=/usr/bin/docker run --name python-service busybox"
    try await withTestDirectory { directory in
      try await SupervisionFixture.with(directory: directory, containers: engine, stopsUnits: false) { units in
        try await units.load(["python.service": text])
        try await units.start("python.service")
        try await eventually("its output") { try await units.output("python.service") == ["hello from id1"] }
      }
      // A node that was killed before it could note that: its record is behind the journal.
      let file = directory.appendingPathComponent("records/python.service.json")
      var record = try JSONDecoder().decode(UnitRecord.self, from: try Data(contentsOf: file))
      for index in record.running.indices {
        guard case .container(var container?) = record.running[index].carrier else { continue }
        container.logCursor = nil
        record.running[index].carrier = .container(container)
      }
      try JSONEncoder().encode(record).write(to: file)
      try await SupervisionFixture.with(directory: directory, containers: engine) { units in
        try await container(units, engine)
        engine.say("more")
        try await eventually("more output") { try await units.output("python.service").contains("more") }
        #expect(try await units.output("python.service") == ["hello from id1", "more"])
      }
    }
  }

  @Test func `an engine that is away is waited for, and what it did unanswered is not done twice`() async throws {
    let text = """
      [Service]
      ExecStartPre=/usr/bin/docker pull busybox
      ExecStart=/usr/bin/docker run --name python-service busybox
      """
    let engine = FakeEngine()
    engine.setAway(true)
    try await withTestDirectory { directory in
      try await SupervisionFixture.with(directory: directory, containers: engine) { units in
        try await units.load(["python.service": text])
        try await units.start("python.service")
        try await eventually("the unit says so") {
          let journal = try await units.status("python.service").journal
          return journal.contains { $0.text.contains("waiting for the Docker Engine") }
        }
        #expect(await units.words("python.service") == "activating/start-pre")
        for call in ["create", "start"] { engine.loseAnswer(of: call) }
        for call in ["create", "start"] {
          engine.setAway(false)
          try await eventually("\(call), and no engine") { engine.log.contains { $0.hasPrefix(call) } && engine.isAway }
        }
        engine.setAway(false)
        try await container(units, engine)
        #expect(await units.words("python.service") == "active/running")
        #expect(engine.log == ["pull busybox", "create python-service", "start id1"])
      }
    }
  }

  @Test func `a signal reaches its container when the engine is back`() async throws {
    let text = "[Service]\nTimeoutStopSec=60s\nExecStart=/usr/bin/docker run --rm --name python-service busybox"
    try await withPython(text) { units, engine in
      try await container(units, engine)
      engine.setAway(true)
      try await units.stop("python.service")
      try await units.expect("python.service", "deactivating/stop-sigterm")
      engine.setAway(false)
      try await units.expect("python.service", "inactive/dead")
      #expect(engine.log.suffix(2) == ["kill id1 SIGTERM", "remove id1"])
    }
  }

  @Test func `a container that its engine took with it is a failure, and one without memory says so`() async throws {
    let line = "ExecStart=/usr/bin/docker run --name python-service busybox"
    try await withPython("[Service]\nRestart=on-failure\nRestartSec=5ms\n" + line) { units, engine in
      try await container(units, engine)
      var exit = ContainerExit(exitCode: 0)
      exit.endedWithEngine = true
      engine.end("python-service", exit)
      try await container(units, engine, after: "id1")
      #expect(try await units.status("python.service").restarts == 1)
    }
    try await withPython("[Service]\n" + line) { units, engine in
      try await container(units, engine)
      engine.end("python-service", ContainerExit(exitCode: 137, oomKilled: true))
      try await units.expect("python.service", "failed/failed")
      let status = try await units.status("python.service")
      #expect(status.commands.last?.end == "signal KILL (out of memory)")
      #expect(status.journal.contains { $0.text.contains("killed for lack of memory") })
    }
  }

  @Test func `a container whose start is refused is removed with --rm`() async throws {
    let text = "[Service]\nExecStart=/usr/bin/docker run --rm --name python-service busybox"
    let engine = FakeEngine()
    engine.refuseStart(DockerEngineError(.refused, "start: exec: \"x\": executable file not found in $PATH"))
    try await withTestDirectory { directory in
      try await SupervisionFixture.with(directory: directory, containers: engine) { units in
        try await units.load(["python.service": text])
        try await units.start("python.service")
        try await units.expect("python.service", "failed/failed")
        #expect(try await units.status("python.service").commands.last?.end?.hasPrefix("127") == true)
        #expect(engine.names.isEmpty)
      }
    }
  }

  @Test(arguments: [
    (ContainerExit(exitCode: 0, stoppedOnRequest: true), ProcessEnd.exited(0)),
    (ContainerExit(exitCode: 137, stoppedOnRequest: true), .signaled(.terminate, dumpedCore: false)),
    (ContainerExit(exitCode: 137), .signaled(.kill, dumpedCore: false)),
    (ContainerExit(exitCode: 137, oomKilled: true), .signaled(.kill, dumpedCore: false)),
    (ContainerExit(exitCode: 143), .signaled(.terminate, dumpedCore: false)),
    (ContainerExit(exitCode: 3), .exited(3)),
    (ContainerExit(exitCode: 127), .exited(127)),
  ])
  func `a container's end counts as that of a process`(exit: ContainerExit, end: ProcessEnd) {
    #expect(ContainerTaskRunner.end(exit) == end)
  }
}
