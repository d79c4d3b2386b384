// SPDX-License-Identifier: Apache-2.0
import Foundation
import TestKit

/// What one run came to.
struct UnitFaultReport: Sendable {
  var fault: UnitFault
  var seed: UInt64
  /// From the fault until the units of lost machines ran elsewhere; nil when none had to.
  var elsewhereSeconds: Double?
  /// From its end until every unit ran once and all machines said so.
  var recoverySeconds = 0.0
  /// How long a unit ran on two machines that were both in reach, at most.
  var longestPairSeconds = 0.0
  /// Whether a machine that was to be back within its TTL was not, so that its units might move.
  var isLate = false
  /// How many units were started from the fault on.
  var starts = 0
  var violations: [String] = []
}

/// One run: a fault comes and goes, and what the units' processes did meanwhile is checked.
struct UnitFaultRun {
  let hosts: FiveHosts
  let fault: UnitFault
  let seed: UInt64

  /// How long all must stay as it is once it is well.
  private static let restSeconds = 1.5

  func run() async throws -> UnitFaultReport {
    try await hosts.spreadUnits()
    try await hosts.waitUntilSettled()
    let onceHosts = try Set(
      hosts.set.units.filter { $0.kind == .oneshot }.compactMap { unit in
        try hosts.api(1).placements()[unit.name].flatMap { hosts.host(of: $0) }
      }
    )
    let before = hosts.watch.processes()
    hosts.watch.reset()
    let start = Reach.now()
    let startIndex = try hosts.api(1).storeIndex()
    var report = UnitFaultReport(fault: fault, seed: seed)
    var injector = UnitFaultInjector(hosts: hosts, before: before, random: SeededGenerator(seed: seed))
    var mended = Reach.now()
    do {
      try await injector.run(fault.action)
      mended = Reach.now()
      try await hosts.mend()
      try await hosts.waitUntilSettled(with: injector.effects.probe)
      report.recoverySeconds = Reach.now() - mended
      try await Task.sleep(for: .seconds(Self.restSeconds))
      try await hosts.waitUntilSettled(with: injector.effects.probe)
    } catch {
      report.violations.append("\(error)")
    }
    var effects = injector.effects
    if !effects.hurried.isEmpty {
      let expired = try hosts.api(1).expired(after: startIndex).compactMap { hosts.host(of: $0) }
      let late = effects.hurried.intersection(expired)
      effects.affected.formUnion(late)
      report.isLate = !late.isEmpty
      if report.isLate { effects.probeStarts = effects.probeStarts.lowerBound...(effects.probeStarts.upperBound + 1) }
    }
    let check = UnitFaultCheck(
      units: hosts.set.units,
      before: before,
      after: hosts.watch.processes(),
      onceHosts: onceHosts,
      starts: hosts.watch.lines(after: start).filter { $0.verb == "start" },
      settledAt: report.violations.isEmpty ? mended + report.recoverySeconds : nil,
      effects: effects
    )
    report.elsewhereSeconds = effects.elsewhereSeconds
    report.starts = check.starts.count
    let findings = hosts.watch.findings
    report.longestPairSeconds = findings.longestPairSeconds
    report.violations += effects.violations + findings.violations + check.violations
    if report.violations.isEmpty { try await injector.cleanUp() }
    return report
  }
}

/// Compares what ran before a fault with what runs after it, and with what was started meanwhile.
struct UnitFaultCheck {
  let units: [TestedUnit]
  let before: Set<UnitProcess>
  let after: Set<UnitProcess>
  /// Where the units without processes were.
  let onceHosts: Set<Int>
  let starts: [UnitLine]
  /// When all was well again; nothing starts after that.
  let settledAt: Double?
  let effects: FaultEffects

  var violations: [String] { keptProcesses + countedStarts + rest }

  /// Whatever was in reach has the processes it had.
  private var keptProcesses: [String] {
    let globals = Set(units.filter { $0.kind == .global }.map(\.name))
    return before.sorted { $0.unit < $1.unit }.compactMap { process in
      let mayChange = effects.affected.contains(process.host) || effects.ended.contains(process.unit)
      let mustStay = !mayChange || (globals.contains(process.unit) && !effects.powerless.contains(process.host))
      return mustStay && !after.contains(process) ? "\(process) was taken away or restarted without need" : nil
    }
  }

  private var countedStarts: [String] {
    units.flatMap { unit -> [String] in
      let lines = starts.filter { $0.unit == unit.name }
      if unit.kind == .global {
        return Dictionary(grouping: lines, by: \.host).compactMap { host, lines in
          let allowed = effects.powerless.contains(host) ? effects.starts : 0
          return lines.count > allowed ? "\(unit.name) was started \(lines.count) times on machine \(host)" : nil
        }
      }
      let homes = unit.kind == .oneshot ? onceHosts : Set(before.filter { $0.unit == unit.name }.map(\.host))
      let mayMove = !homes.isDisjoint(with: effects.affected)
      // What ended is started by its machine as that comes back, before it can know of another.
      let allowed = (mayMove ? effects.starts : 0) + (effects.ended.contains(unit.name) ? 1 : 0)
      return lines.count > allowed ? ["\(unit.name) was started \(lines.count) times, \(allowed) allowed"] : []
    } + probeStarts
  }

  private var probeStarts: [String] {
    guard let probe = effects.probe else { return [] }
    let count = starts.count { $0.unit == probe.name }
    return effects.probeStarts.contains(count) ? [] : ["\(probe.name) was started \(count) times"]
  }

  private var rest: [String] {
    guard let settledAt else { return [] }
    return starts.filter { $0.seconds > settledAt + 0.1 }.map { "\($0.unit) started though all was well" }
  }
}
