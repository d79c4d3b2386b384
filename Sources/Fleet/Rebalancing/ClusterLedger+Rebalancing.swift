// SPDX-License-Identifier: Apache-2.0
import Units

/// Moves that make machines carry more alike than they do.
extension ClusterLedger {
  /// The most moves that are looked for at once.
  public static let maximumPlannedMoves = 10_000

  /// All moves that a rebalancing would make once everything else is done, as far as can be foreseen.
  public func rebalancingPlan() -> [UnitMove] {
    var ledger = self
    var moves: [UnitMove] = []
    ledger.carryOutEverything()
    while moves.count < Self.maximumPlannedMoves, let move = ledger.rebalancingMove() {
      moves.append(move)
      for task in move.tasks { ledger.carryOut(task) }
      ledger.carryOutEverything()
    }
    return moves
  }

  /// Plans and does until nothing is to be done; a few rounds are enough, as nothing flaps.
  private mutating func carryOutEverything() {
    for _ in 0..<10 {
      let tasks = plan().tasks
      if tasks.isEmpty { return }
      for task in tasks { carryOut(task) }
    }
  }

  private mutating func carryOut(_ task: ClusterTask) {
    guard var job = jobs[task.job] else { return }
    switch task {
    case .schedule(_, let to, _), .move(_, _, let to, _): job.targetMachineID = to
    case .unschedule: job.targetMachineID = nil
    }
    set(job)
  }

  /// The next move that helps: from the most loaded machine that has one, to the least loaded that takes it.
  ///
  /// A move helps when it evens out the number of units, or if it leaves that as it is, their weights, else their memory,
  /// else their processor time: each by what is left of the sum of squares. So every move makes the whole more even, and
  /// when none helps any more it stays so. Units that must be together go together; global units, those whose file
  /// cannot be read, and oneshots, which elsewhere would do their work again, stay.
  ///
  /// Invariant: nothing is moved that ``plan(placingAtMost:draining:)`` would move back.
  public func rebalancingMove() -> UnitMove? {
    var seen: Set<String> = []
    for source in order.mostLoadedFirst {
      guard let occupancy = occupancies[source], unsettled[source] == nil, !occupancy.machine.isDraining else {
        continue
      }
      var best: (gain: MoveGain, move: UnitMove)?
      for name in occupancy.jobs.keys.sorted() where !seen.contains(name) {
        guard let group = group(of: name, on: source) else { continue }
        seen.formUnion(group)
        guard let target = leastLoaded(taking: group, from: source),
          let gain = MoveGain(from: occupancy.load, to: occupancies[target]?.load ?? MachineLoad(), of: load(of: group))
        else { continue }
        if best.map({ $0.gain < gain }) ?? true { best = (gain, UnitMove(units: group, from: source, to: target)) }
      }
      if let best { return best.move }
    }
    return nil
  }

  /// The units that must be on one machine with a unit, itself first if it leads; nil when they are to stay.
  private func group(of name: String, on source: String) -> [String]? {
    var group: Set<String> = []
    var pending = [name]
    while let next = pending.popLast() {
      guard group.insert(next).inserted else { continue }
      guard let job = jobs[next], job.targetMachineID == source, job.isFileKnown, job.isWanted,
        job.oneshot == nil,
        occupancies[source]?.jobs[next] != nil, unable[next] == nil, put[next] == nil
      else { return nil }
      // A global peer is everywhere that it can be; whether it is there is looked at below.
      pending += job.requirements.peers.filter { !(jobs[$0]?.requirements.isGlobal ?? false) }
      pending += (followers[next] ?? []).filter { occupancies[source]?.jobs[$0] != nil }
    }
    let leaders = group.filter { jobs[$0]?.requirements.peers.allSatisfy { !group.contains($0) } ?? false }.sorted()
    return leaders + group.subtracting(leaders).sorted()
  }

  private func load(of group: [String]) -> MachineLoad {
    var load = MachineLoad()
    for name in group { if let job = jobs[name] { load.add(job.requirements.reservation) } }
    return load
  }

  /// Whether a machine would take units that come to it together, and keep those that it has.
  func takes(_ group: [String], on id: String) -> Bool { taker(of: group)(id) }

  private func leastLoaded(taking group: [String], from source: String) -> String? {
    let takes = taker(of: group)
    return order.first { $0 != source && takes($0) }
  }

  /// What tells which machines would take units together: what all of them are asked is found out once.
  private func taker(of group: [String]) -> (String) -> Bool {
    let members = group.compactMap { jobs[$0] }
    let barriers = members.map { conflicts.barriers(to: $0) }
    let names = Set(group)
    return { candidate in
      guard unsettled[candidate] == nil, let occupancy = occupancies[candidate] else { return false }
      return zip(members, barriers).allSatisfy { job, barrier in
        !barrier.keepAway(from: candidate) && occupancy.accepts(job, in: names)
          && occupancy.replacedJobs(by: job).isEmpty
      }
    }
  }
}

/// By how much a move makes two machines more alike; greater is better.
private struct MoveGain: Comparable {
  private var values: [Double]

  /// Nil when the move does not help.
  init?(from source: MachineLoad, to target: MachineLoad, of moved: MachineLoad) {
    values = zip(zip(source.values, target.values), moved.values).map { loads, moved in
      // What x leaves of the squares of a and b: (a-x)² + (b+x)² = a² + b² - 2x(a-b-x).
      moved * (loads.0 - loads.1 - moved)
    }
    guard let decisive = values.first(where: { $0 != 0 }), decisive > 0 else { return nil }
  }

  static func < (left: MoveGain, right: MoveGain) -> Bool { left.values.lexicographicallyPrecedes(right.values) }
}

extension MachineLoad {
  /// What is compared, in the order in which it counts.
  fileprivate var values: [Double] { [Double(units), Double(weight), Double(memoryBytes), Double(cpuPercent)] }
}

extension MachineOccupancy {
  /// Whether a unit may come here together with others.
  fileprivate func accepts(_ job: Job, in group: Set<String>) -> Bool {
    var job = job
    job.requirements.peers.removeAll { group.contains($0) }
    return accepts(job)
  }
}
