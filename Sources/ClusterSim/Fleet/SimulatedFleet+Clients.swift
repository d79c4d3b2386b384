// SPDX-License-Identifier: Apache-2.0
import EtcdStore
@_spi(Simulation) import FleetDaemon
import FleetWire
import Units

/// What users do, and what they are promised in the end.
extension SimulatedFleet {
  /// Creates a unit, or gives it another file, and has it launched.
  func submit(_ unit: String, xfleet: String, command: Int = 0) {
    guard store.condition == .working,
      let file = try? UnitFile(parsing: "[Service]\nExecStart=/bin/sleep \(command)\n[X-Fleet]\n\(xfleet)")
    else { return }
    let hash = file.hash
    let requirements = UnitRequirements(of: file, unitName: unit)
    set(.unitFile(hash), UnitFileRecord.value(of: file))
    set(.job(unit), JobRecord(name: unit, hash: hash).value)
    set(.targetState(unit), "launched")
    if requirements.isGlobal { globals.insert(unit) }
    wishes[unit] = Wish(file: file, hash: hash, isGlobal: requirements.isGlobal, isLaunched: true, since: now)
  }

  func setTarget(_ unit: String, isLaunched: Bool) {
    guard store.condition == .working, wishes[unit] != nil else { return }
    set(.targetState(unit), isLaunched ? "launched" : "inactive")
    wishes[unit]?.isLaunched = isLaunched
    wishes[unit]?.since = now
  }

  func destroy(_ unit: String) {
    guard store.condition == .working, wishes[unit] != nil else { return }
    let directory = store.layout.jobDirectory(unit)
    spread(store.apply(directory, .delete(isDirectory: true, recursive: true), at: now).1)
    wishes[unit] = nil
  }

  /// Asks for machines to be evened out.
  func requestRebalancing() {
    guard store.condition == .working, !truth.isRebalancing else { return }
    trace.add(now, "user", "asks for a rebalancing")
    write(.rebalancing, truth.rebalancingRequest())
  }

  private func set(_ place: RegistryLayout.Place, _ value: String) {
    write(place, .set(value: value, isDirectory: false, ttl: .permanent, refresh: false))
  }

  /// What is not yet, or no longer, as users want it; nil when all is.
  func shortcoming() -> String? {
    let everywhere = Set(machines.filter(\.isPowered).map(\.number))
    for (unit, wish) in wishes.sorted(by: { $0.key < $1.key }) {
      let hosts = Set((checker.running[unit] ?? [:]).keys)
      if !wish.isLaunched {
        if !hosts.isEmpty { return "\(unit) is stopped and runs on \(hosts.sorted())" }
      } else if wish.isGlobal {
        if hosts != everywhere { return "\(unit) is global and runs on \(hosts.sorted())" }
      } else {
        guard let target = truth.target(of: unit) else { return "\(unit) has no place" }
        guard let number = hosts.first, hosts.count == 1, machines[number].id == target else {
          return "\(unit) runs on \(hosts.sorted()) and is placed on \(target)"
        }
        guard truth.activeState(of: unit, on: target) == "active" else { return "\(unit) runs, which is not published" }
        guard machines[number].units[unit]?.hash == wish.hash else { return "\(unit) runs from another file" }
      }
    }
    if truth.isRebalancing { return "machines are still being evened out" }
    let stray = checker.running.keys.filter { wishes[$0] == nil }.sorted()
    return stray.isEmpty ? nil : "\(stray) are destroyed and run"
  }
}
