// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import TestKit

/// Breaks clusters of members, and checks what their clients saw.
struct StoreCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "store",
    abstract: "Breaks clusters of members in network namespaces under load, and checks what clients saw.",
    discussion: """
      Each run lets clients read, write and watch while a fault comes and goes; then the stores of all members must be \
      equal, every acknowledged write must be there, the history must be linearizable, and watches must have delivered \
      every event once and in order. Needs root and iptables. The program is the one beside this, or CORACLE_BINARY.

      Exits 0 when every run held, 1 when one did not (the seed and the history are printed), 64 for a usage error.
      Known faults: \(Fault.allCases.map(\.rawValue).joined(separator: ", ")).
      """
  )

  @Option(help: "How many runs.")
  var runs = 26

  @Option(help: "Faults to draw from, separated by commas; all unless given.")
  var faults: String?

  @Option(help: "How many members: 3, 5, or 3,5 by turns.")
  var members = "3,5"

  @Option(help: "Decides which faults come when and what clients do; what processes make of it is not repeatable.")
  var seed: UInt64 = 1

  @Option(help: "Runs on one cluster before the next is booted.")
  var runsPerCluster = 13

  @Option(help: "Clusters at the same time.")
  var jobs = 1

  private static let knownSizes: Set<Int> = [3, 5]

  mutating func validate() throws {
    for name in faults?.split(separator: ",") ?? [] where Fault(rawValue: String(name)) == nil {
      throw ValidationError("--faults \(name): there is no such fault; --help lists them")
    }
    guard !sizes.isEmpty, Self.knownSizes.isSuperset(of: sizes) else {
      throw ValidationError("--members takes 3, 5, or 3,5")
    }
    guard runs > 0, runsPerCluster > 0, jobs > 0 else { throw ValidationError("numbers must be above 0") }
    guard geteuid() == 0 else { throw ValidationError("network namespaces and disks need root") }
  }

  private var sizes: [Int] { members.split(separator: ",").compactMap { Int($0) } }

  /// What one cluster goes through.
  private struct Batch: Sendable {
    var members: Int
    var runs: [(number: Int, fault: Fault)]
  }

  func run() async throws {
    let batches = planned
    let reports = await withTaskGroup(of: [RunReport].self) { group in
      var waiting = batches.makeIterator()
      var reports: [RunReport] = []
      for _ in 0..<jobs {
        if let batch = waiting.next() { group.addTask { await Self.carryOut(batch, seed: seed) } }
      }
      while let finished = await group.next() {
        reports += finished
        if let batch = waiting.next() { group.addTask { await Self.carryOut(batch, seed: seed) } }
      }
      return reports
    }
    print(FaultTable(reports: reports).markdown)
    if reports.count < runs || reports.contains(where: { $0.violation != nil }) { throw ExitCode.failure }
  }

  /// Every fault in turn, in an order that the seed decides, on clusters of the wanted sizes by turns.
  private var planned: [Batch] {
    let known = faults?.split(separator: ",").compactMap { Fault(rawValue: String($0)) } ?? Fault.allCases
    var random = SeededGenerator(seed: seed)
    var order: [Fault] = []
    while order.count < runs { order += known.shuffled(using: &random) }
    let numbered = order.prefix(runs).enumerated().map { (number: $0.offset, fault: $0.element) }
    return stride(from: 0, to: runs, by: runsPerCluster).enumerated().map { turn, first in
      Batch(
        members: sizes[turn % sizes.count],
        runs: Array(numbered[first..<min(runs, first + runsPerCluster)])
      )
    }
  }

  /// Boots a cluster and runs faults on it; after a violation or a cluster that cannot go on, the rest gets a new one.
  private static func carryOut(_ batch: Batch, seed: UInt64) async -> [RunReport] {
    var reports: [RunReport] = []
    var rest = batch.runs[...]
    var boots = 0
    while !rest.isEmpty, boots < batch.runs.count {
      boots += 1
      do {
        try await FaultCluster.with(members: batch.members) { cluster in
          while let next = rest.popFirst() {
            let runSeed = seed &* 1_000_003 &+ UInt64(next.number)
            let run = FaultRun(cluster: cluster, fault: next.fault, seed: runSeed, root: "/run\(next.number)")
            let report = try await run.run()
            reports.append(report)
            tell(report, next.number)
            if report.violation != nil {
              print(cluster.logs(lastBytes: 6_000))
              return
            }
          }
        }
      } catch {
        print("a cluster of \(batch.members) could not go on: \(error)")
      }
    }
    return reports
  }

  private static func tell(_ report: RunReport, _ number: Int) {
    let seconds = String(format: "%.1f", report.seconds)
    print(
      "run \(number): \(report.fault.rawValue), \(report.members) members, \(report.answered) operations, "
        + "\(report.unknown) unknown, \(report.watchEvents) watch events, \(seconds) s, "
        + (report.violation.map { "VIOLATED: \($0)" } ?? "ok")
    )
    fflush(nil)
  }
}
