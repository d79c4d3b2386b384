// SPDX-License-Identifier: Apache-2.0

/// Whose turn it is.
extension UnitJobs {
  /// Begins every waiting job whose turn has come; a circle of waiting jobs is broken at its first name.
  mutating func advance() {
    while true {
      beginFollowUps()
      let waiting = busy.filter { members[$0]?.job?.isWaiting == true }.sorted()
      guard !waiting.isEmpty else {
        if settleByThemselves() { continue }
        return
      }
      let ready = waiting.filter { name in !busy.contains { $0 != name && blocks($0, name) } }
      if !ready.isEmpty {
        ready.forEach { begin($0) }
      } else if let first = circle(among: waiting).first {
        begin(first)
      } else {
        if settleByThemselves() { continue }
        return
      }
    }
  }

  /// Those that wait for each other and not for anything that is under way.
  private func circle(among waiting: [UnitName]) -> [UnitName] {
    var left = waiting
    var coming = busy.filter { members[$0]?.job?.isWaiting == false }
    while let index = left.firstIndex(where: { name in coming.contains { blocks($0, name) } }) {
      coming.insert(left.remove(at: index))
    }
    return left
  }

  /// Whether a job of `other` has to be done before that of `name` begins.
  private func blocks(_ other: UnitName, _ name: UnitName) -> Bool {
    guard let mine = members[name]?.job, let theirs = members[other]?.job else { return false }
    switch (mine.isStart, theirs.isStart) {
    case (true, true): return relations.isAfter(name, other)
    case (true, false): return relations.isAfter(name, other) || relations.isAfter(other, name)
    case (false, true): return false
    case (false, false): return relations.isAfter(other, name)
    }
  }

  private mutating func begin(_ name: UnitName) {
    guard let member = members[name] else { return }
    if member.job == .startWaiting {
      if let refusal = refusal(of: name) {
        refuse(name, refusal)
        failDependents(of: name)
        return
      }
      set(member.activity.active.isUp ? nil : .startRunning, of: name)
      if !member.activity.active.isUp { directives.append(.start(name)) }
    } else if member.job == .stopWaiting {
      guard member.activity.active != .inactive, member.activity.active != .failed else {
        // It went down by itself meanwhile.
        return set(member.startsAgain ? .startWaiting : nil, of: name)
      }
      set(.stopRunning, of: name)
      directives.append(member.startsAgain ? .stopToRestart(name) : .stop(name))
    }
  }

  /// Something that has to be up by now and is not, without a start under way.
  private func refusal(of name: UnitName) -> Refusal? {
    for text in relations.related(.requisite, of: name) {
      let isUp = relations.unit(text).map { members[$0]?.activity.active.isUp == true } ?? presentUnits.contains(text)
      if !isUp { return .notActive(text, requisiteOf: name) }
    }
    let down = relations.units(.bindsTo, of: name).first { bound in
      relations.isAfter(name, bound) && members[bound].map { Self.isDown($0.activity) && $0.job == nil } == true
    }
    return down.map { .failed($0, requiredBy: name) }
  }

  // MARK: What units do by themselves

  /// Starts what is upheld and stops what nobody needs; false when there was nothing to do.
  private mutating func settleByThemselves() -> Bool {
    guard !isStoppingAll else { return false }
    var hasBegun = false
    for name in upheldUnits() where startUpheld(name) { hasBegun = true }
    for name in stoppingUnneeded.sorted() where isUnneeded(name) {
      queueStop(name)
      hasBegun = true
    }
    return hasBegun
  }

  /// Units that are down while one that is up upholds them.
  func upheldUnits() -> [UnitName] {
    var result: Set<UnitName> = []
    for upholder in upholders where isHolding(upholder) {
      result.formUnion(relations.units(.upholds, of: upholder).filter { isIdleAndDown($0) })
    }
    for name in upheldByOthers where isIdleAndDown(name) {
      if relations.units(having: name, as: .upholds).contains(where: { isHolding($0) }) { result.insert(name) }
    }
    return result.sorted()
  }

  private func isHolding(_ name: UnitName) -> Bool {
    members[name].map { $0.activity.active.isUp && $0.job?.isStop != true } ?? false
  }

  private func isIdleAndDown(_ name: UnitName) -> Bool {
    members[name].map { member in
      member.job == nil && !member.isLeaving
        && (member.activity.active == .inactive || member.activity.active == .failed)
    } ?? false
  }

  private mutating func startUpheld(_ name: UnitName) -> Bool {
    guard let startsBefore = countStart(of: name, \.upheldStarts) else { return false }
    do {
      carryOut(try StartPlan(name, self))
      return true
    } catch {
      if startsBefore == 0 { directives.append(.note(name, "\(error)")) }
      return false
    }
  }

  /// When one that was started too often may be started again.
  var upheldDeadline: Duration? {
    guard !isStoppingAll, !upholders.isEmpty || !upheldByOthers.isEmpty else { return nil }
    return upheldUnits().compactMap { members[$0]?.upheldStarts.first }.min().map { $0 + Self.ownStartLimit.interval }
  }

  private func isUnneeded(_ name: UnitName) -> Bool {
    guard let member = members[name], member.activity.active == .active, member.job == nil else { return false }
    for relation in [UnitRelation.requires, .requisite, .wants, .bindsTo, .upholds] {
      for other in relations.units(having: name, as: relation) {
        guard let other = members[other], other.job == nil,
          other.activity.active == .inactive
            || other.activity.active == .failed
        else { return false }
      }
    }
    return true
  }
}
