// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import Fleet
import FleetWire
import Testing
import Units

@testable import FleetDaemon

/// What the engine decides about rolls and rebalancing over a registry: two machines, two units on the first.
@Suite struct EnginePlannerTests {
  typealias Followed = RegistryImageTests.Followed

  let file: UnitFile
  let new: UnitFile

  init() throws {
    file = try UnitFile(parsing: "[Service]\nExecStart=/bin/true\n")
    new = try UnitFile(parsing: "[Service]\nExecStart=/bin/false\n")
  }

  func uneven(_ units: String...) -> Followed {
    var followed = Followed()
    for id in ["m1", "m2"] { followed.set(.machine(id), MachineRecord(id: id, publicIP: "", metadata: [:]).value) }
    for name in units { place(name, file, in: &followed) }
    return followed
  }

  func place(_ name: String, _ file: UnitFile, in followed: inout Followed) {
    followed.set(.unitFile(file.hash), UnitFileRecord.value(of: file))
    followed.set(.job(name), JobRecord(name: name, hash: file.hash).value)
    followed.set(.targetState(name), "launched")
    followed.set(.target(name), "m1")
  }

  func roll(_ name: String, _ hash: UnitHash?, _ phase: Roll.Phase, _ copies: RollCopy...) -> String {
    var roll = Roll(
      name: name,
      isGlobal: false,
      hash: hash,
      maxUnavailable: 1,
      healthTimeout: .seconds(60),
      copies: copies
    )
    roll.phase = phase
    return roll.json.text
  }

  /// A planner that has taken everything over and found nothing to do.
  func planner(_ followed: Followed) -> EnginePlanner {
    var planner = EnginePlanner()
    planner.follow(.everything(followed.image))
    let tasks = planner.plan(isSettled: true, draining: []).tasks
    #expect(tasks.isEmpty)
    return planner
  }

  @Test(arguments: [
    (Roll.Phase.stopped, RollCopy.Stage.failed, true), (.paused, .idle, true), (.paused, .starting, false),
    (.rolling, .idle, false), (.done, .idle, true),
  ])
  func `only a roll that goes on by itself holds a rebalancing back`(
    phase: Roll.Phase,
    stage: RollCopy.Stage,
    isMoving: Bool
  ) {
    var followed = uneven("a.service", "b.service")
    let copy = RollCopy(unit: "a.service", oldHash: file.hash, stage: stage)
    followed.set(.roll("a.service"), roll("a.service", nil, phase, copy))
    followed.set(.rebalancing, Rebalancing().json.text)
    var planner = planner(followed)
    let write = planner.rebalance(in: followed.image, isQuiet: true, at: .zero, after: .zero)
    #expect((write?.step.rebalancing.current != nil) == isMoving)
  }

  @Test func `an engine that takes over does not know who came before, and evens machines out if that is wanted`() {
    var followed = uneven("a.service", "b.service")
    var planner = planner(followed)
    #expect(planner.rebalance(in: followed.image, isQuiet: true, at: .zero, after: .seconds(3)) == nil)
    followed.set(.rebalancingSwitch, "true")
    for seconds in [1, 9] {
      let write = planner.rebalance(in: followed.image, isQuiet: true, at: .seconds(seconds), after: .seconds(3))
      #expect(write == nil, "who came before it was wanted does not count")
    }
    var successor = self.planner(followed)
    #expect(successor.rebalance(in: followed.image, isQuiet: true, at: .seconds(10), after: .seconds(3)) == nil)
    let write = successor.rebalance(in: followed.image, isQuiet: true, at: .seconds(13), after: .seconds(3))
    #expect(write?.step.rebalancing.current?.to == "m2")
    #expect(successor.rebalance(in: followed.image, isQuiet: true, at: .seconds(20), after: .seconds(3)) == nil, "once")
  }

  @Test func `an instance that is made meanwhile is seen by the roll of its template`() {
    var followed = uneven("web@1.service")
    let copy = RollCopy(unit: "web@1.service", oldHash: file.hash)
    followed.set(.roll("web@.service"), roll("web@.service", new.hash, .rolling, copy))
    for name in ["web@2.service", "web@3.service", "web.service", "web@x@4.service", "other@1.service"] {
      place(name, file, in: &followed)
    }
    let own = RollCopy(unit: "web@3.service", oldHash: file.hash)
    followed.set(.roll("web@3.service"), roll("web@3.service", new.hash, .stopped, own))
    var planner = planner(followed)
    let writes = planner.rollSteps(in: followed.image, isSettled: true, at: .zero)
    let write = writes.first { $0.step.roll.name == "web@.service" }
    // The third has a roll of its own.
    #expect(write?.step.roll.copies.map(\.unit) == ["web@1.service", "web@2.service", "web@x@4.service"])
  }

  @Test(arguments: [
    ("Type=oneshot\n", Oneshot.ends), ("Type=oneshot\nRemainAfterExit=1\n", .remains), ("Type=simple\n", nil),
    ("Type=oneshot\nRemainAfterExit=yes\nRemainAfterExit=no\n", .ends),
  ])
  func `what becomes of a oneshot is read from its file`(service: String, oneshot: Oneshot?) throws {
    var followed = uneven()
    place("a.service", try UnitFile(parsing: "[Service]\nExecStart=/bin/true\n\(service)"), in: &followed)
    #expect(followed.image.snapshot(areAbsentMachinesLost: false).jobs.map(\.oneshot) == [oneshot])
  }
}
