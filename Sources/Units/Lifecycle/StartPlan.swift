// SPDX-License-Identifier: Apache-2.0

/// What is started with a unit, and what is stopped for it.
///
/// Source: systemd v252 `transaction_add_job_and_dependencies`.
struct StartPlan {
  /// The unit, what it requires and wants, and so on; wanted units that cannot start are left out.
  private(set) var starts: [UnitName] = []
  /// Units that conflict with one of those.
  private(set) var stops: [UnitName] = []
  private let jobs: UnitJobs
  private var seen: Set<UnitName> = []
  /// Units that the start cannot do without.
  private var needed: Set<UnitName> = []

  /// Makes the plan of a start.
  ///
  /// - Throws: ``UnitJobs/Refusal`` when the unit cannot start.
  init(_ name: UnitName, _ jobs: UnitJobs) throws(UnitJobs.Refusal) {
    self.jobs = jobs
    guard let member = jobs.members[name], !member.isLeaving else { throw .notLoaded(name) }
    try collect(name, isNeeded: true)
    try dropConflicting()
    stops = conflicting()
  }

  private mutating func collect(_ name: UnitName, isNeeded: Bool) throws(UnitJobs.Refusal) {
    // What was only wanted so far may turn out to be needed.
    let isNewlyNeeded = isNeeded && needed.insert(name).inserted
    let isNew = seen.insert(name).inserted
    guard isNew || isNewlyNeeded else { return }
    let relations = jobs.relations
    if jobs.members[name]?.activity.active.isUp != true {
      for text in relations.related(.requisite, of: name) { try verify(text, requisiteOf: name) }
    }
    for relation in [UnitRelation.requires, .bindsTo] {
      for text in relations.related(relation, of: name) where relations.unit(text) != name {
        guard let required = relations.unit(text), jobs.members[required]?.isLeaving == false else {
          if jobs.presentUnits.contains(text) { continue }
          throw .missing(text, requiredBy: name)
        }
        try collect(required, isNeeded: isNeeded)
      }
    }
    for wanted in relations.units(.wants, of: name) + relations.units(.upholds, of: name) {
      guard jobs.members[wanted]?.isLeaving == false else { continue }
      var trial = self
      do {
        try trial.collect(wanted, isNeeded: false)
        self = trial
      } catch {
        continue
      }
    }
    if isNew { starts.append(name) }
  }

  /// What has to be active is, or it will be before the unit's turn comes.
  private func verify(_ text: String, requisiteOf name: UnitName) throws(UnitJobs.Refusal) {
    guard let unit = jobs.relations.unit(text) else {
      if jobs.presentUnits.contains(text) { return }
      throw .missing(text, requiredBy: name)
    }
    let isComing =
      (jobs.members[unit]?.job?.isStart == true || seen.contains(unit)) && jobs.relations.isAfter(name, unit)
    if isComing || jobs.members[unit]?.activity.active.isUp == true { return }
    throw .notActive(text, requisiteOf: name)
  }

  /// Of two units that conflict, one that is only wanted is left out.
  private mutating func dropConflicting() throws(UnitJobs.Refusal) {
    for name in starts {
      for other in opponents(of: name) where starts.contains(other) && starts.contains(name) {
        if !needed.contains(other) {
          starts.removeAll { $0 == other }
        } else if !needed.contains(name) {
          starts.removeAll { $0 == name }
        } else {
          throw .conflicting(name, other)
        }
      }
    }
  }

  private func conflicting() -> [UnitName] {
    var result: [UnitName] = []
    for name in starts where jobs.members[name]?.activity.active.isUp != true {
      for other in opponents(of: name) where !result.contains(other) { result.append(other) }
    }
    return result
  }

  private func opponents(of name: UnitName) -> [UnitName] {
    jobs.relations.units(.conflicts, of: name) + jobs.relations.units(having: name, as: .conflicts)
  }
}
