// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import Synchronization
import TestKit

/// Breaks fleets of five machines, and checks what their units did.
struct UnitsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "units",
    abstract: "Breaks fleets of five machines in network namespaces, and checks what their units did.",
    discussion: """
      Three members of the store and two workers run units of every kind with an agent-ttl of 3 s. In each run a fault \
      comes and goes; then every unit must run exactly once and all machines must say so, no unit may have run for \
      long on two machines that could be told, none may have been stopped or restarted without need. What runs is read \
      from /proc. Needs root and iptables. The program is the one beside this, or CORACLE_BINARY.

      Exits 0 when every run held, 1 when one did not, 64 for a usage error.
      Known faults: \(UnitFault.known.map(\.name).joined(separator: ", ")).
      """
  )

  @Option(help: "How often each fault is done.")
  var rounds = 1

  @Option(help: "Faults to do, separated by commas; all unless given.")
  var faults: String?

  @Option(help: "Decides which machines are broken; what processes make of it is not repeatable.")
  var seed: UInt64 = 1

  @Option(help: "Fleets at the same time.")
  var jobs = 1

  mutating func validate() throws {
    let known = Set(UnitFault.known.map(\.name))
    for name in faults?.split(separator: ",") ?? [] where !known.contains(String(name)) {
      throw ValidationError("--faults \(name): there is no such fault; --help lists them")
    }
    guard rounds > 0, jobs > 0 else { throw ValidationError("numbers must be above 0") }
    guard geteuid() == 0 else { throw ValidationError("network namespaces need root") }
  }

  /// One run to be done.
  private struct Planned: Sendable {
    var number: Int
    var fault: UnitFault
    var seed: UInt64
  }

  func run() async throws {
    let wanted = faults.map { Set($0.split(separator: ",").map(String.init)) }
    let known = UnitFault.known.filter { wanted?.contains($0.name) ?? true }
    let runs = (0..<(rounds * known.count)).map { number in
      Planned(number: number, fault: known[number % known.count], seed: seed &* 1_000_003 &+ UInt64(number))
    }
    let queue = RunQueue(runs)
    let reports = await withTaskGroup(of: [UnitFaultReport].self) { group in
      for _ in 0..<jobs {
        group.addTask { await Self.carryOut(queue) }
      }
      return await group.reduce(into: []) { $0 += $1 }
    }
    print(UnitFaultTable(reports: reports).markdown)
    if reports.count < runs.count || reports.contains(where: { !$0.violations.isEmpty }) { throw ExitCode.failure }
  }

  /// The runs that no fleet has begun yet.
  private final class RunQueue: Sendable {
    private let rest: Mutex<ArraySlice<Planned>>

    init(_ runs: [Planned]) {
      rest = Mutex(runs[...])
    }

    var isEmpty: Bool { rest.withLock(\.isEmpty) }

    func next() -> Planned? { rest.withLock { $0.popFirst() } }
  }

  /// How many fleets may fail to boot, or be given up, before the rest of the runs is.
  private static let maximumBoots = 100

  /// Boots a fleet and does runs on it; after a violation the rest gets a new one.
  private static func carryOut(_ queue: RunQueue) async -> [UnitFaultReport] {
    var reports: [UnitFaultReport] = []
    var boots = 0
    while !queue.isEmpty, boots < maximumBoots {
      boots += 1
      do {
        try await FiveHosts.with { hosts in
          while let next = queue.next() {
            let report = try await UnitFaultRun(hosts: hosts, fault: next.fault, seed: next.seed).run()
            reports.append(report)
            tell(report, next.number)
            guard report.violations.isEmpty else {
              print(hosts.logs(lastBytes: 6_000))
              return
            }
          }
        }
      } catch {
        print("a fleet could not go on: \(error)")
      }
    }
    return reports
  }

  private static func tell(_ report: UnitFaultReport, _ number: Int) {
    let elsewhere = report.elsewhereSeconds.map { "units elsewhere after \(UnitFaultTable.seconds($0)), " } ?? ""
    print(
      "run \(number): \(report.fault.name), seed \(report.seed), \(elsewhere)all well again after "
        + "\(UnitFaultTable.seconds(report.recoverySeconds)), twice in reach at most "
        + "\(UnitFaultTable.seconds(report.longestPairSeconds)), \(report.starts) starts, "
        + (report.isLate ? "back late, " : "")
        + (report.violations.isEmpty ? "ok" : "VIOLATED: \(report.violations.joined(separator: "; "))")
    )
    fflush(nil)
  }
}
