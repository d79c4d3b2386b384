// SPDX-License-Identifier: Apache-2.0
import Testing
import Units

@testable import Fleet

/// The rules of specs/fleet.md §5 and §14, one by one.
@Suite struct ClusterReconcilerTests {
  @Test func `units go to the least loaded machine, then to the smaller id`() throws {
    var cluster = ClusterScript("m3", "m1", "m2")
    try cluster.start("d.service", "b.service", "a.service", "c.service")
    let reason = "target state launched and unit not scheduled"
    #expect(
      cluster.pass() == [
        .schedule(job: "a.service", to: "m1", reason: reason),
        .schedule(job: "b.service", to: "m2", reason: reason),
        .schedule(job: "c.service", to: "m3", reason: reason),
        .schedule(job: "d.service", to: "m1", reason: reason),
      ]
    )
    #expect(cluster.pass().isEmpty)
  }

  @Test func `global units count as load`() throws {
    var cluster = ClusterScript("m1", "m2")
    cluster.machines["m1"]?.metadata = ["edge": "yes"]
    try cluster.start("g.service", xfleet: "Global=true\nMachineMetadata=edge=yes\n")
    try cluster.start("a.service")
    cluster.settle()
    #expect(cluster.machine(of: "a.service") == "m2")
    #expect(cluster.units(on: "m1") == ["g.service"])
  }

  @Test func `inactive units and templates get no machine`() throws {
    var cluster = ClusterScript("m1")
    try cluster.set("a.service", xfleet: "", .inactive)
    try cluster.start("t@.service")
    #expect(cluster.pass().isEmpty)
    try cluster.set("a.service", xfleet: "", .loaded)
    cluster.settle()
    #expect(cluster.machine(of: "a.service") == "m1")
    cluster.stop("a.service")
    #expect(cluster.pass() == [.unschedule(job: "a.service", from: "m1", reason: "target state inactive")])
  }

  @Test func `the units of a lost machine move in one step each`() throws {
    var cluster = ClusterScript("m1", "m2")
    try cluster.start("a.service", "b.service")
    cluster.settle()
    cluster.machines["m1"] = nil
    #expect(
      cluster.pass() == [.move(job: "a.service", from: "m1", to: "m2", reason: "target Machine(m1) went away")]
    )
    #expect(cluster.pass().isEmpty)
  }

  @Test func `while a missing machine may not be lost its units stay and go on counting`() throws {
    var cluster = ClusterScript("m1", "m2")
    try cluster.start("a.service", "b.service")
    cluster.settle()
    cluster.machines["m1"] = nil
    cluster.areAbsentMachinesLost = false
    #expect(cluster.pass().isEmpty)
    cluster.areAbsentMachinesLost = true
    cluster.machines["m1"] = Machine(id: "m1")
    #expect(cluster.pass().isEmpty)
  }

  @Test func `a unit whose file cannot be read keeps its place, and its followers keep theirs`() throws {
    var cluster = ClusterScript("m1", "m2")
    try cluster.start("a.service", xfleet: "MachineOf=b.service\n")
    try cluster.start("b.service")
    cluster.settle()
    cluster.jobs["b.service"]?.requirements = UnitRequirements(of: UnitFile(options: []), unitName: "b.service")
    cluster.jobs["b.service"]?.isFileKnown = false
    #expect(cluster.pass().isEmpty)
    cluster.jobs["b.service"]?.targetMachineID = nil
    #expect(!cluster.pass().contains { $0.job == "b.service" })
  }

  @Test func `what is not wanted any more leaves even a machine that may be lost`() throws {
    var cluster = ClusterScript("m1")
    try cluster.start("a.service")
    cluster.settle()
    cluster.machines = [:]
    cluster.areAbsentMachinesLost = false
    cluster.stop("a.service")
    #expect(cluster.pass() == [.unschedule(job: "a.service", from: "m1", reason: "target state inactive")])
  }

  @Test func `with no machine left a unit of a lost one waits`() throws {
    var cluster = ClusterScript("m1")
    try cluster.start("a.service")
    cluster.settle()
    cluster.machines = [:]
    #expect(cluster.pass() == [.unschedule(job: "a.service", from: "m1", reason: "target Machine(m1) went away")])
    #expect(ClusterReconciler.plan(for: cluster.snapshot).unplaced == ["a.service"])
    cluster.machines["m2"] = Machine(id: "m2")
    cluster.settle()
    #expect(cluster.machine(of: "a.service") == "m2")
  }

  @Test func `a unit leaves a machine whose metadata no longer fits`() throws {
    var cluster = ClusterScript("m1", "m2")
    cluster.machines["m1"]?.metadata = ["role": "web"]
    try cluster.start("a.service", xfleet: "MachineMetadata=role=web\n")
    cluster.settle()
    #expect(cluster.machine(of: "a.service") == "m1")
    cluster.machines["m1"]?.metadata = [:]
    cluster.machines["m2"]?.metadata = ["role": "web"]
    let reason = "target Machine(m1) unable to run unit: local Machine metadata insufficient"
    #expect(cluster.pass() == [.move(job: "a.service", from: "m1", to: "m2", reason: reason)])
  }

  @Test func `a chain of peers is placed in one pass and unravels in one pass`() throws {
    var cluster = ClusterScript("m1", "m2")
    try cluster.start("a.service", xfleet: "MachineOf=b.service\n")
    try cluster.start("b.service", xfleet: "MachineOf=c.service\n")
    try cluster.start("c.service")
    #expect(cluster.settle() == 1)
    #expect(cluster.units(on: "m1") == ["a.service", "b.service", "c.service"])
    cluster.destroy("c.service")
    #expect(cluster.pass().count == 2)
    #expect(cluster.machine(of: "a.service") == nil)
    try cluster.start("c.service")
    cluster.settle()
    #expect(cluster.machine(of: "a.service") == cluster.machine(of: "c.service"))
  }

  @Test func `peers on two machines leave a unit without a place`() throws {
    var cluster = ClusterScript("m1", "m2")
    try cluster.start("p.service", xfleet: "MachineID=m1\n")
    try cluster.start("q.service", xfleet: "MachineID=m2\n")
    try cluster.start("a.service", xfleet: "MachineOf=p.service\nMachineOf=q.service\n")
    cluster.settle()
    let plan = ClusterReconciler.plan(for: cluster.snapshot)
    #expect(plan.unplaced == ["a.service"])
    #expect(
      plan.refusals(of: "a.service") == [
        Refusal(machineID: "m1", reason: "required peer Unit(q.service) is not scheduled locally"),
        Refusal(machineID: "m2", reason: "required peer Unit(p.service) is not scheduled locally"),
      ]
    )
  }

  @Test func `a peer may be global`() throws {
    var cluster = ClusterScript("m1", "m2")
    cluster.machines["m2"]?.metadata = ["edge": "yes"]
    try cluster.start("g.service", xfleet: "Global=true\nMachineMetadata=edge=yes\n")
    try cluster.start("a.service", xfleet: "MachineOf=g.service\n")
    cluster.settle()
    #expect(cluster.machine(of: "a.service") == "m2")
  }

  @Test func `of two placed units that come to conflict the older stays`() throws {
    var cluster = ClusterScript("m1", "m2")
    try cluster.start("z.service", xfleet: "MachineID=m1\n")
    cluster.settle()
    try cluster.start("a.service", xfleet: "MachineID=m1\n")
    cluster.settle()
    try cluster.set("a.service", xfleet: "Conflicts=z.service\n", .launched)
    let reason =
      "target Machine(m1) unable to run unit: found conflict with locally-scheduled Unit([z.service])"
    #expect(cluster.pass() == [.move(job: "a.service", from: "m1", to: "m2", reason: reason)])
  }

  @Test func `a conflicting global unit that comes later does not disturb a running one`() throws {
    var cluster = ClusterScript("m1", "m2")
    try cluster.start("z.service")
    cluster.settle()
    try cluster.start("a.service", xfleet: "Global=true\nConflicts=z.service\n")
    #expect(cluster.settle() == 0)
    #expect(cluster.units(on: "m1") == ["z.service"])
    #expect(cluster.units(on: "m2") == ["a.service"])
    let plan = ClusterReconciler.plan(for: cluster.snapshot)
    #expect(plan.machines(of: "a.service") == ["m2"])
    let reason = "found conflict with locally-scheduled Unit([z.service])"
    #expect(plan.refusals(of: "a.service") == [Refusal(machineID: "m1", reason: reason)])
  }

  @Test func `an inactive global unit keeps nobody away`() throws {
    var cluster = ClusterScript("m1")
    try cluster.set("g.service", xfleet: "Global=true\nConflicts=*\n", .inactive)
    try cluster.start("a.service")
    cluster.settle()
    #expect(cluster.machine(of: "a.service") == "m1")
  }

  @Test func `a pinned unit sends the one it replaces away, once`() throws {
    var cluster = ClusterScript("m1", "m2")
    cluster.machines["m1"]?.metadata = ["role": "web"]
    try cluster.start("old.service")
    cluster.settle()
    try cluster.start("new.service", xfleet: "Replaces=old.service\nMachineMetadata=role=web\n")
    #expect(
      cluster.pass() == [
        .schedule(job: "new.service", to: "m1", reason: "target state launched and unit not scheduled"),
        .move(job: "old.service", from: "m1", to: "m2", reason: "replaced by Unit(new.service)"),
      ]
    )
    #expect(cluster.pass().isEmpty)
  }

  @Test func `a replaced unit without another place stays`() throws {
    var cluster = ClusterScript("m1")
    try cluster.start("old.service")
    cluster.settle()
    try cluster.start("new.service", xfleet: "Replaces=old.service\n")
    cluster.settle()
    #expect(cluster.units(on: "m1") == ["new.service", "old.service"])
  }

  @Test(arguments: [1, 2, 3])
  func `replaces in a circle come to rest`(machineCount: Int) throws {
    var cluster = ClusterScript()
    for number in 1...machineCount { cluster.machines["m\(number)"] = Machine(id: "m\(number)") }
    try cluster.start("a.service", xfleet: "Replaces=b.service\n")
    try cluster.start("b.service", xfleet: "Replaces=c.service\n")
    try cluster.start("c.service", xfleet: "Replaces=a.service\n")
    #expect(cluster.settle() < 5)
  }

  @Test func `three hundred units and a hundred machines spread evenly`() throws {
    var cluster = ClusterScript()
    for number in 100..<200 { cluster.machines["m\(number)"] = Machine(id: "m\(number)") }
    for number in 100..<400 { try cluster.start("u@\(number).service") }
    #expect(cluster.settle() == 1)
    for id in cluster.machines.keys { #expect(cluster.units(on: id).count == 3) }
  }
}
