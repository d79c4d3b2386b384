// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Units

@Suite struct LifecycleJobsTests {
  @Test func `what is required and wanted starts with it, and After= waits for the end of the start`() throws {
    var machine = JobsMachine()
    try machine.load("web", "Requires=db.service docker.service\nWants=log.service nowhere.service\nAfter=db.service")
    try machine.load("db", "")
    try machine.load("log", "")
    #expect(try machine.start("web") == ["start db", "start log"])
    #expect(try machine.now("db", .startPre).isEmpty)
    #expect(try machine.now("db", .running) == ["start web"])
  }

  @Test func `Before= is After= seen from the other side`() throws {
    var machine = JobsMachine()
    try machine.load("web", "Wants=db.service")
    try machine.load("db", "Before=web.service")
    #expect(try machine.start("web") == ["start db"])
    #expect(try machine.now("db", .failed, .exitCode) == ["start web"])
  }

  @Test func `without an order both start at once`() throws {
    var machine = JobsMachine()
    try machine.load("web", "Requires=db.service")
    try machine.load("db", "")
    #expect(try machine.start("web") == ["start db", "start web"])
  }

  @Test func `a requirement that is not on the machine refuses the start by name`() throws {
    var machine = JobsMachine()
    try machine.load("web", "Requires=db.service")
    try machine.load("db", "BindsTo=disk.service")
    #expect(throws: UnitJobs.Refusal.missing("disk.service", requiredBy: try machine.unit("db"))) {
      try machine.start("web")
    }
    #expect(machine.jobs.job(of: try machine.unit("web")) == nil)
    #expect(throws: UnitJobs.Refusal.self) { try machine.start("unknown") }
  }

  @Test func `a requirement that fails refuses what waits for it, and what waits for that`() throws {
    var machine = JobsMachine()
    try machine.load("a", "Requires=b.service\nAfter=b.service")
    try machine.load("b", "Requires=c.service\nAfter=c.service")
    try machine.load("c", "")
    #expect(try machine.start("a") == ["start c"])
    #expect(
      try machine.now("c", .failed, .exitCode) == [
        "refuse b: dependency failed for b.service: c.service, which it requires, did not start",
        "refuse a: dependency failed for a.service: b.service, which it requires, did not start",
      ]
    )
    #expect(try machine.start("a") == ["start c"])
    #expect(try machine.now("c", .autoRestart, .exitCode).count == 2)
  }

  @Test func `stopping a requirement stops what requires it, in the reverse order of starting`() throws {
    var machine = JobsMachine()
    try machine.load("web", "Requires=db.service\nAfter=db.service")
    try machine.load("db", "")
    _ = try machine.start("web")
    _ = try machine.now("db", .running)
    _ = try machine.now("web", .running)
    #expect(try machine.stop("db") == ["stop web"])
    #expect(try machine.now("web", .stopSigterm).isEmpty)
    #expect(try machine.now("web", .dead) == ["stop db"])
  }

  @Test func `a requirement that ends by itself only takes down what binds to it`() throws {
    var machine = JobsMachine()
    try machine.load("requires", "Requires=db.service")
    try machine.load("binds", "BindsTo=db.service")
    try machine.load("db", "")
    for name in ["db", "requires", "binds"] {
      _ = try machine.start(name)
      _ = try machine.now(name, .running)
    }
    #expect(try machine.now("db", .failed, .signal) == ["stop binds"])
  }

  @Test func `a sidekick comes back with what it binds to, unless it was stopped by request`() throws {
    var machine = JobsMachine()
    try machine.load("side", "BindsTo=main.service\nAfter=main.service")
    try machine.load("main", "")
    #expect(try machine.start("side") == ["start main"])
    #expect(try machine.now("main", .running) == ["start side"])
    _ = try machine.now("side", .running)
    #expect(try machine.now("main", .autoRestart, .signal) == ["stop side"])
    #expect(try machine.now("side", .dead).isEmpty)
    #expect(try machine.now("main", .running) == ["start side"])
    _ = try machine.now("side", .running)
    _ = try machine.stop("side")
    _ = try machine.now("side", .dead)
    _ = try machine.now("main", .dead)
    #expect(try machine.now("main", .running).isEmpty)
  }

  @Test func `a start waits for the stop of what it comes after`() throws {
    var machine = JobsMachine()
    try machine.load("web", "Wants=db.service\nAfter=db.service")
    try machine.load("db", "")
    _ = try machine.start("db")
    _ = try machine.now("db", .running)
    #expect(try machine.stop("db") == ["stop db"])
    _ = try machine.now("db", .stopSigterm)
    #expect(try machine.start("web") == ["start db"])
  }

  @Test func `a circle of waiting starts is broken`() throws {
    var machine = JobsMachine()
    try machine.load("a", "Wants=b.service\nAfter=b.service")
    try machine.load("b", "After=a.service")
    #expect(try machine.start("a") == ["start a"])
    #expect(try machine.now("a", .running) == ["start b"])
  }

  @Test func `a unit that is up is not started again`() throws {
    var machine = JobsMachine()
    try machine.load("a", "")
    #expect(try machine.start("a") == ["start a"])
    #expect(try machine.start("a").isEmpty)
    _ = try machine.now("a", .running)
    #expect(try machine.start("a").isEmpty)
    #expect(try machine.stop("a") == ["stop a"])
    #expect(try machine.stop("a").isEmpty)
  }

  @Test func `what is passed over by its condition fails nothing that requires it`() throws {
    var machine = JobsMachine()
    try machine.load("web", "Requires=db.service\nAfter=db.service")
    try machine.load("db", "")
    #expect(try machine.start("web") == ["start db"])
    #expect(try machine.now("db", .condition).isEmpty)
    #expect(try machine.now("db", .dead, .execCondition) == ["start web"])
  }

  @Test func `a reload is no end of being up`() throws {
    var machine = JobsMachine()
    try machine.load("side", "BindsTo=main.service\nAfter=main.service")
    try machine.load("main", "")
    #expect(machine.jobs.isIdle)
    #expect(try machine.start("side") == ["start main"])
    #expect(!machine.jobs.isIdle)
    #expect(try machine.now("main", .reloadNotify) == ["start side"])
    _ = try machine.now("side", .running)
    #expect(try machine.now("main", .running).isEmpty)
    #expect(try machine.now("main", .reload).isEmpty)
    #expect(try machine.start("main").isEmpty)
    #expect(machine.jobs.isIdle)
  }
}
