// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import TestKit

/// What a fault may have changed, and what was seen while it lasted.
struct FaultEffects {
  /// Machines whose units may run elsewhere now.
  var affected: Set<Int> = []
  /// Those of them whose processes have ended.
  var powerless: Set<Int> = []
  /// Machines that are to be back before their presence expires; affected when they are not.
  var hurried: Set<Int> = []
  /// How often a unit of an affected machine may have started.
  var starts = 1
  /// Units whose processes were killed, and which start once more for that.
  var ended: Set<String> = []
  /// When the units of the affected machines ran elsewhere, in seconds from the fault.
  var elsewhereSeconds: Double?
  /// A unit that was placed beside the others, and how often it may have started.
  var probe: TestedUnit?
  var probeStarts = 1...1
  var violations: [String] = []
}

/// Does a fault to the machines and lets it last; ``FiveHosts/mend()`` undoes it.
struct UnitFaultInjector {
  let hosts: FiveHosts
  /// The units' processes before the fault.
  let before: Set<UnitProcess>
  var random: SeededGenerator
  var effects = FaultEffects()

  /// How long a machine is away.
  static let longAbsence = 3 * FiveHosts.ttlSeconds
  static let partition = 4 * FiveHosts.ttlSeconds

  mutating func run(_ action: UnitFault.Action) async throws {
    switch action {
    case .storeOutage(let outage): try await lose(outage)
    case .cut(let victim, let loss, let direction):
      let host = try await pick(victim)
      let others = hosts.all.filter { $0 != host }
      hosts.reach.lose([host])
      try await hosts.links.cut([host], from: others, loss, direction)
      try await stayAway([host], for: Self.partition)
    case .cutMinority:
      let minority = [try await pick(.member), try await pick(.worker)]
      hosts.reach.lose(minority)
      try await hosts.links.cut(minority, from: hosts.all.filter { !minority.contains($0) }, .dropped)
      try await stayAway(minority, for: Self.partition)
    case .isolateMember: try await isolateMember()
    case .flap: try await flap()
    case .pause(let victim, let ttls): try await pause(try await pick(victim), ttls: ttls)
    case .kill(let parts, let absence): try await kill(parts, absence)
    case .pauseUnitHost:
      let host = pickAny()
      hosts.signalUnitHost(host, SIGSTOP)
      try await last(seconds: Self.longAbsence)
      checkUntouched(hosts.all)
      hosts.signalUnitHost(host, SIGCONT)
    case .loseUnwatched: try await loseUnwatched()
    case .stop(let absence):
      let host = pickAny()
      hosts.reach.lose([host])
      try await hosts.node(host).end(SIGTERM)
      try await be(absence, [host])
    case .leave: try await leave()
    case .powerOff(let absence): try await powerOff(absence)
    case .secondMachine: try await bootSecondMachine()
    case .reinstalled: try await reinstall()
    case .killAt(let step, let absence): try await kill(at: step, absence)
    }
  }

  // MARK: Who

  mutating func pickAny() -> Int { Int.random(in: 1...hosts.all.count, using: &random) }

  mutating func pick(_ victim: UnitFault.Victim) async throws -> Int {
    switch victim {
    case .worker: return hosts.workers.randomElement(using: &random) ?? hosts.all.count
    case .member:
      let leader = try await hosts.storeLeader()
      return hosts.members.filter { $0 != leader }.randomElement(using: &random) ?? 1
    case .storeLeader: return try await hosts.storeLeader()
    case .engine: return try await hosts.engineLeader()
    }
  }

  // MARK: How long

  func last(seconds: Double) async throws {
    try await Task.sleep(for: .seconds(seconds))
  }

  /// Lets machines be away: shortly, or until long after their units run elsewhere.
  mutating func be(_ absence: UnitFault.Absence, _ away: [Int]) async throws {
    switch absence {
    case .short:
      effects.hurried.formUnion(away)
      try await last(seconds: 0.2)
    case .long: try await stayAway(away, for: Self.longAbsence)
    }
  }

  /// Waits until the units of machines run elsewhere and for the time given, and checks that their own run on.
  mutating func stayAway(_ away: [Int], for seconds: Double) async throws {
    effects.affected.formUnion(away)
    let start = Reach.now()
    let globals = Set(hosts.set.units.filter { $0.kind == .global }.map(\.name))
    let lost = Set(before.filter { away.contains($0.host) }.map(\.unit)).subtracting(globals)
    try await eventually("units of machines \(away) run elsewhere", every: .milliseconds(100)) {
      let elsewhere = Set(hosts.watch.processes().filter { !away.contains($0.host) }.map(\.unit))
      return lost.isSubset(of: elsewhere)
    }
    effects.elsewhereSeconds = Reach.now() - start
    try await last(seconds: max(0, seconds - (Reach.now() - start)))
    checkUntouched(away)
  }

  /// Notes every process that machines have lost which they should have kept.
  mutating func checkUntouched(_ machines: [Int]) {
    let now = hosts.watch.processes()
    for process in before.sorted(by: { $0.unit < $1.unit })
    where machines.contains(process.host) && !effects.powerless.contains(process.host) && !now.contains(process) {
      effects.violations.append("\(process) did not run on while its machine was away")
    }
  }

  // MARK: Faults

  private mutating func lose(_ outage: UnitFault.Outage) async throws {
    let two = Array(hosts.members.shuffled(using: &random).prefix(2))
    hosts.reach.lose(hosts.all)
    switch outage {
    case .paused:
      for host in two { hosts.signal(host, SIGSTOP) }
    case .killed:
      for host in two { try await hosts.node(host).end(SIGKILL) }
    case .rejected: try await hosts.links.cutPeers(of: hosts.members, .rejected)
    case .dropped: try await hosts.links.cutPeers(of: hosts.members, .dropped)
    case .allKilled:
      for host in hosts.all { hosts.signal(host, SIGKILL) }
      for host in hosts.all { try await hosts.node(host).end(SIGKILL) }
    }
    try await last(seconds: Self.longAbsence)
    checkUntouched(hosts.all)
  }

  /// What is placed on a worker that has asked this member so far must start there all the same.
  private mutating func isolateMember() async throws {
    let host = try await pick(.member)
    hosts.reach.lose([host])
    try await hosts.links.cutPeers(of: [host], .dropped)
    try await stayAway([host], for: FiveHosts.ttlSeconds)
    let probe = hosts.set.probe()
    effects.probe = probe
    let others = hosts.all.filter { $0 != host }
    try await eventually("\(probe.name) is accepted") {
      try hosts.api(others[0]).start(probe)
      return true
    }
    let start = Reach.now()
    do {
      try await eventually("\(probe.name) runs", within: .seconds(2 * UnitWatch.boundSeconds)) {
        hosts.watch.processes().contains { $0.unit == probe.name }
      }
    } catch {
      effects.violations.append("\(error)")
    }
    try await last(seconds: max(0, Self.partition - FiveHosts.ttlSeconds - (Reach.now() - start)))
    checkUntouched([host])
  }

  private mutating func flap() async throws {
    let host = try await pick(.worker)
    let others = hosts.all.filter { $0 != host }
    hosts.reach.lose([host])
    effects.hurried = [host]
    for _ in 1...10 {
      try await hosts.links.cut([host], from: others, .dropped)
      try await last(seconds: 0.5)
      try await hosts.links.mend()
      try await last(seconds: 0.5)
    }
  }

  private mutating func pause(_ host: Int, ttls: Double) async throws {
    hosts.reach.lose([host])
    hosts.signal(host, SIGSTOP)
    if ttls > 1 {
      try await stayAway([host], for: ttls * FiveHosts.ttlSeconds)
    } else {
      effects.hurried = [host]
      try await last(seconds: ttls * FiveHosts.ttlSeconds)
    }
  }

  private mutating func kill(_ parts: [UnitFault.Part], _ absence: UnitFault.Absence) async throws {
    let host = pickAny()
    if parts != [.unitHost] { hosts.reach.lose([host]) }
    for part in parts {
      switch part {
      case .node: try await hosts.node(host).end(SIGKILL)
      case .unitHost: hosts.killUnitHost(host)
      case .both:
        hosts.signal(host, SIGKILL)
        hosts.killUnitHost(host)
        try await hosts.node(host).end(SIGKILL)
      }
      // Sometimes the node has noticed by then, sometimes not.
      try await last(seconds: Double.random(in: 0...0.1, using: &random))
    }
    // With its unit-host alone a machine is never away.
    if parts != [.unitHost] { try await be(absence, [host]) }
  }

  private mutating func loseUnwatched() async throws {
    guard
      let victim = before.filter({ $0.unit.hasPrefix("plain@") }).sorted(by: { $0.unit < $1.unit })
        .randomElement(using: &random)
    else { return }
    hosts.reach.lose([victim.host])
    hosts.signal(victim.host, SIGKILL)
    hosts.killUnitHost(victim.host)
    try await hosts.node(victim.host).end(SIGKILL)
    Glibc.kill(victim.processID, SIGKILL)
    effects.ended = [victim.unit]
    try await be(.short, [victim.host])
  }

  private mutating func leave() async throws {
    let host = pickAny()
    let node = hosts.node(host)
    hosts.reach.lose([host])
    try await node.end(SIGTERM)
    node.extraArguments = ["--stop-units"]
    defer { node.extraArguments = [] }
    try hosts.start(host)
    try await hosts.waitUntilServing(host)
    hosts.reach.regain([host])
    try await hosts.waitUntilSettled()
    checkUntouched([host])
    hosts.reach.lose([host])
    effects.powerless = [host]
    try await node.end(SIGTERM)
    try await stayAway([host], for: FiveHosts.ttlSeconds)
    for process in hosts.watch.processes() where process.host == host {
      effects.violations.append("\(process) runs though its machine has left")
    }
  }

  private mutating func powerOff(_ absence: UnitFault.Absence) async throws {
    let host = pickAny()
    hosts.reach.lose([host])
    effects.affected = [host]
    effects.powerless = [host]
    try await hosts.node(host).powerOff()
    try hosts.beginBoot(of: hosts.node(host))
    if absence == .long { try await stayAway([host], for: Self.longAbsence) }
  }
}
