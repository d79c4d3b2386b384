// SPDX-License-Identifier: Apache-2.0
import Units

/// Finds the machines that a unit asks for by id or metadata without a look at all of them.
struct MachineDirectory: Sendable {
  private var byShortID: [String: Set<String>] = [:]
  private var byMetadata: [String: [String: Set<String>]] = [:]

  static let shortIDBytes = 8

  mutating func add(_ machine: Machine) {
    byShortID[Self.shortID(machine.id), default: []].insert(machine.id)
    for (key, value) in machine.metadata { byMetadata[key, default: [:]][value, default: []].insert(machine.id) }
  }

  mutating func remove(_ machine: Machine) {
    let short = Self.shortID(machine.id)
    byShortID[short]?.remove(machine.id)
    if byShortID[short]?.isEmpty ?? false { byShortID[short] = nil }
    for (key, value) in machine.metadata {
      byMetadata[key]?[value]?.remove(machine.id)
      if byMetadata[key]?[value]?.isEmpty ?? false { byMetadata[key]?[value] = nil }
      if byMetadata[key]?.isEmpty ?? false { byMetadata[key] = nil }
    }
  }

  /// A set of machines outside which none fits; nil when the unit asks for nothing that is known by name.
  func candidates(for requirements: UnitRequirements) -> Set<String>? {
    if let required = requirements.machineID { return byShortID[Self.shortID(required)] ?? [] }
    var narrowest: Set<String>?
    for requirement in requirements.metadata {
      let byValue = byMetadata[requirement.key] ?? [:]
      let count = requirement.values.reduce(0) { $0 + (byValue[$1]?.count ?? 0) }
      guard count < narrowest?.count ?? .max else { continue }
      narrowest = requirement.values.reduce(into: []) { $0.formUnion(byValue[$1] ?? []) }
    }
    return narrowest
  }

  private static func shortID(_ id: String) -> String { String(id.prefix(shortIDBytes)) }
}
