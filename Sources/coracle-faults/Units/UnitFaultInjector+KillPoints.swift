// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import TestKit

/// Nodes that die at a step of a placement.
extension UnitFaultInjector {
  private static let metadataKey = "spot"

  /// Leads the nodes to a step at which one of them dies, and lets that be away.
  mutating func kill(at step: KillStep, _ absence: UnitFault.Absence) async throws {
    switch step.trigger {
    case .place:
      let probe = hosts.set.probe()
      effects.probe = probe
      // Who is away for long may have started it before it died.
      if absence == .long { effects.probeStarts = 1...2 }
      try arm(step, probe)
      try await start(probe)
      try await mourn(absence, [])
    case .move, .displace: try await move(step, absence)
    case .succession:
      let leader = try await hosts.engineLeader()
      let probe = hosts.set.probe()
      effects.probe = probe
      try arm(step, probe)
      try await hosts.node(leader).end(SIGKILL)
      try await mourn(absence, [leader])
      try await hosts.mend()
      try await start(probe)
    }
  }

  private mutating func move(_ step: KillStep, _ absence: UnitFault.Absence) async throws {
    let probe = hosts.set.probe(onlyWhere: "\(Self.metadataKey)=yes")
    let leader = try await hosts.engineLeader()
    let two = hosts.all.filter { $0 != leader }.shuffled(using: &random).prefix(2)
    let (source, target) = (two[0], two[1])
    effects.probe = probe
    // Once where it is at first.
    effects.probeStarts = 2...2
    try await setSpot(of: source, "yes")
    try await start(probe)
    try await eventually("\(probe.name) runs on machine \(source)") {
      hosts.watch.processes().contains { $0.unit == probe.name && $0.host == source }
    }
    try await hosts.waitUntilSettled(with: probe)
    try arm(step, probe)
    if step.trigger == .move { try await setSpot(of: target, "yes") }
    try await setSpot(of: source, nil)
    if step.trigger == .displace {
      try await waitForDeath([])
      try await setSpot(of: target, "yes")
    }
    try await mourn(absence, [])
  }

  private func arm(_ step: KillStep, _ probe: TestedUnit) throws {
    try (step.isOfUnit ? "\(step.step) \(probe.name)" : step.step)
      .write(toFile: hosts.killFile, atomically: true, encoding: .utf8)
  }

  /// Waits until a node has died, and lets all that have be away.
  private mutating func mourn(_ absence: UnitFault.Absence, _ killed: [Int]) async throws {
    try await waitForDeath(killed)
    let dead = hosts.all.filter { hosts.node($0).processID == nil }
    hosts.reach.lose(dead)
    if dead.count(where: hosts.members.contains) > 1 {
      // Without a majority nothing moves.
      hosts.reach.lose(hosts.all)
      try await last(seconds: absence == .short ? 0.2 : Self.longAbsence)
      checkUntouched(hosts.all)
    } else {
      try await be(absence, dead)
    }
  }

  private func waitForDeath(_ killed: [Int]) async throws {
    try await eventually("a node dies at the step it is told") {
      access(hosts.killFile, F_OK) != 0
        && hosts.all.contains { !killed.contains($0) && hosts.node($0).processID == nil }
    }
  }

  // MARK: Requests, to whichever machine answers

  private func start(_ unit: TestedUnit) async throws {
    try await ask("\(unit.name) is accepted") { try $0.start(unit) }
  }

  private func setSpot(of host: Int, _ value: String?) async throws {
    let id = hosts.node(host).machineID
    try await ask("metadata of machine \(host) is set") { try $0.setMetadata(Self.metadataKey, to: value, of: id) }
  }

  private func ask(_ what: String, _ request: (MachineAPI) throws -> Void) async throws {
    try await eventually(what) {
      for host in hosts.all where hosts.node(host).processID != nil {
        do {
          try request(hosts.api(host))
          return true
        } catch {
          continue
        }
      }
      return false
    }
  }

  /// Takes away what the run has put beside the units of all runs.
  func cleanUp() async throws {
    guard let probe = effects.probe else { return }
    try await ask("\(probe.name) is destroyed") { try $0.destroy(probe.name) }
    for host in hosts.all { try await setSpot(of: host, nil) }
    try await eventually("\(probe.name) is gone") {
      !hosts.watch.processes().contains { $0.unit == probe.name }
    }
    try await hosts.waitUntilSettled()
  }
}
