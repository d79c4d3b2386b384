// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Units

/// What units of one machine are to each other, relation by relation.
@Suite struct JobRelationsTests {
  // MARK: Requisite=

  @Test func `Requisite= starts nothing and refuses what comes without it`() throws {
    var machine = JobsMachine()
    try machine.load("web", "Requisite=db.service docker.service\nAfter=db.service")
    try machine.load("db", "")
    #expect(throws: UnitJobs.Refusal.notActive("db.service", requisiteOf: try machine.unit("web"))) {
      try machine.start("web")
    }
    #expect(machine.waiting.isEmpty)
    try machine.bringUp("db")
    #expect(try machine.start("web") == ["start web"])
    _ = try machine.now("web", .running)
    #expect(try machine.stop("db") == ["stop web"])
  }

  @Test func `Requisite= waits for a start that is under way when it comes after it`() throws {
    var machine = JobsMachine()
    try machine.load("web", "Requisite=db.service\nAfter=db.service")
    try machine.load("early", "Requisite=db.service")
    try machine.load("db", "")
    #expect(try machine.start("db") == ["start db"])
    #expect(try machine.start("web").isEmpty)
    #expect(throws: UnitJobs.Refusal.self) { try machine.start("early") }
    #expect(
      try machine.now("db", .dead) == [
        "refuse web: dependency failed for web.service: db.service, which it requires, did not start"
      ]
    )
  }

  @Test func `Requisite= of what is nowhere refuses by name`() throws {
    var machine = JobsMachine()
    try machine.load("web", "Requisite=gone.service")
    #expect(throws: UnitJobs.Refusal.missing("gone.service", requiredBy: try machine.unit("web"))) {
      try machine.start("web")
    }
  }

  // MARK: PartOf=, PropagatesStopTo=

  @Test func `PartOf= stops and restarts with the other and starts nothing`() throws {
    var machine = JobsMachine()
    try machine.load("part", "PartOf=main.service\nAfter=main.service")
    try machine.load("main", "")
    #expect(try machine.start("part") == ["start part"])
    _ = try machine.now("part", .running)
    try machine.bringUp("main")
    #expect(try machine.restart("main") == ["stop to restart part"])
    #expect(try machine.now("part", .dead) == ["stop to restart main"])
    #expect(try machine.now("main", .dead) == ["start main"])
    #expect(try machine.now("main", .running) == ["start part"])
    _ = try machine.now("part", .running)
    #expect(try machine.stop("main") == ["stop part"])
    #expect(try machine.now("part", .dead) == ["stop main"])
    #expect(try machine.now("main", .dead).isEmpty)
    #expect(machine.waiting.isEmpty)
  }

  @Test func `PartOf= does not follow an end that nobody asked for`() throws {
    var machine = JobsMachine()
    try machine.load("part", "PartOf=main.service")
    try machine.load("main", "")
    try machine.bringUp("main", "part")
    #expect(try machine.now("main", .failed, .signal).isEmpty)
  }

  @Test func `PropagatesStopTo= follows every end, and StopPropagatedFrom= is the same from the other side`() throws {
    var machine = JobsMachine()
    try machine.load("main", "PropagatesStopTo=one.service")
    try machine.load("one", "")
    try machine.load("two", "StopPropagatedFrom=main.service")
    try machine.bringUp("main", "one", "two")
    #expect(try machine.stop("main") == ["stop main", "stop one", "stop two"])
    for name in ["main", "one", "two"] { _ = try machine.now(name, .dead) }
    try machine.bringUp("main", "one", "two")
    #expect(try machine.now("main", .failed, .signal) == ["stop one", "stop two"])
  }

  // MARK: Restarts

  @Test func `a restart takes along what requires the unit and is up, and leaves the rest down`() throws {
    var machine = JobsMachine()
    try machine.load("web", "Requires=db.service\nAfter=db.service")
    try machine.load("idle", "Requires=db.service")
    try machine.load("db", "")
    try machine.bringUp("db", "web")
    #expect(try machine.restart("db") == ["stop to restart web"])
    #expect(try machine.now("web", .dead) == ["stop to restart db"])
    #expect(machine.jobs.isStartWaiting(try machine.unit("db")))
    #expect(try machine.now("db", .dead) == ["start db"])
    #expect(try machine.now("db", .running) == ["start web"])
    _ = try machine.now("web", .running)
    #expect(machine.waiting.isEmpty)
  }

  @Test func `a stop takes back a restart, and a restart of what is down is a start`() throws {
    var machine = JobsMachine()
    try machine.load("web", "Requires=db.service\nAfter=db.service")
    try machine.load("db", "")
    #expect(try machine.restart("web") == ["start db"])
    _ = try machine.now("db", .running)
    _ = try machine.now("web", .running)
    #expect(try machine.restart("db") == ["stop to restart web"])
    #expect(try machine.stop("db").isEmpty)
    #expect(try machine.now("web", .dead) == ["stop db"])
    #expect(try machine.now("db", .dead).isEmpty)
    #expect(machine.waiting.isEmpty)
  }

  @Test func `what binds to a unit that restarts comes back once`() throws {
    var machine = JobsMachine()
    try machine.load("side", "BindsTo=main.service\nAfter=main.service")
    try machine.load("main", "")
    try machine.bringUp("main", "side")
    #expect(try machine.restart("main") == ["stop to restart side"])
    #expect(try machine.now("side", .dead) == ["stop to restart main"])
    #expect(try machine.now("main", .stopSigterm).isEmpty)
    #expect(try machine.now("main", .dead) == ["start main"])
    #expect(try machine.now("main", .running) == ["start side"])
    #expect(try machine.now("side", .running).isEmpty)
  }

  // MARK: Conflicts=

  @Test func `starting one stops the other, and the reverse`() throws {
    var machine = JobsMachine()
    try machine.load("blue", "Conflicts=green.service\nAfter=green.service")
    try machine.load("green", "")
    try machine.bringUp("green")
    #expect(try machine.start("blue") == ["stop green"])
    #expect(try machine.now("green", .stopSigterm).isEmpty)
    #expect(try machine.now("green", .dead) == ["start blue"])
    _ = try machine.now("blue", .running)
    #expect(try machine.start("green") == ["stop blue"])
    #expect(try machine.now("blue", .dead) == ["start green"])
  }

  @Test func `without an order nobody waits, and what requires the loser goes too`() throws {
    var machine = JobsMachine()
    try machine.load("blue", "Conflicts=green.service")
    try machine.load("green", "")
    try machine.load("client", "Requires=green.service\nAfter=green.service")
    try machine.bringUp("green", "client")
    #expect(try machine.start("blue") == ["start blue", "stop client"])
    #expect(try machine.now("client", .dead) == ["stop green"])
  }

  @Test func `a start that waits gives way to one that conflicts`() throws {
    var machine = JobsMachine()
    try machine.load("blue", "Conflicts=green.service")
    try machine.load("green", "Wants=slow.service\nAfter=slow.service")
    try machine.load("slow", "")
    #expect(try machine.start("green") == ["start slow"])
    #expect(try machine.start("blue") == ["drop green", "start blue"])
    #expect(try machine.now("slow", .running).isEmpty)
  }

  @Test func `units that conflict cannot be required together, and one that is only wanted is left out`() throws {
    var machine = JobsMachine()
    try machine.load("both", "Requires=blue.service green.service")
    try machine.load("one", "Requires=blue.service\nWants=green.service")
    try machine.load("blue", "Conflicts=green.service")
    try machine.load("green", "")
    #expect(throws: UnitJobs.Refusal.conflicting(try machine.unit("blue"), try machine.unit("green"))) {
      try machine.start("both")
    }
    #expect(machine.waiting.isEmpty)
    #expect(try machine.start("one") == ["start blue", "start one"])
  }

  // MARK: OnFailure=, OnSuccess=

  @Test func `OnFailure= starts when a unit fails for good, OnSuccess= when it has ended well`() throws {
    var machine = JobsMachine()
    try machine.load("job", "OnFailure=alarm.service\nOnSuccess=next.service")
    try machine.load("alarm", "")
    try machine.load("next", "")
    try machine.bringUp("job")
    #expect(try machine.now("job", .autoRestart, .exitCode).isEmpty)
    #expect(try machine.now("job", .failed, .exitCode) == ["start alarm"])
    _ = try machine.now("alarm", .dead)
    #expect(try machine.start("job") == ["start job"])
    #expect(try machine.now("job", .dead) == [])
    _ = try machine.start("job")
    _ = try machine.now("job", .start)
    #expect(try machine.now("job", .dead) == ["start next"])
  }

  @Test func `OnFailure= starts too when what a unit requires has failed it`() throws {
    var machine = JobsMachine()
    try machine.load("job", "Requires=db.service\nAfter=db.service\nOnFailure=alarm.service nowhere.service")
    try machine.load("db", "")
    try machine.load("alarm", "")
    #expect(try machine.start("job") == ["start db"])
    #expect(
      try machine.now("db", .failed, .exitCode) == [
        "refuse job: dependency failed for job.service: db.service, which it requires, did not start",
        "note job: OnFailure=nowhere.service is not started: it is not on this machine",
        "start alarm",
      ]
    )
  }

  @Test func `units that start each other when they fail do not do so at once`() throws {
    var machine = JobsMachine()
    try machine.load("a", "OnFailure=b.service")
    try machine.load("b", "OnFailure=a.service")
    try machine.bringUp("a")
    #expect(try machine.now("a", .failed, .exitCode) == ["start b"])
    #expect(try machine.now("b", .failed, .exitCode) == ["start a"])
  }

  // MARK: Upholds=

  @Test func `Upholds= starts what is down for as long as the unit is up`() throws {
    var machine = JobsMachine()
    try machine.load("keeper", "Upholds=kept.service\nAfter=kept.service")
    try machine.load("kept", "")
    #expect(try machine.start("keeper") == ["start kept"])
    #expect(try machine.now("kept", .failed, .exitCode) == ["start keeper"])
    #expect(try machine.now("keeper", .running) == ["start kept"])
    _ = try machine.now("kept", .running)
    #expect(try machine.now("kept", .dead) == ["start kept"])
    _ = try machine.now("kept", .running)
    #expect(try machine.stop("kept") == ["stop kept"])
    #expect(try machine.now("kept", .dead) == ["start kept"])
    _ = try machine.now("kept", .running)
    #expect(try machine.stop("keeper") == ["stop keeper"])
    _ = try machine.now("keeper", .dead)
    #expect(try machine.now("kept", .dead).isEmpty)
  }

  @Test func `what is upheld starts as soon as it is loaded, and does not when it is to be forgotten`() throws {
    var machine = JobsMachine()
    try machine.load("keeper", "Upholds=kept.service")
    try machine.bringUp("keeper")
    try machine.load("kept", "")
    #expect(machine.loaded() == ["start kept"])
    _ = try machine.now("kept", .running)
    #expect(try machine.leave("kept") == ["stop kept"])
    #expect(try machine.now("kept", .dead).isEmpty)
    #expect(throws: UnitJobs.Refusal.notLoaded(try machine.unit("kept"))) { try machine.start("kept") }
    #expect(try machine.unload("kept").isEmpty)
  }

  @Test func `UpheldBy= says the same, and what fails again and again is left for a while`() throws {
    var machine = JobsMachine()
    try machine.load("keeper", "")
    try machine.load("kept", "[Install]\nUpheldBy=keeper.service")
    _ = machine.tick(100)
    #expect(try machine.start("keeper") == ["start keeper", "start kept"])
    _ = try machine.now("keeper", .running)
    var starts = 0
    while try machine.now("kept", .failed, .exitCode) == ["start kept"] { starts += 1 }
    #expect(starts == 16)
    #expect(machine.jobs.deadline == .seconds(110))
    #expect(machine.tick(109).isEmpty)
    #expect(machine.tick(110) == ["start kept"])
  }

  @Test func `when everything stops nothing is started by itself`() throws {
    var machine = JobsMachine()
    try machine.load("keeper", "Upholds=kept.service\nOnFailure=alarm.service\nRefuseManualStop=yes")
    try machine.load("kept", "")
    try machine.load("alarm", "")
    try machine.bringUp("keeper", "kept")
    #expect(machine.stopAll() == ["stop keeper", "stop kept"])
    #expect(try machine.now("kept", .dead).isEmpty)
    #expect(try machine.now("keeper", .failed, .timeout).isEmpty)
    #expect(try machine.start("keeper") == ["start keeper", "start kept"])
  }

  // MARK: StopWhenUnneeded=

  @Test func `StopWhenUnneeded= stops with the last unit that needs it`() throws {
    var machine = JobsMachine()
    try machine.load("one", "Requires=db.service")
    try machine.load("two", "Wants=db.service")
    try machine.load("db", "StopWhenUnneeded=yes")
    #expect(try machine.start("one") == ["start db", "start one"])
    #expect(try machine.now("db", .running).isEmpty)
    _ = try machine.now("one", .running)
    try machine.bringUp("two")
    _ = try machine.stop("one")
    #expect(try machine.now("one", .dead).isEmpty)
    #expect(try machine.now("two", .autoRestart, .exitCode).isEmpty)
    #expect(try machine.now("two", .failed, .exitCode) == ["stop db"])
  }

  @Test func `what nobody needs stops right after it was started by hand`() throws {
    var machine = JobsMachine()
    try machine.load("db", "StopWhenUnneeded=yes")
    #expect(try machine.start("db") == ["start db"])
    #expect(try machine.now("db", .running) == ["stop db"])
  }

  // MARK: [Install]

  @Test func `WantedBy= and RequiredBy= of a unit are its own Wants= and Requires=`() throws {
    var machine = JobsMachine()
    try machine.load("discovery", "BindsTo=hello.service\n[Install]\nWantedBy=hello.service multi-user.target")
    try machine.load("hello", "")
    #expect(machine.loaded().isEmpty)
    #expect(try machine.start("hello") == ["start discovery", "start hello"])
    _ = try machine.now("hello", .running)
    _ = try machine.now("discovery", .running)
    #expect(try machine.stop("hello") == ["stop discovery", "stop hello"])
    _ = try machine.now("hello", .dead)
    _ = try machine.now("discovery", .dead)
    try machine.load("disk", "[Install]\nRequiredBy=hello.service")
    #expect(try machine.start("hello") == ["start discovery", "start disk", "start hello"])
    _ = try machine.now("disk", .running)
    _ = try machine.stop("hello")
    for name in ["disk", "hello", "discovery"] { _ = try machine.now(name, .dead) }
    _ = try machine.unload("disk")
    #expect(try machine.start("hello") == ["start discovery", "start hello"])
  }

  @Test func `a unit is found by its alias, whichever is loaded first`() throws {
    var machine = JobsMachine()
    try machine.load("web", "Requires=database.service\nAfter=database.service")
    #expect(throws: UnitJobs.Refusal.missing("database.service", requiredBy: try machine.unit("web"))) {
      try machine.start("web")
    }
    try machine.load("postgres", "[Install]\nAlias=database.service")
    try machine.load("mysql", "[Install]\nAlias=database.service")
    #expect(try machine.start("web") == ["start postgres"])
    #expect(try machine.now("postgres", .running) == ["start web"])
    _ = try machine.now("web", .running)
    #expect(try machine.stop("postgres") == ["stop web"])
    _ = try machine.now("web", .dead)
    _ = try machine.now("postgres", .dead)
    _ = try machine.unload("postgres")
    #expect(try machine.start("web") == ["start mysql"])
  }
}
