// SPDX-License-Identifier: Apache-2.0
import Units

/// Stepping the machines of units, and carrying out what follows.
extension SupervisionLoop {
  /// Makes a unit as its record has it, with its drop-ins, and puts its file where `%y` says.
  func makeUnit(_ unit: UnitToRun, _ record: UnitRecord) -> SupervisedUnit {
    surroundings.writeFragment(record.file, of: unit.name)
    return SupervisedUnit(
      unit,
      specifiers: specifiers,
      record: record,
      dropIns: dropIns.dropIns(for: unit.name),
      timers: timers
    )
  }

  /// A unit is known from now on, as it stands.
  func enroll(_ unit: SupervisedUnit) {
    units[unit.name] = unit
    deadlines[unit.name] = unit.lifecycle.deadline
    if let triggered = unit.lifecycle.passive?.triggered { triggers[triggered, default: []].insert(unit.name) }
    jobs.load(unit.name, unit.definition.dependencies, activity: unit.activity)
  }

  /// A unit that is down is not known any more.
  func dismiss(_ name: UnitName) {
    if let triggered = units[name]?.lifecycle.passive?.triggered { triggers[triggered]?.remove(name) }
    // Who has it started is to know that it is not coming.
    if let unit = units[name] {
      for trigger in triggers(of: unit) { inputs.append(.triggeredChanged(trigger, UnitActivity())) }
    }
    let gone = units.removeValue(forKey: name)
    if let gone { dropTemplate(of: gone) }
    deadlines[name] = nil
    inputs.append(.jobs(jobs.unload(name)))
  }

  func carryOut(_ directive: UnitJobs.Directive) {
    switch directive {
    case .start(let name): startNow(name)
    case .stop(let name): stepEither(name, { $0.stop(at: $1) }, { $0.stop(at: $1) })
    case .stopToRestart(let name): stepEither(name, { $0.stopToRestart(at: $1) }, { $0.stop(at: $1) })
    case .refuse(let name, let refusal):
      change(name) { $0.record.problem = refusal.description }
      say(refusal.description, name)
      // Who has it started is to know that it is not coming.
      if let unit = units[name], unit.isDown { tellTriggers(of: unit) }
    case .drop(let name):
      dirty.insert(name)
      if let unit = units[name], unit.isDown { tellTriggers(of: unit) }
    case .note(let name, let text): say(text, name)
    }
  }

  private func startNow(_ name: UnitName) {
    guard let unit = units[name] else { return }
    guard unit.canRun else {
      let failed = UnitActivity(load: unit.loadState, sub: .failed, result: .resources)
      inputs.append(.jobs(jobs.changed(name, to: failed)))
      for trigger in triggers(of: unit) { stepPassive(trigger) { $0.triggeredRefused(at: $1) } }
      return
    }
    guard holdConditions(of: unit) else { return }
    tellTriggered(to: name)
    stepEither(name, { $0.start(at: $1) }, { $0.start(at: $1) })
    // One that may not be started so often is as it was, and its job is over nevertheless.
    if let after = units[name], after.isDown, after.activity == unit.activity { tellChange(of: after) }
  }

  /// What starts another is told how that one is.
  func tellTriggered(to name: UnitName) {
    guard let text = units[name]?.lifecycle.passive?.triggered else { return }
    let activity = jobs.unit(text).flatMap { units[$0]?.activity } ?? UnitActivity()
    stepPassive(name) { $0.triggeredChanged(to: activity, at: $1) }
  }

  /// Steps a unit's machine, whichever of the two kinds it is.
  func stepEither(
    _ name: UnitName,
    _ service: (inout UnitLifecycle, Duration) -> [UnitDirective],
    _ passive: (inout any PassiveLifecycle, UnitMoment) -> [PassiveDirective]
  ) {
    if units[name]?.service != nil { step(name, service) } else { stepPassive(name, passive) }
  }

  // MARK: Services

  /// Steps a service's machine, carries its directives out and tells what has changed.
  func step(_ name: UnitName, _ input: (inout UnitLifecycle, Duration) -> [UnitDirective]) {
    guard var unit = units[name], var service = unit.service else { return }
    let before = service.snapshot
    let directives = input(&service, timeSinceBoot())
    unit.lifecycle.service = service
    let after = service.snapshot
    let isNewRun = after.runs != before.runs
    if isNewRun { unit.beginRun() }
    if after.sub.active != before.sub.active {
      unit.record.activeSinceEpochMilliseconds = epochMicroseconds() / 1000
    }
    units[name] = unit
    deadlines[name] = service.deadline
    dirty.insert(name)
    narrate(name, from: before, to: after)
    if Self.isUp(before), isNewRun || !Self.isUp(after) {
      leaveSurroundings(unit, isRestarting: isNewRun || after.sub == .autoRestart || service.isRestarting)
    }
    for directive in directives { carryOut(directive, name) }
    if after.sub != before.sub || after.result != before.result {
      tellChange(of: unit)
    }
    dropLeftBehind(name)
  }

  private static func isUp(_ snapshot: UnitLifecycle.Snapshot) -> Bool {
    snapshot.sub != .dead && snapshot.sub != .failed && snapshot.sub != .autoRestart
  }

  // MARK: Units that are no services

  /// Steps the machine of a unit that is no service, carries its directives out and tells what has changed.
  func stepPassive(_ name: UnitName, _ input: (inout any PassiveLifecycle, UnitMoment) -> [PassiveDirective]) {
    guard var unit = units[name], var passive = unit.lifecycle.passive else { return }
    let before = unit.activity
    let moment = UnitMoment(sinceBoot: timeSinceBoot(), sinceEpoch: .microseconds(epochMicroseconds()))
    let directives = input(&passive, moment)
    unit.lifecycle.passive = passive
    let after = unit.activity
    if !unit.isDown, before.sub == .dead || before.sub == .failed { unit.beginRun() }
    if after.active != before.active { unit.record.activeSinceEpochMilliseconds = epochMicroseconds() / 1000 }
    units[name] = unit
    deadlines[name] = passive.deadline
    dirty.insert(name)
    narrate(unit, from: before, to: after)
    // Before anything is carried out, which may bring about a further change of the same unit.
    if after != before { tellChange(of: unit) }
    for directive in directives { carryOut(directive, name) }
  }

  func carryOut(_ directive: PassiveDirective, _ name: UnitName) {
    switch directive {
    case .startUnit(let triggered): startTriggered(triggered, by: name)
    case .watchPaths(let definition): watchPaths(definition, name)
    case .leavePaths: pathWatches.leave(name)
    case .makeDirectories(let definition): makeWatchedDirectories(definition, name)
    case .keepStamp(let stamp): keepStamp(stamp, of: name)
    case .listen: listen(name)
    case .watchSockets(let isOn): enqueue(.watchSockets(unit: name.rawValue, isOn: isOn))
    case .flushSockets: enqueue(.flushSockets(unit: name.rawValue))
    case .closeSockets: enqueue(.closeSockets(unit: name.rawValue))
    case .closeConnection(let id, let reason): closeConnection(id, reason, name)
    case .startInstance(let instance, let template, let connection):
      startInstance(instance, template, connection, by: name)
    }
  }

  private func startTriggered(_ text: String, by name: UnitName) {
    do {
      guard let triggered = jobs.unit(text) else { throw UnitJobs.Refusal.missing(text, requiredBy: name) }
      inputs.append(.jobs(try jobs.requestStart(triggered)))
      // On record, so that a start that waits for others is not lost with this process.
      dirty.insert(triggered)
    } catch {
      change(name) { $0.record.problem = "it cannot start \(text): \(error)" }
      say("\(name): Failed to start \(text): \(error)", name)
      stepPassive(name) { $0.triggeredRefused(at: $1) }
    }
  }

  /// Others are to know what a unit is now.
  private func tellChange(of unit: SupervisedUnit) {
    inputs.append(.jobs(jobs.changed(unit.name, to: unit.activity)))
    tellTriggers(of: unit)
  }

  func tellTriggers(of unit: SupervisedUnit) {
    for trigger in triggers(of: unit) { inputs.append(.triggeredChanged(trigger, unit.activity)) }
    endInstance(unit.name)
  }

  /// The units that start a unit, by any of its names.
  func triggers(of unit: SupervisedUnit) -> [UnitName] {
    guard !triggers.isEmpty else { return [] }
    let names = [unit.name.rawValue] + unit.definition.dependencies.aliases
    return Set(names.flatMap { triggers[$0] ?? [] }).sorted()
  }
}
