// SPDX-License-Identifier: Apache-2.0
import TestKit

/// What is not as it should be while nobody does anything.
struct ContainerAudit {
  let hosts: ContainerHosts

  /// Waits until everything is as it should be.
  ///
  /// - Returns: The containers that run.
  /// - Throws: ``CommandFailed`` with what was not.
  @discardableResult
  func waitUntilStill(within timeout: Duration = .seconds(90)) async throws -> [RunningContainer] {
    var problem = "nothing is known"
    var found: [RunningContainer] = []
    do {
      try await eventually("records and units are what runs", within: timeout, every: .milliseconds(200)) {
        do {
          (found, problem) = try await look()
        } catch {
          problem = "\(error)"
        }
        return problem.isEmpty
      }
    } catch {
      throw CommandFailed(description: "\(error): \(problem)")
    }
    return found
  }

  private func look() async throws -> ([RunningContainer], String) {
    for host in hosts.all where await !hosts.serves(host) { return ([], "machine \(host) does not serve") }
    var running: [RunningContainer] = []
    for host in hosts.all { running += try await hosts.containers(on: host) }
    let fleet = Fleetctl(hosts.cluster)
    if let problem = try await inUnits(running, fleet) { return (running, problem) }
    for host in hosts.all {
      if let problem = inRecords(running, try await hosts.records(asSeenBy: host)) {
        return (running, "machine \(host) says: \(problem)")
      }
    }
    return (running, "")
  }

  /// No container without its unit, no unit without its container, none of either twice.
  private func inUnits(_ running: [RunningContainer], _ fleet: Fleetctl) async throws -> String? {
    let units = Dictionary(try await fleet.units().map { ($0.name, $0) }) { first, _ in first }
    let active = try await fleet.active()
    for container in running {
      guard let name = container.unit else { continue }
      guard let unit = units[name] else { return "\(container.name) on \(container.host) is of a unit that is gone" }
      guard unit.desiredState == "launched" else { return "\(container.name) runs and \(name) should not" }
      guard active[name]?.contains(container.host) == true else {
        return "\(container.name) runs on \(container.host) and \(name) is active on \(active[name] ?? [])"
      }
    }
    for (name, unit) in units.sorted(by: { $0.key < $1.key }) {
      let homes = running.filter { $0.unit == name }.map(\.host)
      if homes.count > 1 { return "\(name) runs on \(homes)" }
      if unit.desiredState == "launched", active[name] ?? [] != homes {
        return "\(name) is active on \(active[name] ?? []) and runs on \(homes)"
      }
      // What is restarted whenever it ends has no reason to be down.
      if unit.desiredState == "launched", homes.isEmpty, name.hasPrefix(ContainerChaos.lasting) {
        return "\(name) does not run"
      }
    }
    return nil
  }

  private func inRecords(_ running: [RunningContainer], _ records: [String: String]) -> String? {
    var rest = records
    for container in running {
      guard let value = rest.removeValue(forKey: container.key) else {
        return "\(container.name) on \(container.host) has no record \(container.key)"
      }
      if value != container.value { return "\(container.key) is \(value) and should be \(container.value)" }
    }
    return rest.min { $0.key < $1.key }.map { "there is a record too many: \($0.key) \($0.value)" }
  }
}
