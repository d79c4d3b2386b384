// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import Fleet
import FleetWire
import Units

extension RegistryImage {
  /// What is seen of the units of a roll.
  ///
  /// - Parameters:
  ///   - roll: The roll.
  ///   - machineIDs: For a global unit, the machines that are to run it.
  /// - Returns: What is seen.
  func sight(of roll: Roll, machineIDs: [String]) -> RollSight {
    var units: [String: RollSight.Unit] = [:]
    for name in Set(roll.copies.map(\.unit)).union(newInstances(for: roll)) { units[name] = rollUnit(name) }
    return RollSight(index: index.rawValue, units: units, machineIDs: machineIDs)
  }

  /// A template's instances, and itself when it exists.
  func family(of template: String) -> [String] {
    let prefix = template.prefix { $0 != "@" } + "@"
    return jobs.filter { name, job in
      name.hasPrefix(prefix) && job.hash != nil && (try? UnitName(name))?.template == template
    }.keys.sorted()
  }

  /// Instances that a roll of their template is to take in: those of no other roll.
  private func newInstances(for roll: Roll) -> [String] {
    guard roll.hash != nil, !roll.isGlobal, (try? UnitName(roll.name))?.isTemplate ?? false else { return [] }
    return family(of: roll.name).filter { name in
      name != roll.name && jobs[name]?.isGlobal == false && rolls.openRoll(of: name, except: roll.name) == nil
    }
  }

  private func rollUnit(_ name: String) -> RollSight.Unit? {
    guard let job = jobs[name], let hash = job.hash else { return nil }
    var states: [String: RollSight.State] = [:]
    for (id, state) in unitStates[name] ?? [:] where machines[id] != nil {
      states[id] = RollSight.State(
        load: state.value.loadState,
        active: state.value.activeState,
        sub: state.value.subState,
        hash: state.value.hash,
        index: state.index.rawValue
      )
    }
    return RollSight.Unit(
      hash: hash,
      isLaunched: job.targetState?.value == .launched && !job.isTemplate,
      endsByItself: job.oneshot == .ends,
      machineID: job.isGlobal ? nil : job.target.flatMap { machines[$0.value] == nil ? nil : $0.value },
      states: states
    )
  }

  /// Rolls that nobody can ask anything of any more: none of their units exists.
  var forgottenRolls: [(name: String, index: EtcdIndex)] {
    rolls.rolls.filter { _, roll in
      roll.value.phase.isAtRest && roll.value.copies.allSatisfy { jobs[$0.unit]?.hash == nil }
    }.map { ($0.key, $0.value.index) }
  }

  /// What is seen of the units that are being moved.
  func movingUnits(_ move: UnitMove) -> [String: MovingUnit] {
    var units: [String: MovingUnit] = [:]
    for name in move.units {
      guard let job = jobs[name], job.hash != nil else { continue }
      let states = unitStates[name] ?? [:]
      units[name] = MovingUnit(
        target: job.target?.value,
        mayRunAtSource: states[move.from]?.value.mayRun ?? false,
        stateAtTarget: states[move.to]?.value.activeState
      )
    }
    return units
  }

  /// Whether something is to be looked at more often than it changes.
  var isWatchingTime: Bool { !rolls.goingOn.isEmpty || rebalancing?.value.isGoingOn ?? false }
}
