// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Units

/// Reloads, jobs that take too long, circles, and units that come and go meanwhile.
@Suite struct JobEndsTests {
  // MARK: Reloads

  @Test func `a reload goes on to what is up`() throws {
    var machine = JobsMachine()
    try machine.load("main", "PropagatesReloadTo=one.service two.service")
    try machine.load("one", "PropagateReloadTo=main.service")
    try machine.load("two", "")
    try machine.load("three", "ReloadPropagatedFrom=one.service")
    try machine.bringUp("main", "one", "three")
    #expect(
      machine.jobs.unitsToReload(with: try machine.unit("main")).map(\.nameWithoutSuffix) == ["main", "one", "three"]
    )
    #expect(machine.jobs.propagatesReload(try machine.unit("one")))
    #expect(!machine.jobs.propagatesReload(try machine.unit("two")))
  }

  // MARK: Jobs that take too long

  @Test func `JobTimeoutSec= counts from the request, JobRunningTimeoutSec= from the beginning`() throws {
    var machine = JobsMachine()
    try machine.load("slow", "JobRunningTimeoutSec=20")
    try machine.load("web", "Requires=slow.service\nAfter=slow.service\nJobTimeoutSec=10\nOnFailure=alarm.service")
    try machine.load("alarm", "")
    _ = machine.tick(100)
    #expect(try machine.start("web") == ["start slow"])
    #expect(machine.jobs.deadline == .seconds(110))
    #expect(machine.tick(109).isEmpty)
    #expect(
      machine.tick(110) == [
        "refuse web: the start of web.service was given up: it took longer than its job may (JobTimeoutSec=)",
        "start alarm",
      ]
    )
    #expect(machine.jobs.deadline == .seconds(120))
    #expect(machine.tick(120).count == 1)
    #expect(machine.waiting == ["alarm"])
    #expect(try machine.now("slow", .running).isEmpty)
  }

  @Test func `a stop that takes too long is not waited for`() throws {
    var machine = JobsMachine()
    try machine.load("web", "Requires=db.service\nAfter=db.service\nJobTimeoutSec=5")
    try machine.load("db", "")
    try machine.bringUp("db", "web")
    _ = machine.tick(100)
    #expect(try machine.stop("db") == ["stop web"])
    #expect(
      machine.tick(105) == [
        "note web: the stop of web.service is not waited for any longer (JobTimeoutSec=)", "stop db",
      ]
    )
  }

  // MARK: Circles, and units that come and go

  @Test func `circles of requirements start and stop together`() throws {
    var machine = JobsMachine()
    try machine.load("a", "Requires=b.service")
    try machine.load("b", "Requires=a.service\nPartOf=a.service")
    #expect(try machine.stop("a").isEmpty)
    #expect(try machine.start("a") == ["start a", "start b"])
    _ = try machine.now("a", .running)
    _ = try machine.now("b", .running)
    #expect(try machine.stop("b") == ["stop a", "stop b"])
  }

  @Test func `units that start each other when they fail and fail at once come to rest`() throws {
    var machine = JobsMachine()
    try machine.load("a", "Requires=x.service\nAfter=x.service\nOnFailure=b.service")
    try machine.load("b", "Requires=x.service\nAfter=x.service\nOnFailure=a.service")
    try machine.load("x", "")
    #expect(try machine.start("a") == ["start x"])
    var words: [String] = []
    for _ in 0..<100 {
      words = try machine.now("x", .failed, .exitCode)
      guard words.contains("start x") else { break }
    }
    #expect(
      words == [
        "refuse a: dependency failed for a.service: x.service, which it requires, did not start",
        "note a: OnFailure=b.service is not started: it was started so 16 times within 10 s",
      ]
    )
    #expect(machine.jobs.isIdle)
    // Later they may again.
    _ = machine.tick(10)
    _ = try machine.start("a")
    #expect(try machine.now("x", .failed, .exitCode).last == "start x")
  }

  @Test func `units that require each other and start each other when they fail come to rest`() throws {
    var machine = JobsMachine()
    try machine.load("a", "Requires=b.service x.service\nAfter=x.service\nOnFailure=b.service")
    try machine.load("b", "Requires=a.service x.service\nAfter=x.service\nOnFailure=a.service")
    try machine.load("x", "")
    #expect(try machine.start("a") == ["start x"])
    let words = try machine.now("x", .failed, .exitCode)
    #expect(words.filter { $0.hasPrefix("refuse") }.count == 2 && words.last == "start x")
  }

  @Test func `a start that waits and is wanted no longer is told`() throws {
    var machine = JobsMachine()
    try machine.load("slow", "")
    try machine.load("web", "After=slow.service")
    #expect(try machine.start("slow") == ["start slow"])
    #expect(try machine.start("web").isEmpty)
    #expect(try machine.stop("web") == ["drop web"])
    #expect(try machine.stop("web").isEmpty)
    #expect(machine.waiting == ["slow"])
  }

  @Test func `a circle is broken although others are still busy`() throws {
    var machine = JobsMachine()
    try machine.load("slow", "")
    try machine.load("a", "Wants=b.service\nAfter=b.service")
    try machine.load("b", "After=a.service")
    #expect(try machine.start("slow") == ["start slow"])
    #expect(try machine.start("a") == ["start a"])
  }

  @Test func `what waits for a unit goes on when that is unloaded`() throws {
    var machine = JobsMachine()
    try machine.load("web", "Wants=db.service\nAfter=db.service")
    try machine.load("db", "")
    #expect(try machine.start("web") == ["start db"])
    #expect(try machine.unload("db") == ["start web"])
    #expect(try machine.unload("web").isEmpty)
    #expect(machine.jobs.isIdle)
  }

  @Test func `a unit that goes down before its stop begins is not waited for`() throws {
    var machine = JobsMachine()
    try machine.load("web", "After=db.service\nRequires=db.service")
    try machine.load("db", "")
    try machine.bringUp("db", "web")
    #expect(try machine.stop("db") == ["stop web"])
    #expect(try machine.now("db", .failed, .signal).isEmpty)
    #expect(try machine.now("web", .dead).isEmpty)
    #expect(machine.waiting.isEmpty)
  }

  // MARK: Conditions

  @Test func `what is passed over does not fail what requires it, a failed assertion does`() throws {
    var machine = JobsMachine()
    try machine.load("web", "Requires=db.service\nAfter=db.service")
    try machine.load("db", "")
    #expect(try machine.start("web") == ["start db"])
    #expect(JobsMachine.words(machine.jobs.skipped(try machine.unit("db"))) == ["start web"])
    _ = try machine.now("web", .dead)
    #expect(try machine.start("web") == ["start db"])
    #expect(JobsMachine.words(machine.jobs.startFailed(try machine.unit("db"))).count == 1)
    #expect(machine.waiting.isEmpty)
  }
}
