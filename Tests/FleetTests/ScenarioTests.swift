// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Fleet

/// The scheduling scenarios of fleet's own functional tests: specs/fleet.md §12, 26 to 37, and scenario 4 of coracle.
@Suite struct ScenarioTests {
  @Test func `26 pairs land together and migrate together`() throws {
    var cluster = ClusterScript("m1", "m2", "m3")
    for number in 1...3 {
      try cluster.start("pong.\(number).service", xfleet: "MachineOf=ping.\(number).service\n")
      try cluster.start("ping.\(number).service")
    }
    cluster.settle()
    for number in 1...3 {
      #expect(cluster.machine(of: "ping.\(number).service") != nil)
      #expect(cluster.machine(of: "ping.\(number).service") == cluster.machine(of: "pong.\(number).service"))
    }
    let lost = try #require(cluster.machine(of: "ping.1.service"))
    cluster.machines[lost] = nil
    #expect(cluster.settle() == 1)
    #expect(cluster.machine(of: "ping.1.service") != lost)
    #expect(cluster.machine(of: "ping.1.service") == cluster.machine(of: "pong.1.service"))
  }

  @Test func `27 of five that conflict three run, one on each machine`() throws {
    var cluster = ClusterScript("m1", "m2", "m3")
    for number in 0..<5 { try cluster.start("conflict.\(number).service", xfleet: "Conflicts=conflict.*.service\n") }
    cluster.settle()
    #expect(Set(cluster.jobs.values.compactMap(\.targetMachineID)) == ["m1", "m2", "m3"])
    #expect(cluster.jobs.values.filter { $0.targetMachineID != nil }.count == 3)
    #expect(ClusterReconciler.plan(for: cluster.snapshot).unplaced == ["conflict.3.service", "conflict.4.service"])
  }

  @Test func `28 a one way conflict keeps the other out until it is gone`() throws {
    var cluster = ClusterScript("m1")
    try cluster.start("conflicts-with-hello.service", xfleet: "Conflicts=hello.service\n")
    cluster.settle()
    try cluster.start("hello.service")
    cluster.settle()
    #expect(cluster.machine(of: "hello.service") == nil)
    cluster.destroy("conflicts-with-hello.service")
    cluster.settle()
    #expect(cluster.machine(of: "hello.service") == "m1")
  }

  @Test(arguments: [
    "Conflicts=c.0.service c.1.service c.2.service\n",
    "Conflicts=c.0.service\nConflicts=c.1.service\nConflicts=c.2.service\n",
  ])
  func `29 conflicts in one line and in three lines are alike`(xfleet: String) throws {
    var cluster = ClusterScript("m1", "m2", "m3")
    for number in 0..<3 { try cluster.start("c.\(number).service", xfleet: xfleet) }
    cluster.settle()
    #expect(Set(cluster.jobs.values.compactMap(\.targetMachineID)).count == 3)
  }

  @Test func `30 a unit that replaces lands on the least loaded and the replaced moves to the other`() throws {
    var cluster = ClusterScript("m1", "m2")
    try cluster.start("replace.0.service")
    try cluster.start("replace-kick0.service", "replace.1.service")
    try cluster.start("replace.2.service", xfleet: "MachineOf=replace.1.service\n")
    cluster.settle()
    cluster.destroy("replace-kick0.service")
    cluster.settle()
    let victimHost = try #require(cluster.machine(of: "replace.0.service"))
    #expect(cluster.units(on: victimHost) == ["replace.0.service"])
    try cluster.start("replace-new.service", xfleet: "Replaces=replace.0.service\n")
    cluster.settle()
    #expect(cluster.machine(of: "replace-new.service") == victimHost)
    #expect(cluster.machine(of: "replace.0.service") != victimHost)
    #expect(cluster.jobs.values.filter { $0.targetMachineID != nil }.count == 4)
  }

  @Test func `31 units that replace each other come to rest`() throws {
    var cluster = ClusterScript("m1", "m2")
    try cluster.start("circ.0.service", xfleet: "Replaces=circ.1.service\n")
    cluster.settle()
    try cluster.start("circ.1.service", xfleet: "Replaces=circ.0.service\n")
    #expect(cluster.settle() == 1)
    #expect(cluster.machine(of: "circ.0.service") == "m1")
  }

  @Test func `32 MachineID pins, by whole and by short id`() throws {
    var cluster = ClusterScript("aaaaaaaa1111", "bbbbbbbb2222", "cccccccc3333")
    try cluster.start("a.service", xfleet: "MachineID=cccccccc3333\n")
    try cluster.start("b.service", xfleet: "MachineID=bbbbbbbb\n")
    try cluster.start("c.service", xfleet: "X-ConditionMachineID=cccccccc\n")
    cluster.settle()
    #expect(cluster.units(on: "cccccccc3333") == ["a.service", "c.service"])
    #expect(cluster.units(on: "bbbbbbbb2222") == ["b.service"])
  }

  @Test func `33 a global unit runs on each machine, also on one that joins later`() throws {
    var cluster = ClusterScript("m1", "m2", "m3")
    try cluster.start("g.service", xfleet: "Global=true\n")
    try cluster.start("a.service", "b.service")
    cluster.settle()
    cluster.machines["m4"] = Machine(id: "m4")
    #expect(cluster.settle() == 0)
    #expect(["m1", "m2", "m3", "m4"].flatMap(cluster.units).count == 6)
  }

  @Test func `34 of two global units that conflict only the first runs`() throws {
    var cluster = ClusterScript("m1", "m2", "m3")
    try cluster.start("conflict0.service", xfleet: "Global=true\nConflicts=conflict*.service\n")
    try cluster.start("conflict1.service", xfleet: "Global=true\nConflicts=conflict*.service\n")
    for id in ["m1", "m2", "m3"] { #expect(cluster.units(on: id) == ["conflict0.service"]) }
  }

  @Test func `35 specifiers in metadata choose the machine`() throws {
    var cluster = ClusterScript("m1", "m2", "m3")
    for id in ["m1", "m2", "m3"] { cluster.machines[id]?.metadata = ["hostname": "host-\(id)"] }
    for id in ["m1", "m2", "m3", "m9"] {
      try cluster.start("meta@host-\(id).service", xfleet: "MachineMetadata=hostname=%i\n")
    }
    cluster.settle()
    for id in ["m1", "m2", "m3"] { #expect(cluster.machine(of: "meta@host-\(id).service") == id) }
    let plan = ClusterReconciler.plan(for: cluster.snapshot)
    #expect(plan.unplaced == ["meta@host-m9.service"])
    #expect(Set(plan.refusals(of: "meta@host-m9.service").map(\.reason)) == ["local Machine metadata insufficient"])
  }

  @Test func `36 and 37 only the units of the machine that left move, and they do not come back`() throws {
    var cluster = ClusterScript("m1", "m2", "m3", "m4")
    for number in 0..<3 { try cluster.start("c.\(number).service", xfleet: "Conflicts=c.*.service\n") }
    cluster.settle()
    let before = cluster.jobs.mapValues(\.targetMachineID)
    let left = try #require(before["c.1.service"] ?? nil)
    cluster.machines[left] = nil
    cluster.settle()
    let after = cluster.jobs.mapValues(\.targetMachineID)
    #expect(after.filter { $0.value != before[$0.key] }.keys.sorted() == ["c.1.service"])
    #expect(after["c.1.service"] == "m4")
    cluster.machines[left] = Machine(id: left)
    #expect(cluster.settle() == 0)
  }

  @Test func `together and apart: instances with their hello-world, in either order`() throws {
    var cluster = ClusterScript("m1", "m2", "m3")
    for instance in 1...4 {
      try cluster.start("python-test@\(instance).service", xfleet: "MachineOf=hello-world@%i.service\n")
      try cluster.start("hello-world@\(instance).service")
    }
    cluster.settle()
    for instance in 1...4 {
      let host = cluster.machine(of: "hello-world@\(instance).service")
      #expect(host != nil && host == cluster.machine(of: "python-test@\(instance).service"))
    }
    cluster.destroy("hello-world@4.service")
    cluster.settle()
    #expect(cluster.machine(of: "python-test@4.service") == nil)
    #expect(cluster.machine(of: "python-test@3.service") != nil)
  }
}
