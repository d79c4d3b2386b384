// SPDX-License-Identifier: Apache-2.0
import TestKit
import Testing
import Units

@testable import Fleet

/// The ledger against the plain planner that looks at everything each time.
@Suite struct ClusterLedgerTests {
  /// Random changes of a small cluster, so that everything meets everything.
  struct History {
    var random: SeededGenerator
    var machines: [String: Machine] = [:]
    var jobs: [String: Job] = [:]
    var areAbsentMachinesLost = true
    var index: UInt64 = 0
    var ledger = ClusterLedger()

    init(seed: UInt64) {
      random = SeededGenerator(seed: seed)
      ledger.areAbsentMachinesLost = true
    }

    var snapshot: ClusterSnapshot {
      ClusterSnapshot(
        jobs: Array(jobs.values),
        machines: Array(machines.values),
        areAbsentMachinesLost: areAbsentMachinesLost
      )
    }

    static let sections = [
      "", "", "", "", "Weight=3\n", "Conflicts=%p@*.service\n", "Conflicts=b@1.service c@?.service\n",
      "Conflicts=a\\\\@2.service\n", "MachineOf=a@%i.service\n", "MachineOf=c@1.service\nMachineOf=b@2.service\n",
      "MachineMetadata=role=web\n", "MachineMetadata=role=web\nMachineMetadata=role=db\nMachineMetadata=zone=1\n",
      "MachineID=m2\n", "Replaces=b@*.service\n", "Replaces=%p@1.service\n", "Global=true\n",
      "Global=true\nConflicts=c@*.service\n", "Global=true\nMachineMetadata=zone=2\n",
    ]

    mutating func pick<Element>(_ elements: [Element]) -> Element {
      elements[Int.random(in: 0..<elements.count, using: &random)]
    }

    mutating func name() -> String { "\(pick(["a", "b", "c", "d"]))@\(pick([1, 2, 3])).service" }

    mutating func change() throws {
      index += 1
      switch Int.random(in: 0..<20, using: &random) {
      case 0...7:
        let name = name()
        let isFileKnown = Int.random(in: 0..<8, using: &random) > 0
        let file = try UnitFile(parsing: "[X-Fleet]\n" + (isFileKnown ? pick(Self.sections) : ""))
        let requirements = UnitRequirements(of: file, unitName: name)
        put(
          Job(
            name: name,
            requirements: requirements,
            targetState: pick([.launched, .launched, .loaded, .inactive]),
            targetMachineID: jobs[name]?.targetMachineID,
            placedAt: jobs[name]?.placedAt ?? index,
            isFileKnown: isFileKnown
          )
        )
      case 8, 9:
        let name = name()
        jobs[name] = nil
        ledger.removeJob(name)
      case 10, 11:
        guard let name = jobs.keys.sorted().randomElement(using: &random), var job = jobs[name] else { return }
        job.targetState = pick([.launched, .loaded, .inactive])
        put(job)
      case 12:
        // Somebody else places a unit, wherever it may be.
        guard let name = jobs.keys.sorted().randomElement(using: &random), var job = jobs[name] else { return }
        guard !job.requirements.isGlobal else { return }
        job.targetMachineID = pick(["m1", "m2", "m3", "m4", "m9", nil])
        job.placedAt = index
        put(job)
      case 13...17:
        let id = pick(["m1", "m2", "m3", "m4", "m5"])
        let metadata = pick([[:], ["role": "web"], ["role": "db", "zone": "1"], ["zone": "2"]])
        let machine = Machine(id: id, metadata: metadata, isDraining: pick([false, false, false, true]))
        machines[id] = machine
        ledger.set(machine)
      case 18:
        let id = pick(["m1", "m2", "m3", "m4", "m5"])
        machines[id] = nil
        ledger.removeMachine(id)
      default:
        areAbsentMachinesLost.toggle()
        ledger.areAbsentMachinesLost = areAbsentMachinesLost
      }
    }

    mutating func put(_ job: Job) {
      jobs[job.name] = job
      ledger.set(job)
    }

    /// Carries out some of the tasks, as if the others had failed.
    mutating func carryOut(_ tasks: [ClusterTask]) {
      for task in tasks where Int.random(in: 0..<5, using: &random) > 0 {
        guard var job = jobs[task.job] else { continue }
        index += 1
        switch task {
        case .schedule(_, let machine, _), .move(_, _, let machine, _):
          job.targetMachineID = machine
          job.placedAt = index
        case .unschedule:
          job.targetMachineID = nil
        }
        put(job)
      }
    }
  }

  @Test(arguments: Array(UInt64(0)..<100))
  func `after any history it decides as one who looks at everything`(seed: UInt64) throws {
    var history = History(seed: seed)
    for step in 0..<60 {
      for _ in 0..<Int.random(in: 0...3, using: &history.random) { try history.change() }
      let plain = PlainReconciler.plan(for: history.snapshot)
      let pass = history.ledger.plan()
      try #require(pass.tasks == plain.tasks, "step \(step)")
      try #require(history.ledger.unplaced == plain.unplaced, "step \(step)")
      for (id, occupancy) in plain.occupancies {
        try #require(history.ledger.occupancies[id]?.jobs.keys.sorted() == occupancy.jobs.keys.sorted())
        try #require(history.ledger.occupancies[id]?.load == occupancy.load)
      }
      history.carryOut(pass.tasks)
    }
  }

  @Test(arguments: Array(UInt64(300)..<310))
  func `a pass that may place a few at most places the others in the next`(seed: UInt64) throws {
    var history = History(seed: seed)
    for id in 1...4 {
      history.machines["m\(id)"] = Machine(id: "m\(id)")
      history.ledger.set(Machine(id: "m\(id)"))
    }
    for _ in 0..<40 { try history.change() }
    for _ in 0..<40 {
      let pass = history.ledger.plan(placingAtMost: 1)
      #expect(pass.tasks.count { if case .schedule = $0 { true } else { false } } <= 1)
      for task in pass.tasks {
        guard var job = history.jobs[task.job] else { continue }
        switch task {
        case .schedule(_, let machine, _), .move(_, _, let machine, _): job.targetMachineID = machine
        case .unschedule: job.targetMachineID = nil
        }
        history.put(job)
      }
    }
    let rest = ClusterReconciler.plan(for: history.snapshot)
    #expect(rest.tasks.allSatisfy { if case .schedule = $0 { false } else { true } })
  }

  @Test func `a unit that nobody takes is told of once`() throws {
    var ledger = ClusterLedger(
      ClusterSnapshot(jobs: [], machines: [Machine(id: "m1"), Machine(id: "m2")], areAbsentMachinesLost: true)
    )
    let file = try UnitFile(parsing: "[X-Fleet]\nMachineMetadata=role=web\n")
    let requirements = UnitRequirements(of: file, unitName: "a.service")
    ledger.set(Job(name: "a.service", requirements: requirements, targetState: .launched))
    #expect(ledger.plan().newlyUnplaced == ["a.service"])
    #expect(ledger.plan() == ClusterPass(tasks: [], newlyUnplaced: []))
    #expect(ledger.unplaced == ["a.service"])
    ledger.set(Machine(id: "m2", metadata: ["role": "web"]))
    #expect(ledger.plan().tasks.map(\.job) == ["a.service"])
    #expect(ledger.unplaced.isEmpty)
  }

  @Test func `of equally many units the lighter machine takes the next`() throws {
    var cluster = ClusterScript("m1", "m2", "m3")
    try cluster.start("a.service", xfleet: "Weight=5\n")
    try cluster.start("b.service", xfleet: "[Service]\nMemoryMax=1G\n")
    try cluster.start("c.service", xfleet: "[Service]\nMemoryMax=512M\nCPUQuota=50%\n")
    cluster.settle()
    try cluster.start("d.service", "e.service", "f.service")
    cluster.settle()
    #expect(cluster.machine(of: "a.service") == "m1")
    #expect(cluster.machine(of: "d.service") == cluster.machine(of: "c.service"))
    #expect(cluster.machine(of: "e.service") == cluster.machine(of: "b.service"))
    #expect(cluster.machine(of: "f.service") == cluster.machine(of: "a.service"))
  }
}
