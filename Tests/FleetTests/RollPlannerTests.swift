// SPDX-License-Identifier: Apache-2.0
import Testing
import Units

@testable import Fleet

/// Rolls step by step, on a cluster that does what it is told when the test says so.
@Suite struct RollPlannerTests {
  @Test func `instances get the new file one after another, the template last`() throws {
    var world = try RollWorld(instances: ["web@1.service", "web@2.service"], template: true)
    world.begin(world.new)
    #expect(world.step() == ["web@1.service new"])
    #expect(world.step() == [], "it has not loaded the file yet")
    world.run("web@1.service")
    #expect(world.step() == [])
    #expect(world.step(after: 2) == ["web@2.service new"])
    world.run("web@2.service")
    #expect(world.step() == [])
    #expect(world.step(after: 2) == ["web@.service new"])
    #expect(world.step() == [])
    #expect(world.roll.phase == .done)
  }

  @Test func `as many as may be unavailable are under way at once`() throws {
    var world = try RollWorld(instances: (1...5).map { "web@\($0).service" })
    world.begin(world.new, maxUnavailable: 2)
    #expect(world.step() == ["web@1.service new", "web@2.service new"])
    world.run("web@2.service")
    world.step()
    #expect(world.step(after: 2) == ["web@3.service new"])
  }

  @Test func `a copy that is down already counts, and comes first`() throws {
    var world = try RollWorld(instances: ["web@1.service", "web@2.service", "web@3.service"])
    world.say("web@3.service", "failed", "failed")
    world.begin(world.new)
    #expect(world.step() == ["web@3.service new"])
    #expect(world.step(after: 5) == [])
  }

  @Test func `the first that fails stops the roll, and the rest stays untouched`() throws {
    var world = try RollWorld(instances: ["web@1.service", "web@2.service"])
    world.begin(world.new)
    world.step()
    world.run("web@1.service", "failed", "failed")
    #expect(world.step() == [])
    #expect(world.roll.phase == .stopped)
    #expect(world.roll.failure == RollFailure(unit: "web@1.service", machineID: "m1", reason: "failed (failed)"))
    #expect(world.step(after: 60) == [])
    #expect(world.hash("web@2.service") == world.old)
  }

  @Test func `a copy that is not active in time stops the roll`() throws {
    var world = try RollWorld(instances: ["web@1.service"])
    world.begin(world.new)
    world.step()
    world.run("web@1.service", "activating", "auto-restart")
    world.step()
    world.step(after: 29)
    #expect(world.roll.phase == .rolling)
    world.step(after: 1)
    #expect(world.roll.failure?.reason == "not active, but activating (auto-restart), after 30s")
  }

  @Test func `a copy that comes and goes never settles`() throws {
    var world = try RollWorld(instances: ["web@1.service"])
    world.begin(world.new)
    world.step()
    for _ in 1...20 {
      world.run("web@1.service")
      world.step(after: 1)
      world.say("web@1.service", "activating", "auto-restart")
      world.step(after: 1)
    }
    #expect(world.roll.phase == .stopped)
  }

  @Test func `going back restores what was rolled and nothing else`() throws {
    var world = try RollWorld(instances: ["web@1.service", "web@2.service", "web@3.service"], template: true)
    world.begin(world.new)
    world.step()
    world.run("web@1.service")
    world.step()
    #expect(world.step(after: 2) == ["web@2.service new"])
    world.run("web@2.service", "failed", "failed")
    world.step()
    #expect(world.roll.phase == .stopped && world.roll.files == [world.old, world.new])
    let wasRolledBack = world.roll.rollBack()
    #expect(wasRolledBack)
    #expect(world.step() == ["web@2.service old"], "the broken one first")
    world.run("web@2.service")
    world.step()
    #expect(world.step(after: 2) == ["web@1.service old"])
    world.run("web@1.service")
    world.step()
    world.step(after: 2)
    #expect(world.roll.phase == .rolledBack && world.roll.failure == nil && world.roll.files.isEmpty)
    #expect(world.sight.units.values.allSatisfy { $0.hash == world.old })
  }

  @Test func `a copy that fails on the way back is told, and the others go back`() throws {
    var world = try RollWorld(instances: ["web@1.service", "web@2.service"])
    world.begin(world.new, maxUnavailable: 2)
    world.step()
    world.run("web@1.service")
    world.run("web@2.service")
    world.step()
    world.step(after: 2)
    #expect(world.roll.phase == .done)
    _ = world.roll.rollBack()
    world.step()
    world.run("web@1.service", "failed", "failed")
    world.run("web@2.service")
    world.step()
    world.step(after: 2)
    #expect(world.roll.phase == .rolledBack)
    #expect(world.roll.failure?.unit == "web@1.service")
  }

  @Test func `resuming takes what failed away and brings it back`() throws {
    var world = try RollWorld(instances: ["web@1.service", "web@2.service"])
    world.begin(world.new)
    world.step()
    world.run("web@1.service", "failed", "failed")
    world.step()
    _ = world.roll.resume()
    world.step()
    #expect(world.roll.copies.map(\.stage) == [.stopping, .idle])
    #expect(world.roll.directive(for: "web@1.service", on: "m1", present: world.new) == .stayAway)
    world.silence("web@1.service")
    world.step()
    world.run("web@1.service")
    world.step()
    #expect(world.step(after: 2) == ["web@2.service new"])
  }

  @Test func `going back after resuming mends what had failed`() throws {
    var world = try RollWorld(instances: ["web@1.service", "web@2.service"])
    world.begin(world.new)
    world.step()
    world.run("web@1.service", "failed", "failed")
    world.step()
    _ = world.roll.resume()
    _ = world.roll.rollBack()
    #expect(world.step() == ["web@1.service old"])
    #expect(world.roll.phase == .rollingBack)
  }

  @Test func `resuming leaves alone what has recovered meanwhile`() throws {
    var world = try RollWorld(instances: ["web@1.service", "web@2.service"])
    world.begin(world.new)
    world.step()
    world.run("web@1.service", "failed", "failed")
    world.step()
    world.run("web@1.service")
    _ = world.roll.resume()
    #expect(world.step() == ["web@2.service new"])
    #expect(world.roll.copies.map(\.stage) == [.idle, .starting])
  }

  @Test func `going back counts what is under way, and gives it the time it gives the others`() throws {
    var world = try RollWorld(instances: ["web@1.service", "web@2.service"])
    world.begin(world.new)
    world.step()
    world.run("web@1.service")
    world.step()
    #expect(world.step(after: 2) == ["web@2.service new"])
    world.step(after: 29)
    _ = world.roll.rollBack()
    #expect(world.step(after: 1) == ["web@2.service old"], "its machine may have begun to replace it")
    #expect(world.roll.copies.map(\.stage) == [.idle, .starting])
    #expect(world.roll.failure == nil)
    world.step()
    #expect(world.step(after: 2) == ["web@1.service old"])
  }

  @Test func `a pause lets what is under way end and begins nothing`() throws {
    var world = try RollWorld(instances: ["web@1.service", "web@2.service"])
    world.begin(world.new)
    world.step()
    _ = world.roll.pause()
    world.run("web@1.service")
    world.step()
    #expect(world.step(after: 2) == [])
    #expect(world.roll.copies.map(\.isRolled) == [true, false])
    _ = world.roll.resume()
    #expect(world.step() == ["web@2.service new"])
  }

  @Test func `a restart takes each copy away and brings it back`() throws {
    var world = try RollWorld(instances: ["web@1.service", "web@2.service"])
    world.begin(nil)
    world.step()
    #expect(world.roll.copies.map(\.stage) == [.stopping, .idle])
    world.silence("web@1.service")
    world.step()
    #expect(world.roll.copies.map(\.stage) == [.starting, .idle])
    #expect(world.roll.directive(for: "web@1.service", on: "m1", present: world.old) == nil)
    world.run("web@1.service")
    world.step()
    world.step(after: 2)
    #expect(world.roll.copies.map(\.stage) == [.idle, .stopping])
    let canGoBack = world.roll.rollBack()
    #expect(!canGoBack)
  }

  @Test func `what somebody else changes or destroys is left alone`() throws {
    var world = try RollWorld(instances: ["web@1.service", "web@2.service", "web@3.service"])
    world.begin(world.new)
    world.sight.units["web@1.service"] = nil
    world.sight.units["web@2.service"]?.hash = try RollWorld.hash("other")
    #expect(world.step() == [])
    #expect(world.roll.copies.map(\.stage) == [.skipped, .skipped, .idle])
    #expect(world.step() == ["web@3.service new"])
  }

  @Test func `a copy that is destroyed while it is under way holds nothing up`() throws {
    var world = try RollWorld(instances: ["web@1.service", "web@2.service"])
    world.begin(world.new)
    world.step()
    world.sight.units["web@1.service"] = nil
    #expect(world.step() == ["web@2.service new"])
    #expect(world.roll.copies[0].stage == .skipped && world.roll.copies[0].note == "destroyed")
    world.run("web@2.service")
    world.step()
    world.step(after: 2)
    #expect(world.roll.phase == .done)
  }

  @Test func `an instance that is made meanwhile is taken in`() throws {
    var world = try RollWorld(instances: ["web@1.service"], template: true)
    world.begin(world.new)
    world.step()
    world.add("web@0.service", world.old)
    world.add("web@2.service", world.new)
    #expect(world.step() == [], "one after another as before")
    world.run("web@1.service")
    world.step()
    #expect(world.step(after: 2) == ["web@0.service new"])
    world.run("web@0.service")
    world.step()
    #expect(world.step(after: 2) == ["web@.service new"])
    world.step()
    #expect(world.roll.phase == .done && world.roll.copies.count == 4)
    _ = world.roll.rollBack()
    world.add("web@3.service", world.new)
    for unit in (0...3).map({ "web@\($0).service" }) {
      #expect(world.step() == [unit + " old"], "also what was made from the new template")
      world.run(unit)
      world.step()
      world.step(after: 2, carriesOut: false)
    }
    #expect(world.step() == ["web@.service old"])
  }

  @Test func `a restart has nothing to do for an instance that is made meanwhile`() throws {
    var world = try RollWorld(instances: ["web@1.service"])
    world.begin(nil)
    world.step()
    world.add("web@2.service", world.old)
    world.step()
    #expect(world.roll.copies.count == 1)
  }

  @Test func `an engine that takes over writes what another one had only decided`() throws {
    var world = try RollWorld(instances: ["web@1.service"])
    world.begin(world.new)
    #expect(world.step(carriesOut: false) == ["web@1.service new"])
    world.planner = RollPlanner()
    #expect(world.step() == ["web@1.service new"])
  }

  @Test func `a copy that ends by itself is healthy when it has ended well`() throws {
    var world = try RollWorld(instances: ["web@1.service"])
    world.sight.units["web@1.service"]?.endsByItself = true
    world.begin(world.new)
    world.step()
    world.run("web@1.service", "inactive", "dead")
    world.step()
    world.step(after: 2)
    #expect(world.roll.phase == .done)
  }
}

/// Rolls of global units, machine by machine.
@Suite struct GlobalRollTests {
  @Test func `machines follow each other, and the unit's own key follows them`() throws {
    var world = try RollWorld(global: "m1", "m2")
    world.begin(world.new)
    #expect(world.step() == [])
    #expect(world.files == ["m1": world.new, "m2": world.old])
    world.run("agent.service", on: "m1")
    world.step()
    world.step(after: 2)
    #expect(world.files == ["m1": world.new, "m2": world.new])
    world.run("agent.service", on: "m2")
    world.step()
    #expect(world.step(after: 2) == ["agent.service new"])
    world.step()
    #expect(world.roll.phase == .done)
  }

  @Test func `a machine that joins runs the old file until it is its turn`() throws {
    var world = try RollWorld(global: "m1")
    world.begin(world.new)
    world.step()
    world.sight.machineIDs = ["m0", "m1"]
    world.step()
    #expect(world.files == ["m0": world.old, "m1": world.new])
    world.say("agent.service", on: "m0", "active", "running", world.old)
    world.run("agent.service", on: "m1")
    world.step()
    world.step(after: 2)
    #expect(world.files == ["m0": world.new, "m1": world.new])
  }

  @Test func `a machine that dies in the middle does not stop the roll, and begins anew when it is back`() throws {
    var world = try RollWorld(global: "m1", "m2")
    world.begin(world.new)
    world.step()
    world.sight.machineIDs = ["m2"]
    world.step()
    #expect(world.roll.failure == nil)
    #expect(world.files == ["m2": world.new])
    world.sight.machineIDs = ["m1", "m2"]
    world.step()
    #expect(world.files["m1"] == world.old)
  }

  @Test func `a failure leaves each machine with what it has, and going back restores all`() throws {
    var world = try RollWorld(global: "m1", "m2")
    world.begin(world.new)
    world.step()
    world.run("agent.service", on: "m1", "failed", "failed")
    world.step()
    #expect(world.roll.phase == .stopped)
    #expect(world.roll.failure?.machineID == "m1")
    #expect(world.files == ["m1": world.new, "m2": world.old])
    _ = world.roll.rollBack()
    world.step()
    #expect(world.files == ["m1": world.old, "m2": world.old])
    world.run("agent.service", on: "m1")
    world.step()
    world.step(after: 2)
    #expect(world.roll.phase == .rolledBack)
  }

  @Test func `going back after the end reaches machines that came since`() throws {
    var world = try RollWorld(global: "m1")
    world.begin(world.new)
    world.step()
    world.run("agent.service", on: "m1")
    world.step()
    world.step(after: 2)
    world.step()
    #expect(world.roll.phase == .done)
    world.sight.machineIDs = ["m1", "m2"]
    world.say("agent.service", on: "m2", "active", "running", world.new)
    _ = world.roll.rollBack()
    world.step()
    #expect(world.files == ["m1": world.old, "m2": world.new])
    world.run("agent.service", on: "m1")
    world.step()
    world.step(after: 2)
    #expect(world.files == ["m1": world.old, "m2": world.old])
    world.run("agent.service", on: "m2")
    world.step()
    #expect(world.step(after: 2) == ["agent.service old"])
    world.step()
    #expect(world.roll.phase == .rolledBack)
  }

  @Test func `a machine that comes back after the end runs the new file, and goes back with the others`() throws {
    var world = try RollWorld(global: "m1", "m2")
    world.begin(world.new)
    world.step()
    world.sight.machineIDs = ["m1"]
    world.run("agent.service", on: "m1")
    world.step()
    world.step(after: 2)
    world.step()
    #expect(world.roll.phase == .done)
    world.sight.machineIDs = ["m1", "m2"]
    #expect(world.files == [:], "each runs what the unit's own key names")
    world.run("agent.service", on: "m2")
    _ = world.roll.rollBack()
    world.step()
    #expect(world.files == ["m1": world.old, "m2": world.new])
  }

  @Test func `resuming does not order the old file for a moment`() throws {
    var world = try RollWorld(global: "m1", "m2")
    world.begin(world.new)
    world.step()
    world.run("agent.service", on: "m1", "failed", "failed")
    world.step()
    _ = world.roll.resume()
    #expect(world.files == ["m1": world.new, "m2": world.old])
    world.step()
    #expect(world.roll.copies.compactMap { $0.machineID == nil ? nil : $0.stage } == [.stopping, .idle])
  }

  @Test func `going back turns at once what is under way`() throws {
    var world = try RollWorld(global: "m1", "m2")
    world.begin(world.new)
    world.step()
    _ = world.roll.rollBack()
    #expect(world.files == ["m1": world.old, "m2": world.old])
    world.step()
    world.step(after: 2)
    world.step()
    #expect(world.roll.phase == .rolledBack)
  }

  @Test func `nobody stays away for a roll that has ended`() throws {
    var world = try RollWorld(global: "m1")
    world.begin(world.new)
    world.step()
    world.run("agent.service", on: "m1", "failed", "failed")
    world.step()
    _ = world.roll.resume()
    world.step()
    #expect(world.roll.directive(for: "agent.service", on: "m1", present: world.old) == .stayAway)
    let other = try RollWorld.hash("other")
    world.sight.units["agent.service"]?.hash = other
    world.step()
    #expect(world.roll.phase == .superseded)
    #expect(world.roll.directive(for: "agent.service", on: "m1", present: other) == nil)
  }

  @Test func `somebody else's file ends the roll`() throws {
    var world = try RollWorld(global: "m1")
    world.begin(world.new)
    world.step()
    world.sight.units["agent.service"]?.hash = try RollWorld.hash("other")
    world.step()
    #expect(world.roll.phase == .superseded)
    #expect(world.files == [:])
  }
}
