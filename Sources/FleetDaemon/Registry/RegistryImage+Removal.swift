// SPDX-License-Identifier: Apache-2.0
import FleetWire

extension RegistryImage {
  /// The places that a removed directory held.
  ///
  /// The usual case, the directory of one unit, costs nothing that grows with the number of units.
  func places(below key: String) -> [RegistryLayout.Place] {
    var places: [RegistryLayout.Place] = []
    for unit in names(below: key, in: "job", known: jobs.keys) {
      places += [.job(unit), .targetState(unit), .target(unit), .jobState(unit)]
    }
    for unit in names(below: key, in: "states", known: unitStates.keys) {
      places += (unitStates[unit] ?? [:]).keys.map { .unitState(unit: unit, machineID: $0) }
    }
    for id in names(below: key, in: "machines", known: machines.keys) { places.append(.machine(id)) }
    for id in names(below: key, in: "machines", known: metadataOverrides.keys) {
      places += (metadataOverrides[id] ?? [:]).keys.map { .machineMetadata(machineID: id, key: $0) }
    }
    if isAncestor(key, of: "unit") { places += files.keys.map { .unitFile($0) } }
    if isAncestor(key, of: "lease") { places.append(.engineLease) }
    if isAncestor(key, of: "engine") { places.append(.engineVersion) }
    if isAncestor(key, of: "coracle") { places += [.rebalancing, .rebalancingSwitch] }
    if isAncestor(key, of: "coracle/rolls") { places += rolls.rolls.keys.map { .roll($0) } }
    return places.filter { layout.key($0).hasPrefix(key + "/") }
  }

  /// The entries of one of the registry's directories that a removed directory was, or held.
  private func names(
    below key: String,
    in directory: String,
    known: some Collection<String>
  ) -> [String] {
    if isAncestor(key, of: directory) { return Array(known) }
    let start = "\(layout.prefix)/\(directory)/"
    guard key.hasPrefix(start) else { return [] }
    return [String(key.dropFirst(start.count).prefix { $0 != "/" })]
  }

  private func isAncestor(_ key: String, of directory: String) -> Bool {
    let path = "\(layout.prefix)/\(directory)"
    return key == "/" || key.isEmpty || path == key || path.hasPrefix(key + "/")
  }
}
