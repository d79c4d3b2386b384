// SPDX-License-Identifier: Apache-2.0
import Testing
import Units

@testable import Fleet

@Suite struct AgentReconcilerTests {
  let old = UnitFile(options: [UnitOption(section: "Service", name: "ExecStart", value: "/bin/a")]).hash
  let new = UnitFile(options: [UnitOption(section: "Service", name: "ExecStart", value: "/bin/b")]).hash

  func names(_ tasks: [AgentTask]) -> [String] { tasks.map(\.unit) }

  func plan(
    _ desired: [(String, JobState)],
    _ current: [(String, Bool)],
    busy: Set<String> = []
  ) -> AgentPlan {
    AgentReconciler.plan(
      desired: desired.map { DesiredUnit(name: $0.0, hash: old, targetState: $0.1) },
      current: current.map { CurrentUnit(name: $0.0, hash: old, isStarted: $0.1) },
      busy: busy
    )
  }

  @Test func `nothing to do when all is as it should be`() {
    #expect(plan([("a", .launched), ("b", .loaded)], [("b", false), ("a", true)]).isEmpty)
  }

  @Test func `each difference has its task, by name`() {
    let plan = plan(
      [("new", .launched), ("idle", .loaded), ("start", .launched), ("stop", .loaded), ("another", .launched)],
      [("start", false), ("stop", true), ("gone", true), ("away", false)]
    )
    #expect(names(plan.unloads) == ["away", "gone"])
    #expect(names(plan.loads) == ["another", "idle", "new"])
    #expect(names(plan.stops) == ["stop"])
    #expect(names(plan.starts) == ["another", "new", "start"])
  }

  @Test func `a unit whose file changed is unloaded, and loaded once it is gone`() {
    let desired = [DesiredUnit(name: "a", hash: new, targetState: .launched)]
    let first = AgentReconciler.plan(
      desired: desired,
      current: [CurrentUnit(name: "a", hash: old, isStarted: true)],
      busy: []
    )
    #expect(first.unloads == [AgentTask(unit: "a", reason: "unit file changed")])
    #expect(first.loads.isEmpty && first.starts.isEmpty)
    let second = AgentReconciler.plan(
      desired: desired,
      current: [CurrentUnit(name: "a", hash: old, isStarted: true)],
      busy: ["a"]
    )
    #expect(second.isEmpty)
    let third = AgentReconciler.plan(desired: desired, current: [], busy: [])
    #expect(names(third.loads) == ["a"] && names(third.starts) == ["a"])
  }

  @Test func `a unit that another machine still runs is loaded, and started when that one has stopped it`() {
    var unit = DesiredUnit(name: "a", hash: old, targetState: .launched, runsOn: "m2")
    let first = AgentReconciler.plan(desired: [unit], current: [], busy: [])
    #expect(names(first.loads) == ["a"] && first.starts.isEmpty)
    #expect(first.waits == [AgentTask(unit: "a", reason: "Machine(m2) has not stopped the unit yet")])
    let loaded = CurrentUnit(name: "a", hash: old, isStarted: false)
    #expect(AgentReconciler.plan(desired: [unit], current: [loaded], busy: []).isEmpty)
    let started = CurrentUnit(name: "a", hash: old, isStarted: true)
    #expect(
      AgentReconciler.plan(desired: [unit], current: [started], busy: []).isEmpty,
      "what runs is not stopped for it"
    )
    unit.runsOn = nil
    #expect(names(AgentReconciler.plan(desired: [unit], current: [loaded], busy: []).starts) == ["a"])
  }

  @Test func `a unit whose file cannot be read is left as it is`() {
    let desired = [DesiredUnit(name: "a", hash: nil, targetState: .launched)]
    #expect(AgentReconciler.plan(desired: desired, current: [], busy: []).isEmpty)
    let current = [CurrentUnit(name: "a", hash: old, isStarted: true)]
    #expect(AgentReconciler.plan(desired: desired, current: current, busy: []).isEmpty)
  }

  @Test func `a busy unit is left alone`() {
    #expect(plan([], [("a", true)], busy: ["a"]).isEmpty)
  }
}
