// SPDX-License-Identifier: Apache-2.0
import Foundation
import TestKit

extension FiveHosts {
  /// Starts all units and waits until they run.
  func startUnits() async throws {
    for unit in set.units {
      try await eventually("\(unit.name) is accepted") {
        try api(1).start(unit)
        return true
      }
    }
    try await waitUntilSettled()
  }

  /// Makes sure that every machine has units of its own to lose.
  func spreadUnits() async throws {
    var placements: [String: String] = [:]
    try await eventually("units are listed") {
      placements = try api(1).placements()
      return true
    }
    let busy = Set(placements.values.compactMap { host(of: $0) })
    if busy.count == nodes.count { return }
    for name in placements.keys.sorted() {
      try await eventually("\(name) is destroyed") {
        try api(1).destroy(name)
        return true
      }
    }
    try await eventually("all units are gone") {
      try watch.processes().isEmpty && api(1).states().isEmpty && api(1).placements().isEmpty
    }
    try await startUnits()
  }

  /// Waits until every unit runs as it should, and everybody says so.
  func waitUntilSettled(with probe: TestedUnit? = nil, within timeout: Duration = .seconds(90)) async throws {
    let units = set.units + (probe.map { [$0] } ?? [])
    var unrest: String?
    do {
      try await eventually("every unit runs once, and all machines say so", within: timeout, every: .milliseconds(100))
      {
        unrest = Unrest(hosts: self, units: units).first
        return unrest == nil
      }
    } catch {
      throw CommandFailed(description: "\(error): \(unrest ?? "")")
    }
  }
}

/// What is not as it should be, once all machines are well.
struct Unrest {
  let hosts: FiveHosts
  let units: [TestedUnit]

  /// The first thing; nil when there is none.
  var first: String? {
    let processes = hosts.watch.processes()
    if let found = inProcesses(processes) { return found }
    let places = Dictionary(processes.map { ($0.unit, $0.host) }) { first, _ in first }
    for host in hosts.all {
      do {
        if let found = try inRegistry(places, asSeenBy: host) { return "machine \(host) says: \(found)" }
      } catch {
        return "machine \(host) does not say: \(error)"
      }
    }
    return nil
  }

  private func inProcesses(_ processes: Set<UnitProcess>) -> String? {
    var taken: Set<Int> = []
    for unit in units {
      let own = processes.filter { $0.unit == unit.name }
      switch unit.kind {
      case .process where own.count != 1: return "\(unit.name) has \(own.count) processes"
      case .global where own.count != hosts.all.count || Set(own.map(\.host)).count != own.count:
        return "\(unit.name) has \(own.count) processes"
      default: break
      }
      guard let host = own.first?.host else { continue }
      if let companion = unit.companion, !processes.contains(where: { $0.unit == companion && $0.host == host }) {
        return "\(unit.name) is not on the machine of \(companion)"
      }
      if unit.isExclusive, !taken.insert(host).inserted {
        return "\(unit.name) shares its machine with what it excludes"
      }
    }
    return nil
  }

  private func inRegistry(_ places: [String: Int], asSeenBy host: Int) throws -> String? {
    let api = hosts.api(host)
    let present = try api.machines()
    guard present.count == hosts.all.count else { return "\(present.count) machines are present" }
    let placements = try api.placements()
    let states = try api.states()
    var expected: Set<String> = []
    for unit in units {
      if unit.kind == .global {
        expected.formUnion(hosts.nodes.map { "\(unit.name) \($0.machineID)" })
        continue
      }
      guard let machineID = placements[unit.name], let placed = hosts.host(of: machineID) else {
        return "\(unit.name) is placed nowhere"
      }
      if unit.kind == .process, places[unit.name] != placed { return "\(unit.name) does not run where it is placed" }
      expected.insert("\(unit.name) \(machineID)")
    }
    if let missing = expected.sorted().first(where: { states[$0] != true }) { return "\(missing) is not active" }
    return states.keys.sorted().first { !expected.contains($0) }.map { "there is a state of \($0) too many" }
  }
}
