// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import Fleet
import Units

/// The rolls that the store holds, found by their units and by the files that they keep.
struct RollIndex: Sendable {
  private(set) var rolls: [String: Stamped<Roll>] = [:]
  private var names: [String: Set<String>] = [:]
  private var namesByFile: [UnitHash: Set<String>] = [:]

  /// Rolls that the engine looks at when something changes: those that are not at rest.
  private(set) var awake: Set<String> = []
  /// Of these, the ones in which something happens by itself; the others wait for somebody.
  private(set) var goingOn: Set<String> = []

  /// Takes over a roll, or takes it out.
  ///
  /// - Returns: The files whose use may have changed.
  mutating func set(_ roll: Stamped<Roll>?, named name: String) -> Set<UnitHash> {
    let (old, new) = (rolls[name]?.value, roll?.value)
    rolls[name] = roll
    let (oldUnits, units) = (Set(old?.copies.map(\.unit) ?? []), Set(new?.copies.map(\.unit) ?? []))
    for unit in oldUnits.union(units) { names.set(name, units.contains(unit), under: unit) }
    let (oldFiles, files) = (old?.files ?? [], new?.files ?? [])
    for hash in oldFiles.union(files) { namesByFile.set(name, files.contains(hash), under: hash) }
    awake.set(name, new.map { !$0.phase.isAtRest } ?? false)
    goingOn.set(name, new?.isGoingOn ?? false)
    return oldFiles.symmetricDifference(files)
  }

  /// Whether a roll needs a file.
  func keeps(_ hash: UnitHash) -> Bool { namesByFile[hash] != nil }

  /// Whether something is under way with a unit, so that what machines say about it matters to the engine.
  func isRolling(_ unit: String) -> Bool {
    guard !goingOn.isEmpty else { return false }
    return names[unit].map { !$0.isDisjoint(with: goingOn) } ?? false
  }

  /// What a machine is to do about a unit other than what the unit's own keys say.
  func directive(for unit: String, on machineID: String, present: UnitHash?) -> RollDirective? {
    for name in names[unit]?.sorted() ?? [] {
      if let directive = rolls[name]?.value.directive(for: unit, on: machineID, present: present) { return directive }
    }
    return nil
  }

  /// The roll that a unit is part of and that is not over, so that no other may begin; other than one if it is named.
  func openRoll(of unit: String, except name: String? = nil) -> String? {
    names[unit]?.filter { $0 != name && !(rolls[$0]?.value.isOver ?? true) }.min()
  }
}

extension Dictionary where Value == Set<String> {
  /// Adds a name under a key, or takes it out; nothing is kept for a key without names.
  mutating func set(_ name: String, _ isMember: Bool, under key: Key) {
    if isMember {
      self[key, default: []].insert(name)
    } else {
      self[key]?.remove(name)
      if self[key]?.isEmpty ?? false { self[key] = nil }
    }
  }
}
