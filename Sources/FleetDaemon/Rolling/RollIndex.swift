// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import Fleet
import Units

/// The rolls that the store holds, found by their units and by the files that they keep.
struct RollIndex: Sendable {
  private(set) var rolls: [String: Stamped<Roll>] = [:]
  private var names: [String: Set<String>] = [:]
  private var namesByFile: [UnitHash: Set<String>] = [:]

  /// Rolls in which something is to be done.
  private(set) var unfinished: Set<String> = []

  /// Takes over a roll, or takes it out.
  ///
  /// - Returns: The files whose use may have changed.
  mutating func set(_ roll: Stamped<Roll>?, named name: String) -> Set<UnitHash> {
    let old = rolls[name]?.value
    rolls[name] = roll
    let units = Set((old?.copies ?? []).map(\.unit)).union((roll?.value.copies ?? []).map(\.unit))
    let present = Set((roll?.value.copies ?? []).map(\.unit))
    for unit in units { names.set(name, present.contains(unit), under: unit) }
    let (oldFiles, files) = (old?.files ?? [], roll?.value.files ?? [])
    for hash in oldFiles.union(files) { namesByFile.set(name, files.contains(hash), under: hash) }
    if let roll, !roll.value.phase.isAtRest { unfinished.insert(name) } else { unfinished.remove(name) }
    return oldFiles.symmetricDifference(files)
  }

  /// Whether a roll needs a file.
  func keeps(_ hash: UnitHash) -> Bool { namesByFile[hash] != nil }

  /// Whether something is under way with a unit, so that what machines say about it matters to the engine.
  func isRolling(_ unit: String) -> Bool {
    guard !unfinished.isEmpty else { return false }
    return names[unit].map { !$0.isDisjoint(with: unfinished) } ?? false
  }

  /// What a machine is to do about a unit other than what the unit's own keys say.
  func directive(for unit: String, on machineID: String, present: UnitHash?) -> RollDirective? {
    for name in names[unit]?.sorted() ?? [] {
      if let directive = rolls[name]?.value.directive(for: unit, on: machineID, present: present) { return directive }
    }
    return nil
  }

  /// The unfinished roll that a unit is part of, other than one if it is named.
  func unfinishedRoll(of unit: String, except name: String? = nil) -> String? {
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
