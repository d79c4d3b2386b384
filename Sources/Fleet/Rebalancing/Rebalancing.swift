// SPDX-License-Identifier: Apache-2.0

/// Units that go from one machine to another together.
public struct UnitMove: Sendable, Equatable {
  /// The unit that leads, then those that must be with it, by name.
  public var units: [String]
  /// The machine they leave.
  public var from: String
  /// The machine they go to.
  public var to: String

  /// Makes a move.
  public init(units: [String], from: String, to: String) {
    self.units = units
    self.from = from
    self.to = to
  }

  /// The tasks that carry it out.
  public var tasks: [ClusterTask] {
    units.map { .move(job: $0, from: from, to: to, reason: "machine is more loaded than Machine(\(to))") }
  }

  /// The tasks that take it back.
  public var reversal: [ClusterTask] {
    units.map { .move(job: $0, from: to, to: from, reason: "unit does not run on Machine(\(to))") }
  }
}

/// The evening out of the machines' loads that was asked for, and how far it is; kept in the store.
public struct Rebalancing: Sendable, Equatable {
  /// Where it stands.
  public enum Phase: String, Sendable, CaseIterable {
    /// Moves are made one after another. Can transition to: done, stopped.
    case running
    /// No move helps any more.
    case done
    /// A unit did not run where it was moved to, and goes back.
    case stopped
  }

  /// Where it stands.
  public var phase: Phase
  /// The move under way, or being taken back when it has stopped; nil between two.
  public var current: UnitMove?
  /// The last moves that were made, oldest first; at most ``maximumKept``.
  public var moves: [UnitMove]
  /// How many were made.
  public var moveCount: Int
  /// Why it stopped.
  public var reason: String?

  /// How many moves are remembered.
  public static let maximumKept = 200

  /// Makes one that begins.
  public init(
    phase: Phase = .running,
    current: UnitMove? = nil,
    moves: [UnitMove] = [],
    moveCount: Int = 0,
    reason: String? = nil
  ) {
    self.phase = phase
    self.current = current
    self.moves = moves
    self.moveCount = moveCount
    self.reason = reason
  }

  /// Whether something is still to be done.
  public var isGoingOn: Bool { phase == .running || current != nil }

  /// Whether a machine is giving a unit away, and goes on running it until it runs where it is placed.
  public func isGiven(_ unit: String, from machineID: String, to target: String?) -> Bool {
    guard let current else { return false }
    return current.from == machineID && current.to == target && current.units.contains(unit)
  }
}

/// What is seen of a unit that is being moved.
public struct MovingUnit: Sendable, Equatable {
  /// Where it is placed; nil when it is gone or placed nowhere.
  public var target: String?
  /// Whether processes of it may be on the machine that it leaves.
  public var mayRunAtSource: Bool
  /// What the machine that it goes to says: systemd's active state; nil for nothing.
  public var stateAtTarget: String?

  /// Makes a unit.
  public init(target: String?, mayRunAtSource: Bool, stateAtTarget: String?) {
    self.target = target
    self.mayRunAtSource = mayRunAtSource
    self.stateAtTarget = stateAtTarget
  }
}

/// What comes next in a rebalancing.
public struct RebalancingStep: Sendable, Equatable {
  /// The rebalancing afterwards, to be stored first: a move is known before it is begun, and until it is taken back.
  public var rebalancing: Rebalancing
  /// What is to be carried out then.
  public var tasks: [ClusterTask]
}

/// Makes the moves of a rebalancing one after another, each only when the last has been made.
public struct Rebalancer: Sendable {
  /// How long a unit that was moved may take to run before it goes back.
  public static let patience = Duration.seconds(300)

  private var begun: (move: UnitMove, moment: Duration)?

  /// Makes one that has seen nothing.
  public init() {}

  /// Looks at a rebalancing.
  ///
  /// - Parameters:
  ///   - rebalancing: The rebalancing as the store has it.
  ///   - units: What is seen of the units of its current move, by name.
  ///   - present: The machines that are present.
  ///   - ledger: The cluster, in which nothing else is to be done.
  ///   - now: A clock that never goes back.
  /// - Returns: What is to be done; nil when there is nothing yet.
  public mutating func step(
    _ rebalancing: Rebalancing,
    _ units: [String: MovingUnit],
    present: Set<String>,
    _ ledger: ClusterLedger,
    at now: Duration
  ) -> RebalancingStep? {
    var next = rebalancing
    guard let current = rebalancing.current else {
      return rebalancing.phase == .running ? begin(&next, ledger) : nil
    }
    if begun?.move != current { begun = (current, now) }
    let sight = MoveSight(current, units, present: present, ledger)
    guard rebalancing.phase == .running else {
      let tasks = sight.reversal
      if tasks.isEmpty { next.current = nil }
      return RebalancingStep(rebalancing: next, tasks: tasks)
    }
    switch sight.outcome(isLate: now - (begun?.moment ?? now) >= Self.patience) {
    case .pending: return nil
    case .torn(let tasks): return RebalancingStep(rebalancing: rebalancing, tasks: tasks)
    case .failed(let reason):
      next.phase = .stopped
      next.reason = reason
      let tasks = sight.reversal
      if tasks.isEmpty { next.current = nil }
      return RebalancingStep(rebalancing: next, tasks: tasks)
    case .unbegun: return begin(&next, ledger)
    case .made:
      next.moveCount += 1
      next.moves = (next.moves + [current]).suffix(Rebalancing.maximumKept)
      return begin(&next, ledger)
    }
  }

  /// Decides on the next move, if one helps.
  private mutating func begin(_ next: inout Rebalancing, _ ledger: ClusterLedger) -> RebalancingStep {
    begun = nil
    next.current = ledger.rebalancingMove()
    if next.current == nil { next.phase = .done }
    return RebalancingStep(rebalancing: next, tasks: next.current?.tasks ?? [])
  }
}

/// A move under way, and what is seen of it.
private struct MoveSight {
  enum Outcome {
    /// It may still get there.
    case pending
    /// It was never carried out, or somebody else took it back.
    case unbegun
    /// Some of its units were moved and others not; what brings them together.
    case torn([ClusterTask])
    /// Its units run where they should, or it concerns nobody any more.
    case made
    /// It will not get there; why.
    case failed(String)
  }

  private let move: UnitMove
  private let units: [String: MovingUnit]
  private let isPresent: Bool
  private let ledger: ClusterLedger

  init(_ move: UnitMove, _ units: [String: MovingUnit], present: Set<String>, _ ledger: ClusterLedger) {
    (self.move, self.units, self.ledger) = (move, units, ledger)
    isPresent = present.contains(move.from) && present.contains(move.to)
  }

  func outcome(isLate: Bool) -> Outcome {
    // A machine that is lost has no part in it any more: the engine places its units anew.
    guard isPresent else { return .made }
    let (left, gone) = (placed(on: move.from), placed(on: move.to))
    guard left.isEmpty else {
      // Units that others must be with would keep those down if they were left apart.
      let canFollow = !gone.isEmpty && ledger.takes(left, on: move.to)
      return canFollow ? .torn(move.tasks.filter { left.contains($0.job) }) : .unbegun
    }
    var isPending = false
    for name in gone {
      guard let unit = units[name] else { continue }
      if unit.mayRunAtSource, unit.stateAtTarget == "failed" { return .failed("\(name) failed on Machine(\(move.to))") }
      if unit.mayRunAtSource || unit.stateAtTarget == nil { isPending = true }
    }
    if isPending, isLate { return .failed("\(move.units[0]) does not run on Machine(\(move.to))") }
    return isPending ? .pending : .made
  }

  /// What takes it back; nothing when that is done, or when the units have no place any more where they came from.
  var reversal: [ClusterTask] {
    let gone = placed(on: move.to)
    guard isPresent, ledger.takes(gone, on: move.from) else { return [] }
    return move.reversal.filter { gone.contains($0.job) }
  }

  private func placed(on id: String) -> [String] { move.units.filter { units[$0]?.target == id } }
}
