// SPDX-License-Identifier: Apache-2.0
import Fleet
import FleetWire
import Synchronization
import Testing
import Units

@testable import CoracleCommands

/// `coracle unit roll`, `rollback` and `rebalance`: what is asked for and what is told.
struct RollSessionTests {
  private static let machine = "1111aaaaaaaaaaaaaaaaaaaaaaaaaaaa"
  private static let other = "2222bbbbbbbbbbbbbbbbbbbbbbbbbbbb"
  private let fleet = LocalFleet(machines: [
    FleetMachine(id: machine, primaryIP: "10.0.0.1"), FleetMachine(id: other, primaryIP: "10.0.0.2"),
  ])
  private let operations = LocalOperations()
  private let record = RecordedOutput()
  private let begin = ContinuousClock.now

  private func session(_ files: [String: String] = [:]) -> UnitSession {
    UnitSession(
      fleet: fleet,
      inspection: fleet,
      output: record.output,
      readFile: { files[$0] },
      sleep: { _ in },
      now: { [begin] in begin },
      operations: operations
    )
  }

  private func roll(_ phase: Roll.Phase, _ stages: [(isRolled: Bool, stage: RollCopy.Stage)], isRestart: Bool = false)
    throws -> Roll
  {
    let (old, new) = (try UnitFile(parsing: "[Service]\nExecStart=/bin/1\n"), try UnitFile(parsing: Self.new))
    var roll = Roll(
      name: "web@.service",
      isGlobal: false,
      hash: isRestart ? nil : new.hash,
      maxUnavailable: 1,
      healthTimeout: .seconds(60),
      copies: stages.enumerated().map { offset, stage in
        RollCopy(
          unit: "web@\(offset + 1).service",
          machineID: Self.machine,
          oldHash: old.hash,
          isRolled: stage.isRolled,
          stage: stage.stage
        )
      }
    )
    roll.phase = phase
    return roll
  }

  private static let new = "[Service]\nExecStart=/bin/2\n"

  @Test func `a roll is followed copy by copy to its end`() async throws {
    let rolls = [
      try roll(.rolling, [(false, .idle), (false, .idle)]),
      try roll(.rolling, [(true, .starting), (false, .idle)]),
      try roll(.rolling, [(true, .idle), (true, .starting)]),
      try roll(.done, [(true, .idle), (true, .idle)]),
    ]
    operations.state.withLock { $0.rolls = rolls }
    let wish = UnitSession.RollWish(unit: "web@", file: "new", maxUnavailable: 2, healthTimeout: .seconds(5))
    #expect(await session(["new": Self.new]).roll(wish, UnitSession.RollStyle()) == 0)
    let place = "on 1111aaaa.../10.0.0.1"
    #expect(
      record.out == """
        Rolling web@.service from \(rolls[0].copies[0].oldHash.short) to \(rolls[0].hash?.short ?? ""), 1 at a time
        Unit web@1.service \(place): starting
        Unit web@1.service \(place): rolled
        Unit web@2.service \(place): starting
        Unit web@2.service \(place): rolled
        web@.service is done: 2 of 2 rolled

        """
    )
    let request = try #require(operations.state.withLock { $0.requests.first })
    #expect(request.name == "web@.service" && request.maxUnavailable == 2)
    #expect(request.healthTimeoutMilliseconds == 5_000)
    #expect(UnitFile(options: request.options).hash == rolls[0].hash)
  }

  @Test func `a roll that stops says which unit where and why, with its last output`() async throws {
    var stopped = try roll(.stopped, [(true, .failed), (false, .idle)])
    stopped.failure = RollFailure(unit: "web@1.service", machineID: Self.machine, reason: "failed (failed)")
    operations.state.withLock { [stopped] in $0.rolls = [stopped] }
    fleet.state.withLock {
      $0.reports["web@1.service"] = UnitStatusReport(
        name: "web@1.service",
        description: "",
        machineID: Self.machine,
        loadState: "loaded",
        activeState: "failed",
        subState: "failed",
        mainStatus: "7/NOTRUNNING",
        journal: [JournalLine(epochMilliseconds: 0, source: "sh", processID: 1, text: "out of order")]
      )
    }
    let wish = UnitSession.RollWish(unit: "web@", file: "new")
    #expect(await session(["new": Self.new]).roll(wish, UnitSession.RollStyle()) == 1)
    #expect(record.error.hasPrefix("Unit web@1.service on 1111aaaa.../10.0.0.1: failed (failed)\n"))
    #expect(record.error.contains("status=7/NOTRUNNING") && record.error.contains("out of order"))
    #expect(record.error.contains("has stopped: 0 of 2 rolled. unit roll --resume goes on, unit rollback goes back."))
  }

  @Test func `without a file, what lies where start looks is taken if it is new, and else copies are restarted`()
    async throws
  {
    operations.state.withLock { $0.rolls = [] }
    _ = await session(["web@.service": Self.new]).roll(UnitSession.RollWish(unit: "web@"), UnitSession.RollStyle())
    _ = await session().roll(UnitSession.RollWish(unit: "web@"), UnitSession.RollStyle())
    let wish = UnitSession.RollWish(unit: "web@", isRestart: true)
    _ = await session(["web@.service": Self.new]).roll(wish, UnitSession.RollStyle())
    #expect(operations.state.withLock { $0.requests.map(\.options.count) } == [1, 0, 0])
    // What lies there runs already, which the server answers as done.
    let done = try roll(.done, [(false, .idle)])
    let restart = try roll(.done, [(true, .idle)], isRestart: true)
    operations.state.withLock { $0.rolls = [done, restart] }
    _ = await session(["web@.service": Self.new]).roll(UnitSession.RollWish(unit: "web@"), UnitSession.RollStyle())
    #expect(operations.state.withLock { $0.requests.map(\.options.count) } == [1, 0, 0, 1, 0])
    #expect(record.out.contains("Restarting web@.service, 1 at a time\n"))
    #expect(record.out.hasSuffix("web@.service is done: 1 of 1 restarted\n"))
  }

  @Test func `what cannot be rolled is told`() async throws {
    operations.state.withLock { $0.refusal = .conflict("a roll of web@.service is under way") }
    #expect(await session().roll(UnitSession.RollWish(unit: "web@"), UnitSession.RollStyle()) == 1)
    #expect(record.error == "Error rolling web@.service: Error 409: a roll of web@.service is under way\n")
    let missing = UnitSession.RollWish(unit: "web@", file: "nowhere")
    #expect(await session().roll(missing, UnitSession.RollStyle()) == 1)
    #expect(record.error.hasSuffix("Error rolling web@.service: there is no file nowhere\n"))
  }

  @Test func `a rollback is followed too, and the status shows where all stand`() async throws {
    let rolls = [
      try roll(.stopped, [(true, .failed), (false, .idle)]),
      try roll(.rollingBack, [(false, .starting), (false, .idle)]),
      try roll(.rolledBack, [(false, .idle), (false, .idle)]),
    ]
    operations.state.withLock { $0.rolls = rolls }
    #expect(await session().change(.rollback, rollOf: "web@", UnitSession.RollStyle()) == 0)
    #expect(operations.state.withLock { $0.changes } == [.rollback])
    #expect(record.out.contains("Unit web@1.service on 1111aaaa.../10.0.0.1: as it was\n"))
    #expect(record.out.hasSuffix("web@.service is rolled-back: 0 of 2 rolled\n"))
    #expect(await session().showRolls(of: nil, format: .table) == 0)
    #expect(record.out.hasSuffix("web@.service: rolled-back, 0 of 2 rolled\n"))
  }

  @Test func `a roll whose units were all destroyed meanwhile has ended, and that is told`() async throws {
    let going = try roll(.rolling, [(true, .starting)])
    operations.state.withLock {
      $0.rolls = [going]
      $0.forgetsRolls = true
    }
    let wish = UnitSession.RollWish(unit: "web@", file: "new")
    #expect(await session(["new": Self.new]).roll(wish, UnitSession.RollStyle()) == 1)
    #expect(record.error == "The roll of web@.service ended: all its units were destroyed\n")
  }

  @Test func `what a rebalancing waits for is told once`() async throws {
    operations.state.withLock {
      $0.rebalancings = [Rebalancing(), Rebalancing(), Rebalancing(phase: .done)]
      $0.waitsFor = ["api@.service", "web@.service"]
    }
    #expect(await session().rebalance(isBlocking: true, format: .table) == 0)
    #expect(record.error == "Waiting for the roll of api@.service web@.service\n")
    #expect(record.out == "No move helps\n")
  }

  @Test func `moves are told as they are made`() async throws {
    let move = UnitMove(units: ["a.service", "b.service"], from: Self.machine, to: Self.other)
    operations.state.withLock {
      $0.rebalancings = [
        Rebalancing(current: move), Rebalancing(phase: .done, moves: [move], moveCount: 1),
      ]
      $0.plan = [move]
    }
    let line = "a.service b.service: 1111aaaa.../10.0.0.1 -> 2222bbbb.../10.0.0.2\n"
    #expect(await session().rebalance(isBlocking: true, format: .table) == 0)
    #expect(record.out == line + "Rebalanced with 1 moves\n")
    #expect(await session().showRebalancingPlan(format: .table) == 0)
    #expect(record.out == line + "Rebalanced with 1 moves\n" + line)
    operations.state.withLock { $0.rebalancings = [Rebalancing(phase: .stopped, reason: "a.service failed")] }
    #expect(await session().rebalance(isBlocking: true, format: .json) == 1)
    #expect(record.error == "Rebalancing stopped: a.service failed\n")
  }
}
