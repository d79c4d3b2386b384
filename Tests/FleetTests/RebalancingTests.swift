// SPDX-License-Identifier: Apache-2.0
import Testing
import Units

@testable import Fleet

/// Moves that even machines out: which are made, in which order, and when no more.
@Suite struct RebalancingTests {
  /// A cluster that placed its units while the other machines were away.
  func cluster(_ xfleet: [String: String], then machines: String...) throws -> ClusterScript {
    var cluster = ClusterScript("m1")
    for (name, section) in xfleet.sorted(by: { $0.key < $1.key }) { try cluster.start(name, xfleet: section) }
    cluster.settle()
    for id in machines { cluster.machines[id] = Machine(id: id) }
    cluster.settle()
    return cluster
  }

  func plain(_ count: Int) -> [String: String] {
    Dictionary(uniqueKeysWithValues: (1...count).map { ("u\($0).service", "") })
  }

  func plan(_ cluster: ClusterScript) -> [String] {
    ClusterReconciler.rebalancingPlan(for: cluster.snapshot).map {
      "\($0.units.joined(separator: "+")) \($0.from)>\($0.to)"
    }
  }

  /// The cluster after the moves were made, each when nothing else was to be done.
  func carriedOut(_ cluster: ClusterScript) -> ClusterScript {
    var cluster = cluster
    while let move = ClusterReconciler.rebalancingPlan(for: cluster.snapshot).first {
      for unit in move.units { cluster.jobs[unit]?.targetMachineID = move.to }
      // What had no place may find one now, but nothing moves.
      while true {
        let tasks = cluster.pass()
        if tasks.isEmpty { break }
        #expect(tasks.allSatisfy { if case .schedule = $0 { true } else { false } }, "\(tasks)")
      }
    }
    return cluster
  }

  @Test func `a machine that came takes its share, with as few moves as it needs`() throws {
    let cluster = try cluster(plain(6), then: "m2")
    #expect(plan(cluster) == ["u1.service m1>m2", "u2.service m1>m2", "u3.service m1>m2"])
  }

  @Test func `what is even stays, and a second time nothing moves`() throws {
    let cluster = try cluster(plain(7), then: "m2", "m3")
    #expect(plan(cluster).count == 4)
    var after = carriedOut(cluster)
    #expect(plan(after) == [])
    #expect(after.pass() == [], "the engine leaves it so")
  }

  @Test func `one unit more is not worth a move`() throws {
    #expect(plan(try cluster(plain(1), then: "m2")) == [])
  }

  @Test func `units that a machine does not take, or that are pinned or global, stay`() throws {
    var cluster = try cluster(
      [
        "a.service": "MachineID=m1\n", "b.service": "Global=true\n", "c.service": "MachineMetadata=disk=ssd\n",
        "d.service": "Conflicts=e.service\n", "f.service": "",
      ],
      then: "m2"
    )
    #expect(cluster.machine(of: "c.service") == nil)
    cluster.machines["m1"]?.metadata = ["disk": "ssd"]
    cluster.machines["m2"]?.metadata = ["disk": "hdd"]
    cluster.settle()
    try cluster.set("e.service", xfleet: "MachineID=m2\n", .launched)
    cluster.settle()
    // m1 has a, b, c, d and f; m2 has b and e, so d cannot go there and f can.
    #expect(plan(cluster) == ["f.service m1>m2"])
  }

  @Test func `units that must be together go together, and only if that helps`() throws {
    let group = ["a.service": "MachineOf=z.service\n", "b.service": "MachineOf=z.service\n", "z.service": ""]
    #expect(plan(try cluster(group, then: "m2")) == [], "three units against none are better nowhere else")
    let five = group.merging(["u.service": "", "v.service": ""]) { first, _ in first }
    #expect(plan(try cluster(five, then: "m2")) == ["z.service+a.service+b.service m1>m2"])
  }

  @Test func `a unit with two companions takes both along`() throws {
    let xfleet = ["f.service": "MachineOf=x.service\nMachineOf=y.service\n", "x.service": "", "y.service": ""]
    let cluster = try cluster(xfleet.merging(plain(3)) { first, _ in first }, then: "m2")
    #expect(plan(cluster) == ["x.service+y.service+f.service m1>m2"])
  }

  @Test func `with equally many units what they reserve decides`() throws {
    let cluster = try cluster(
      ["a.service": "Weight=1\n", "b.service": "Weight=2\n", "c.service": "Weight=10\n"],
      then: "m2"
    )
    // One against two units either way, so the heaviest goes.
    #expect(plan(cluster) == ["c.service m1>m2"])
    #expect(plan(carriedOut(cluster)) == [])
  }

  @Test func `a machine that is being drained neither gives nor takes`() throws {
    var cluster = try cluster(plain(4), then: "m2", "m3")
    cluster.machines["m2"]?.isDraining = true
    #expect(plan(cluster) == ["u1.service m1>m3", "u2.service m1>m3"])
    cluster.machines["m1"]?.isDraining = true
    #expect(plan(cluster) == [])
  }

  @Test func `a oneshot stays where it is, or its work would be done twice`() throws {
    var cluster = try cluster(plain(3), then: "m2")
    cluster.jobs["u1.service"]?.oneshot = .ends
    cluster.jobs["u2.service"]?.oneshot = .remains
    #expect(plan(cluster) == ["u3.service m1>m2"])
    try cluster.start("v.service", xfleet: "MachineOf=u1.service\n")
    cluster.jobs["u3.service"] = nil
    cluster.settle()
    #expect(plan(cluster) == [], "nor does what must be with it go")
  }

  @Test func `whatever the cluster, it ends and stays as it is`() throws {
    for seed in 1...40 {
      var random = Sequence(seed: UInt64(seed))
      var cluster = ClusterScript("m1", "m2")
      for number in 0..<random.next(40) + 1 {
        let section = ["", "", "Weight=\(random.next(5))\n", "Conflicts=u\(random.next(40)).service\n"]
        let peer = number > 0 && random.next(5) == 0 ? "MachineOf=u\(random.next(number)).service\n" : ""
        try cluster.start("u\(number).service", xfleet: section[random.next(4)] + peer)
      }
      cluster.settle()
      for id in 3...(3 + random.next(4)) { cluster.machines["m\(id)"] = Machine(id: "m\(id)") }
      cluster.settle()
      var after = carriedOut(cluster)
      #expect(after.pass() == [], "seed \(seed): the engine moves nothing back")
      #expect(plan(after) == [], "seed \(seed)")
    }
  }

  /// Numbers that look drawn.
  private struct Sequence {
    var seed: UInt64

    mutating func next(_ bound: Int) -> Int {
      seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(seed >> 33) % bound
    }
  }
}

/// Moves one after another, each until it is made.
@Suite struct RebalancerTests {
  let move = UnitMove(units: ["a.service"], from: "m1", to: "m2")
  var running: Rebalancing { Rebalancing(current: move) }

  /// Two machines, and units on one of them.
  func ledger(_ units: [String: String] = ["a.service": "m1"], xfleet: String = "", draining: String? = nil) throws
    -> ClusterLedger
  {
    var cluster = ClusterScript("m1", "m2")
    for (name, id) in units.sorted(by: { $0.key < $1.key }) {
      try cluster.start(name, xfleet: name == "f.service" ? xfleet : "")
      cluster.jobs[name]?.targetMachineID = id
    }
    if let draining { cluster.machines[draining]?.isDraining = true }
    var ledger = ClusterLedger(cluster.snapshot)
    _ = ledger.plan()
    return ledger
  }

  func step(
    _ unit: MovingUnit?,
    _ ledger: ClusterLedger,
    at now: Duration = .zero,
    _ rebalancer: inout Rebalancer,
    _ rebalancing: Rebalancing? = nil
  ) -> RebalancingStep? {
    let units = unit.map { ["a.service": $0] } ?? [:]
    return rebalancer.step(rebalancing ?? running, units, present: ["m1", "m2"], ledger, at: now)
  }

  let unbegun = MovingUnit(target: "m1", mayRunAtSource: true, stateAtTarget: nil)

  @Test func `a move that was stored and not carried out is decided anew`() throws {
    var rebalancer = Rebalancer()
    let uneven = try ledger(["a.service": "m1", "b.service": "m1"])
    #expect(step(unbegun, uneven, &rebalancer) == RebalancingStep(rebalancing: running, tasks: move.tasks))
    let late = step(unbegun, uneven, at: .seconds(400), &rebalancer)
    #expect(late?.tasks == move.tasks)
    let starting = MovingUnit(target: "m2", mayRunAtSource: true, stateAtTarget: "activating")
    #expect(step(starting, uneven, at: .seconds(401), &rebalancer) == nil, "its time begins when it is carried out")
  }

  @Test func `a unit that a drain brought back stays there`() throws {
    var rebalancer = Rebalancer()
    let draining = try ledger(["a.service": "m1", "b.service": "m1"], draining: "m2")
    #expect(step(unbegun, draining, &rebalancer) == RebalancingStep(rebalancing: Rebalancing(phase: .done), tasks: []))
  }

  @Test func `a group of which one is there and another is not is brought together`() throws {
    let group = UnitMove(units: ["x.service", "y.service", "f.service"], from: "m1", to: "m2")
    let torn = ["x.service": "m2", "y.service": "m1"]
    let units = torn.mapValues { MovingUnit(target: $0, mayRunAtSource: true, stateAtTarget: nil) }
    let cases: [(draining: String?, tasks: [ClusterTask])] = [(nil, [group.tasks[1]]), ("m2", [])]
    for (draining, tasks) in cases {
      var rebalancer = Rebalancer()
      let ledger = try ledger(torn, draining: draining)
      let step = rebalancer.step(Rebalancing(current: group), units, present: ["m1", "m2"], ledger, at: .zero)
      #expect(step?.tasks == tasks)
      #expect(step?.rebalancing.current == (tasks.isEmpty ? nil : group))
    }
  }

  @Test func `the next one waits until the unit is gone from the old machine`() throws {
    var rebalancer = Rebalancer()
    let ledger = try ledger(["a.service": "m2"])
    let starting = MovingUnit(target: "m2", mayRunAtSource: true, stateAtTarget: "activating")
    #expect(step(starting, ledger, &rebalancer) == nil)
    let active = MovingUnit(target: "m2", mayRunAtSource: true, stateAtTarget: "active")
    #expect(step(active, ledger, &rebalancer) == nil)
    let gone = MovingUnit(target: "m2", mayRunAtSource: false, stateAtTarget: "active")
    let done = Rebalancing(phase: .done, moves: [move], moveCount: 1)
    #expect(step(gone, ledger, &rebalancer) == RebalancingStep(rebalancing: done, tasks: []))
  }

  @Test func `a unit that fails on its new machine goes back, and ends it`() throws {
    var rebalancer = Rebalancer()
    let ledger = try ledger(["a.service": "m2"])
    let failed = MovingUnit(target: "m2", mayRunAtSource: true, stateAtTarget: "failed")
    var stopped = Rebalancing(phase: .stopped, current: move, reason: "a.service failed on Machine(m2)")
    // It is being given away until it is back, or it would be stopped where it ran.
    #expect(step(failed, ledger, &rebalancer) == RebalancingStep(rebalancing: stopped, tasks: move.reversal))
    var successor = Rebalancer()
    #expect(step(failed, ledger, &successor, stopped)?.tasks == move.reversal, "also when the engine died meanwhile")
    let back = step(unbegun, try self.ledger(), &successor, stopped)
    stopped.current = nil
    #expect(back == RebalancingStep(rebalancing: stopped, tasks: []))
    #expect(step(nil, ledger, &successor, stopped) == nil)
  }

  @Test func `a unit does not go back to a machine that does not take it any more`() throws {
    var rebalancer = Rebalancer()
    let ledger = try ledger(["a.service": "m2"], draining: "m1")
    let failed = MovingUnit(target: "m2", mayRunAtSource: true, stateAtTarget: "failed")
    let stopped = Rebalancing(phase: .stopped, reason: "a.service failed on Machine(m2)")
    #expect(step(failed, ledger, &rebalancer) == RebalancingStep(rebalancing: stopped, tasks: []))
  }

  @Test func `a unit that does not get there in time goes back`() throws {
    var rebalancer = Rebalancer()
    let ledger = try ledger(["a.service": "m2"])
    let starting = MovingUnit(target: "m2", mayRunAtSource: true, stateAtTarget: "activating")
    #expect(step(starting, ledger, at: .seconds(1), &rebalancer) == nil)
    #expect(step(starting, ledger, at: .seconds(300), &rebalancer) == nil)
    #expect(step(starting, ledger, at: .seconds(301), &rebalancer)?.tasks == move.reversal)
  }

  @Test func `a unit that is gone, or went elsewhere, holds nothing up`() throws {
    var rebalancer = Rebalancer()
    let ledger = try ledger([:])
    #expect(step(nil, ledger, &rebalancer)?.rebalancing.phase == .done)
    let elsewhere = MovingUnit(target: "m3", mayRunAtSource: false, stateAtTarget: nil)
    #expect(step(elsewhere, ledger, &rebalancer)?.rebalancing.phase == .done)
  }
}
