// SPDX-License-Identifier: Apache-2.0
import Units

/// What a copy under way has come to.
enum RollVerdict: Equatable {
  /// It is gone, as it should be.
  case stopped
  /// It has what it should have and does what it should do.
  case healthy
  /// It will not get there; why.
  case failed(String)
  /// It may still get there; what it does now.
  case pending(String)
}

extension Roll {
  /// Judges a copy that is under way.
  ///
  /// - Parameters:
  ///   - copy: The copy.
  ///   - unit: What is seen of its unit.
  ///   - machineID: The machine that has it.
  ///   - state: What that says about it.
  ///   - lasted: How long it has said just that.
  /// - Returns: What it has come to.
  func verdict(
    on copy: RollCopy,
    _ unit: RollSight.Unit,
    _ machineID: String?,
    _ state: RollSight.State?,
    lasting lasted: Duration
  ) -> RollVerdict {
    if copy.stage == .stopping {
      guard let state else { return .stopped }
      return .pending("not stopped, but \(state.active) (\(state.sub)),")
    }
    let wanted = wantedHash(of: copy)
    if !isGlobal, unit.hash != wanted { return .pending("without its file") }
    guard unit.isLaunched else { return .healthy }
    guard machineID != nil else { return .pending("on no machine") }
    guard let state else { return .pending("not loaded by its machine") }
    guard state.hash == wanted.description else { return .pending("not from its new file, but \(state.active),") }
    // What was said before this stage began is about the run before.
    let isNews = state.index > copy.index
    guard state.load == "loaded" else {
      return isNews ? .failed("cannot be loaded: \(state.load)") : .pending("not loaded, but \(state.load),")
    }
    let isWell = state.active == "active" || (unit.endsByItself && state.active == "inactive" && isNews)
    if isWell { return lasted >= RollPlanner.settlingTime ? .healthy : .pending("not yet settled") }
    if state.active == "failed", isNews { return .failed("failed (\(state.sub))") }
    return .pending("not active, but \(state.active) (\(state.sub)),")
  }

  /// The file a copy is to run from.
  func wantedHash(of copy: RollCopy) -> UnitHash { copy.isRolled ? hash ?? copy.oldHash : copy.oldHash }

  mutating func fail(_ place: Int, _ reason: String) {
    copies[place].note = reason
    // On the way back nothing is better than to go on.
    copies[place].stage = isReturning ? .idle : .failed
  }

  /// Stops at the first copy that failed.
  mutating func noteFailure() {
    let stage = isReturning ? RollCopy.Stage.idle : .failed
    guard failure == nil, let copy = copies.first(where: { $0.stage == stage && $0.note != nil }) else { return }
    failure = RollFailure(unit: copy.unit, machineID: copy.machineID, reason: copy.note ?? "failed")
    if phase == .rolling || phase == .paused { phase = .stopped }
  }

  /// Whether somebody else has taken the only unit away, or given it another file.
  func isSuperseded(_ sight: RollSight) -> Bool {
    if copies.allSatisfy({ sight.units[$0.unit] == nil }) { return true }
    guard isGlobal, let hash, let old = copies.first?.oldHash, let unit = sight.units[name] else { return false }
    return unit.hash != hash && unit.hash != old
  }

  /// Takes in instances that somebody made meanwhile, so that none is left behind.
  ///
  /// A restart has nothing to do for them. One that was made with the new file goes back with the others to the
  /// template's old one.
  mutating func followInstances(_ sight: RollSight) {
    guard let hash, phase == .rolling || isReturning else { return }
    let templateHash = copies.first { $0.unit == name }?.oldHash
    let known = Set(copies.map(\.unit))
    for (name, unit) in sight.units.sorted(by: { $0.key < $1.key }) where !known.contains(name) {
      let isRolled = unit.hash == hash
      guard copies.count < Self.maximumCopies, isRolled || !isReturning,
        let oldHash = isRolled ? templateHash : unit.hash
      else { continue }
      copies.append(RollCopy(unit: name, machineID: unit.machineID, oldHash: oldHash, isRolled: isRolled))
    }
    copies.sort()
  }

  /// Takes in machines that a global unit has come to, and lets go of what was under way on machines that are lost.
  ///
  /// A machine that comes back with what it was rolled to keeps it; one that was lost in the middle begins anew.
  mutating func followMachines(_ sight: RollSight) {
    guard let unit = sight.units[name], let old = copies.first?.oldHash else { return }
    let present = Set(sight.machineIDs)
    copies.removeAll { copy in
      copy.machineID.map { !present.contains($0) && copy.stage != .idle } ?? false
    }
    let known = Set(copies.compactMap(\.machineID))
    for id in sight.machineIDs where !known.contains(id) && copies.count < Self.maximumCopies {
      // Whoever comes before it is its turn runs what the unit's own key names.
      copies.append(RollCopy(unit: name, machineID: id, oldHash: old, isRolled: hash != nil && unit.hash == hash))
    }
    copies.sort()
  }

  // MARK: Beginning

  /// Begins as many copies as may be not active at once.
  mutating func begin(_ sight: RollSight) {
    for place in copies.indices where isToDo(copies[place], sight) && sight.units[copies[place].unit] == nil {
      copies[place].skip("destroyed")
    }
    var underWay = copies.count { $0.stage.isUnderWay && isLaunched($0, sight) }
    var unavailable = copies.count { isLaunched($0, sight) && !isAvailable($0, sight) }
    let candidates = copies.indices.filter { isToDo(copies[$0], sight) && isLaunched(copies[$0], sight) }
    let (broken, working) = (
      candidates.filter { !isAvailable(copies[$0], sight) }, candidates.filter { isAvailable(copies[$0], sight) }
    )
    for place in broken + working {
      let isWorking = isAvailable(copies[place], sight)
      if isWorking, hasAlready(copies[place], sight) {
        copies[place].isRolled = !isReturning
        copies[place].stage = .idle
        continue
      }
      guard underWay < maxUnavailable, !isWorking || unavailable < maxUnavailable else { continue }
      begin(place, sight)
      underWay += 1
      if isWorking { unavailable += 1 }
    }
    // What does not run, and the template, follow when all that runs has been rolled.
    guard !copies.contains(where: { $0.stage.isUnderWay || isToDo($0, sight) && isLaunched($0, sight) }) else { return }
    for place in copies.indices where isToDo(copies[place], sight) { begin(place, sight) }
  }

  private mutating func begin(_ place: Int, _ sight: RollSight) {
    copies[place].isRolled = !isReturning
    copies[place].index = sight.index
    copies[place].note = nil
    let state = sight.state(of: copies[place], isGlobal: isGlobal)
    // A new file takes the old one away by itself; what has its file already has to be stopped first.
    let isSame = state.map { $0.hash == wantedHash(of: copies[place]).description } ?? false
    copies[place].stage = isSame && isLaunched(copies[place], sight) ? .stopping : .starting
  }

  /// Whether a copy waits for its turn.
  private func isToDo(_ copy: RollCopy, _ sight: RollSight) -> Bool {
    guard copy.waitsForAnotherTry || copy.stage == .idle && copy.isRolled == isReturning else { return false }
    return !isGlobal || copy.machineID.map(sight.machineIDs.contains) ?? false
  }

  /// Whether an update has nothing to do for a copy.
  private func hasAlready(_ copy: RollCopy, _ sight: RollSight) -> Bool {
    guard let hash, let unit = sight.units[copy.unit], let state = sight.state(of: copy, isGlobal: isGlobal) else {
      return false
    }
    let wanted = isReturning ? copy.oldHash : hash
    return (isGlobal || unit.hash == wanted) && state.hash == wanted.description
  }

  private func isLaunched(_ copy: RollCopy, _ sight: RollSight) -> Bool {
    guard let unit = sight.units[copy.unit], copy.stage != .skipped else { return false }
    guard isGlobal else { return unit.isLaunched }
    return unit.isLaunched && copy.machineID.map(sight.machineIDs.contains) ?? false
  }

  private func isAvailable(_ copy: RollCopy, _ sight: RollSight) -> Bool {
    guard !copy.stage.isUnderWay, let state = sight.state(of: copy, isGlobal: isGlobal) else { return false }
    return state.active == "active" || (sight.units[copy.unit]?.endsByItself ?? false && state.active == "inactive")
  }

  // MARK: Ending

  /// Ends the roll when nothing is left to do; a global unit's own key follows its machines last.
  mutating func finish(_ sight: RollSight, _ files: inout [RollStep.FileChange]) {
    guard phase == .rolling || isReturning, files.isEmpty,
      !copies.contains(where: { $0.stage.isUnderWay || isToDo($0, sight) })
    else { return }
    if isGlobal, let hash, let old = copies.first?.oldHash, let unit = sight.units[name] {
      let (from, to) = isReturning ? (hash, old) : (old, hash)
      if unit.hash != to {
        files.append(RollStep.FileChange(unit: name, from: from, to: to))
        return
      }
    }
    phase = isReturning ? .rolledBack : .done
  }
}

extension RollCopy {
  /// Whether it failed, and somebody asked for another try.
  fileprivate var waitsForAnotherTry: Bool { stage == .failed && note == nil }

  mutating func skip(_ why: String) {
    stage = .skipped
    note = why
  }
}
