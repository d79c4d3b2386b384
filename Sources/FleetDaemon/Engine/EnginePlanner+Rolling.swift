// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import Fleet

extension EnginePlanner {
  /// A step of a roll, to be carried out if the roll is still what it was.
  struct RollWrite: Sendable {
    var step: RollStep
    /// The index of the roll that was looked at.
    var index: EtcdIndex
    /// Whether the roll is not what it was.
    var isChanged: Bool
  }

  /// A step of a rebalancing, to be carried out if that is still what it was.
  struct RebalancingWrite: Sendable {
    var step: RebalancingStep
    /// The index of the rebalancing that was looked at; nil when there was none.
    var index: EtcdIndex?
    /// Whether the rebalancing is not what it was.
    var isChanged: Bool
  }

  /// Decides what comes next in rolls.
  ///
  /// - Parameters:
  ///   - image: The registry.
  ///   - isSettled: Whether a machine that is not present is lost; when that is unknown, nothing is decided.
  ///   - now: A clock that never goes back.
  /// - Returns: What is to be written.
  mutating func rollSteps(in image: RegistryImage, isSettled: Bool, at now: Duration) -> [RollWrite] {
    guard isSettled else { return [] }
    rollPlanner.keep(only: image.rolls.awake)
    var writes: [RollWrite] = []
    for name in image.rolls.awake.sorted() {
      guard let roll = image.rolls.rolls[name] else { continue }
      let machineIDs = roll.value.isGlobal ? ledger.machines(of: name) : []
      let step = rollPlanner.step(roll.value, image.sight(of: roll.value, machineIDs: machineIDs), at: now)
      let isChanged = step.roll != roll.value
      guard isChanged || !step.files.isEmpty else { continue }
      writes.append(RollWrite(step: step, index: roll.index, isChanged: isChanged))
    }
    return writes
  }

  /// Decides what comes next in a rebalancing, or whether one begins by itself.
  ///
  /// - Parameters:
  ///   - image: The registry.
  ///   - isQuiet: Whether the pass before had nothing to do, and knows which machines are lost.
  ///   - now: A clock that never goes back.
  ///   - wait: How long a machine that has come is to have been there before units go to it unasked.
  /// - Returns: What is to be done; nil for nothing.
  mutating func rebalance(
    in image: RegistryImage,
    isQuiet: Bool,
    at now: Duration,
    after wait: Duration
  ) -> RebalancingWrite? {
    let isDue = isAutomaticRebalancingDue(in: image, at: now, after: wait)
    // What a roll does to a copy and what a move does to a unit would be taken for each other.
    guard isQuiet, image.rolls.goingOn.isEmpty else { return nil }
    let kept = image.rebalancing
    let current: Rebalancing
    if let kept, kept.value.isGoingOn {
      current = kept.value
    } else {
      guard isDue else { return nil }
      cameAt = nil
      guard ledger.rebalancingMove() != nil else { return nil }
      current = Rebalancing()
    }
    let units = current.current.map { image.movingUnits($0) } ?? [:]
    guard let step = rebalancer.step(current, units, present: Set(image.machines.keys), ledger, at: now) else {
      return nil
    }
    return RebalancingWrite(step: step, index: kept?.index, isChanged: step.rebalancing != kept?.value)
  }

  /// Whether machines are to be evened out unasked: a machine has come, and has been there for a while.
  private mutating func isAutomaticRebalancingDue(
    in image: RegistryImage,
    at now: Duration,
    after wait: Duration
  ) -> Bool {
    if machineCame { cameAt = now }
    machineCame = false
    // Who came before it was wanted does not count.
    if !image.rebalancesAutomatically { cameAt = nil }
    return cameAt.map { now - $0 >= wait } ?? false
  }
}
