// SPDX-License-Identifier: Apache-2.0

/// What follows for other units from what happens to one.
extension UnitJobs {
  mutating func carryOut(_ plan: StartPlan, but left: UnitName? = nil) {
    for unit in plan.stops {
      members[unit]?.wentDownWith = nil
      queueStop(unit)
    }
    for unit in plan.starts where unit != left {
      guard let member = members[unit], !(member.activity.active.isUp && member.job == nil) else { continue }
      members[unit]?.wentDownWith = nil
      if member.job?.isStart != true { set(.startWaiting, of: unit) }
    }
  }

  // MARK: Stops and restarts

  /// Stops a unit and what stops with it.
  mutating func queueStop(_ name: UnitName) {
    var seen: Set<UnitName> = []
    queueStop(name, &seen)
  }

  private mutating func queueStop(_ name: UnitName, _ seen: inout Set<UnitName>) {
    guard let member = members[name], seen.insert(name).inserted else { return }
    guard member.job?.isStop != true || member.startsAgain else { return }
    members[name]?.startsAgain = false
    if member.job?.isStop != true {
      let isUp = member.activity.active != .inactive && member.activity.active != .failed
      set(isUp || member.job == .startRunning ? .stopWaiting : nil, of: name)
      if !isUp, member.job == .startWaiting { directives.append(.drop(name)) }
    }
    for dependent in stopping(with: name) {
      let wasUp = members[dependent].map { $0.activity.active.isUp || $0.activity.active == .activating }
      queueStop(dependent, &seen)
      if wasUp == true, binds(dependent, to: name) { members[dependent]?.wentDownWith = name }
    }
  }

  /// Stops a unit that is up, and what restarts with it; each starts again once it is down.
  mutating func queueRestart(_ name: UnitName) {
    guard let member = members[name], !member.startsAgain, !member.isLeaving else { return }
    let isGoing = member.activity.active.isUp || member.activity.active == .activating
    guard isGoing || member.job == .startRunning else { return }
    if member.job?.isStop != true { set(.stopWaiting, of: name) }
    members[name]?.startsAgain = true
    for dependent in restarting(with: name) { queueRestart(dependent) }
  }

  /// Units that stop when one is stopped.
  private func stopping(with name: UnitName) -> [UnitName] {
    restarting(with: name) + relations.units(.propagatesStopTo, of: name)
  }

  private func restarting(with name: UnitName) -> [UnitName] {
    let having = [UnitRelation.requires, .requisite, .bindsTo, .partOf]
    return Set(having.flatMap { relations.units(having: name, as: $0) }).sorted()
  }

  func binds(_ dependent: UnitName, to name: UnitName) -> Bool {
    relations.units(.bindsTo, of: dependent).contains(name)
  }

  // MARK: The end of a job

  mutating func finishJob(of name: UnitName, _ old: Member) {
    guard let activity = members[name]?.activity else { return }
    let isDown = Self.isDown(activity)
    switch old.job {
    case .startRunning:
      if activity.active.isUp {
        set(nil, of: name)
      } else if isDown {
        set(nil, of: name)
        if activity.result.isFailure {
          failDependents(of: name)
        } else if activity.active == .inactive {
          failDependents(of: name, relations.units(having: name, as: .requisite))
        }
      }
    case .stopRunning: if isDown { set(old.startsAgain ? .startWaiting : nil, of: name) }
    case .startWaiting, .stopWaiting, nil: break
    }
  }

  /// Gives up the starts that wait and require a unit that did not start.
  mutating func failDependents(of name: UnitName) {
    let having = [UnitRelation.requires, .requisite, .bindsTo]
    failDependents(of: name, Set(having.flatMap { relations.units(having: name, as: $0) }).sorted())
  }

  mutating func failDependents(of name: UnitName, _ dependents: [UnitName]) {
    for dependent in dependents where members[dependent]?.job == .startWaiting {
      refuse(dependent, .failed(name, requiredBy: dependent))
      failDependents(of: dependent)
    }
  }

  /// A start is over before it has begun.
  mutating func refuse(_ name: UnitName, _ refusal: Refusal) {
    set(nil, of: name)
    directives.append(.refuse(name, refusal))
    startAfter(.onFailure, of: name)
  }

  mutating func giveUpJob(of name: UnitName) {
    if members[name]?.job?.isStart == true {
      refuse(name, .timedOut(name))
      failDependents(of: name)
    } else {
      let isRestart = members[name]?.startsAgain == true
      set(nil, of: name)
      members[name]?.startsAgain = false
      let what = isRestart ? "restart" : "stop"
      directives.append(.note(name, "the \(what) of \(name) is not waited for any longer (JobTimeoutSec=)"))
    }
  }

  // MARK: The end of a unit

  /// A unit has gone down, or is on its way.
  mutating func followEnd(of name: UnitName, _ old: Member) {
    guard let activity = members[name]?.activity else { return }
    let isDown = Self.isDown(activity)
    let wasUp = old.activity.active.isUp || old.activity.active == .activating && !Self.isDown(old.activity)
    if wasUp, isDown || activity.active == .deactivating {
      takeDownBound(to: name)
      // A stop by request has taken these along already.
      if old.job?.isStop != true { relations.units(.propagatesStopTo, of: name).forEach { queueStop($0) } }
    }
    if activity.active == .failed, old.activity.active != .failed { startAfter(.onFailure, of: name) }
    if activity.active == .inactive, old.activity.active != .inactive, old.activity.active != .failed {
      startAfter(.onSuccess, of: name)
    }
  }

  private mutating func takeDownBound(to name: UnitName) {
    for dependent in relations.units(having: name, as: .bindsTo) {
      guard let member = members[dependent],
        member.job?.isStart == true || member.activity.active.isUp || member.activity.active == .activating
      else { continue }
      if member.job == .startWaiting, isStartWaiting(name) || members[name]?.job?.isStart == true { continue }
      // What restarts with it comes back by its own.
      if member.startsAgain { continue }
      queueStop(dependent)
      members[dependent]?.wentDownWith = name
    }
  }

  mutating func bringBackBound(to name: UnitName) {
    for dependent in relations.units(having: name, as: .bindsTo) where members[dependent]?.wentDownWith == name {
      members[dependent]?.wentDownWith = nil
      if members[dependent]?.isLeaving == false, !isStoppingAll { set(.startWaiting, of: dependent) }
    }
  }

  /// Takes down which units are to start when one ends so.
  ///
  /// They are started by ``advance()`` and not here, where others are being refused: units that are each other's
  /// `OnFailure=` and fail at once would be started and refused without end.
  private mutating func startAfter(_ relation: UnitRelation, of name: UnitName) {
    guard !isStoppingAll else { return }
    for text in relations.related(relation, of: name) {
      if let unit = relations.unit(text) {
        let followUp = FollowUp(relation: relation, ended: name, next: unit)
        if !followUps.contains(followUp) { followUps.append(followUp) }
      } else if !presentUnits.contains(text) {
        directives.append(.note(name, "\(relation.rawValue)=\(text) is not started: it is not on this machine"))
      }
    }
  }

  /// Starts what follows from what has ended.
  mutating func beginFollowUps() {
    let begun = followUps
    followUps = []
    for followUp in begun where !isStoppingAll {
      let text = "\(followUp.relation.rawValue)=\(followUp.next)"
      guard countStart(of: followUp.next, \.followingStarts) != nil else {
        let limit = "\(Self.ownStartLimit.count) times within \(Self.ownStartLimit.interval.components.seconds) s"
        directives.append(.note(followUp.ended, "\(text) is not started: it was started so \(limit)"))
        continue
      }
      do {
        carryOut(try StartPlan(followUp.next, self))
      } catch {
        directives.append(.note(followUp.ended, "\(text) is not started: \(error)"))
      }
    }
  }

  /// Counts a start of a unit by itself.
  ///
  /// - Returns: How many there were shortly before; nil when it is too often, and does not count.
  mutating func countStart(of name: UnitName, _ starts: WritableKeyPath<Member, [Duration]>) -> Int? {
    guard var member = members[name] else { return nil }
    member[keyPath: starts].removeAll { now - $0 >= Self.ownStartLimit.interval }
    let count = member[keyPath: starts].count
    guard count < Self.ownStartLimit.count else { return nil }
    member[keyPath: starts].append(now)
    members[name] = member
    return count
  }
}
