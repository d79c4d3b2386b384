// SPDX-License-Identifier: Apache-2.0
import Units

/// `Condition…=` and `Assert…=`: looked at whenever a unit is about to be started.
extension SupervisionLoop {
  /// Whether a unit may be started; where it may not, its job is over.
  func holdConditions(of unit: SupervisedUnit) -> Bool {
    guard let unmet = unmetCondition(of: unit) else { return true }
    passOver(unit, unmet)
    inputs.append(.jobs(unmet.isAssertion ? jobs.startFailed(unit.name) : jobs.skipped(unit.name)))
    tellTriggers(of: unit)
    return false
  }

  /// A unit's moment has come; one that is to be started again by itself has to meet its conditions as any other.
  func timerFired(_ name: UnitName) {
    if let unit = units[name], unit.activity.sub == .autoRestart, let unmet = unmetCondition(of: unit) {
      passOver(unit, unmet)
      step(name) { $0.stop(at: $1) }
    } else {
      stepEither(name, { $0.timerFired(at: $1) }, { $0.timerFired(at: $1) })
    }
  }

  private func unmetCondition(of unit: SupervisedUnit) -> UnitCondition? {
    let conditions = unit.definition.conditions
    guard !conditions.isEmpty else { return nil }
    return UnitCondition.unmet(conditions.filter { !$0.isAssertion }, conditionFacts)
      ?? UnitCondition.unmet(conditions.filter(\.isAssertion), conditionFacts)
  }

  private func passOver(_ unit: SupervisedUnit, _ unmet: UnitCondition) {
    let title = unit.definition.description
    let text =
      unmet.isAssertion
      ? "Starting \(title) failed because of an unmet assertion (\(unmet))."
      : "\(title) was skipped because of an unmet condition check (\(unmet))."
    change(unit.name) { $0.record.problem = text }
    say(text, unit.name)
  }
}
