// SPDX-License-Identifier: Apache-2.0
import Testing
import Units

@testable import Fleet

/// Machines that give their units away, one after another.
@Suite struct DrainingTests {
  func drained(_ xfleet: [String: String], machines: String...) throws -> ClusterScript {
    var cluster = ClusterScript("m1")
    for (name, section) in xfleet.sorted(by: { $0.key < $1.key }) { try cluster.start(name, xfleet: section) }
    cluster.settle()
    for id in machines { cluster.machines[id] = Machine(id: id) }
    cluster.machines["m1"]?.isDraining = true
    return cluster
  }

  func tasks(_ cluster: ClusterScript, _ ids: [String] = ["m1"]) -> [ClusterTask] {
    var ledger = ClusterLedger(cluster.snapshot)
    return ledger.plan(draining: ids).tasks
  }

  @Test func `one unit moves at a time, by name`() throws {
    let cluster = try drained(["a.service": "", "b.service": ""], machines: "m2")
    #expect(
      tasks(cluster) == [.move(job: "a.service", from: "m1", to: "m2", reason: "machine is being drained")]
    )
    #expect(tasks(cluster, []).isEmpty, "not before the last one has gone")
  }

  @Test func `a machine that is being drained takes no units`() throws {
    var cluster = try drained(["a.service": ""])
    try cluster.start("b.service")
    #expect(tasks(cluster).isEmpty)
    #expect(
      ClusterReconciler.plan(for: cluster.snapshot).refusals(of: "b.service")
        == [Refusal(machineID: "m1", reason: "machine is being drained")]
    )
  }

  @Test func `a unit that nobody takes stays, and does not hold up the others`() throws {
    let cluster = try drained(["a.service": "MachineID=m1\n", "b.service": ""], machines: "m2")
    #expect(tasks(cluster).map(\.job) == ["b.service"])
  }

  @Test func `a oneshot that was started stays, as elsewhere it would do its work again`() throws {
    var cluster = try drained(["a.service": "", "b.service": ""], machines: "m2")
    cluster.jobs["a.service"]?.oneshot = .ends
    #expect(tasks(cluster).map(\.job) == ["b.service"])
    cluster.jobs["a.service"]?.oneshot = .remains
    #expect(tasks(cluster).map(\.job) == ["a.service"], "this one is active afterwards, and goes like any other")
    cluster.jobs["a.service"]?.oneshot = .ends
    cluster.jobs["a.service"]?.targetState = .loaded
    #expect(tasks(cluster).map(\.job) == ["a.service"], "nobody starts it there, but its timer goes with it")
  }

  @Test func `a global unit stays`() throws {
    let cluster = try drained(["a.service": "Global=true\n"], machines: "m2")
    #expect(tasks(cluster).isEmpty)
  }

  @Test func `units that must be together go together, and only where all can`() throws {
    var cluster = try drained(
      ["a.service": "MachineOf=b.service\nMachineMetadata=role=web\n", "b.service": ""],
      machines: "m2"
    )
    cluster.machines["m1"]?.metadata = ["role": "web"]
    cluster.settle()
    #expect(cluster.machine(of: "a.service") == nil, "it came while the machine was drained already")
    cluster.machines["m1"]?.isDraining = false
    cluster.settle()
    cluster.machines["m1"]?.isDraining = true
    #expect(cluster.machine(of: "a.service") == "m1")
    #expect(tasks(cluster).isEmpty)
    cluster.machines["m2"]?.metadata = ["role": "web"]
    #expect(tasks(cluster).map(\.job) == ["b.service"])
  }
}
