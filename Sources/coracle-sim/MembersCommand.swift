// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ClusterSim

/// `coracle-sim members`, which is what runs when nothing is said: simulated members of a store by seed.
struct MembersCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "members",
    abstract: "Runs the replicated log over a simulated network, disk and clock, and checks what Raft promises.",
    discussion: """
      With --store it runs whole members with their keyspace, with clients that write, read and watch, and checks that \
      what they saw can only have come from one correct store. Exits 0 when every rule held, 1 when one did not (the \
      seed is printed, and what shows it), 64 for a usage error.
      """
  )

  @Flag(help: "Simulate the whole store with its clients instead of the log alone.")
  var store = false

  @Option(help: "Replay one seed and print its transitions.")
  var seed: UInt64?

  @Option(help: "Run a range of seeds, written A..<B.")
  var seeds: String?

  @Option(help: "Run this many seeds, from 0.")
  var count: UInt64?

  @Option(
    name: .customLong("break"),
    help: """
      Break a rule on purpose: \(Simulation.breakableRules.joined(separator: ", ")); with --store: \
      \(StoreSimulation.breakableRules.joined(separator: ", ")).
      """
  )
  var brokenRule: String?

  @Flag(help: "Print the trace digest of each seed.")
  var digests = false

  @Option(help: "Run this many seeds at a time.")
  var jobs = 1

  mutating func validate() throws {
    let given = [seed != nil, seeds != nil, count != nil].count { $0 }
    guard given == 1 else { throw ValidationError("give one of --seed, --seeds and --count") }
    guard jobs > 0 else { throw ValidationError("--jobs \(jobs): it must be at least 1") }
    let rules = store ? StoreSimulation.breakableRules : Simulation.breakableRules
    if let brokenRule, !rules.contains(brokenRule) {
      let known = rules.joined(separator: ", ")
      throw ValidationError("--break \(brokenRule): there is no such rule; known are \(known)")
    }
    if seeds != nil, range == nil { throw ValidationError("--seeds is written A..<B, for example 0..<2000") }
  }

  func run() async throws {
    if let seed {
      let report = SeedReport(seed, ofStore: store, breaking: brokenRule, keepsTrace: true)
      for line in report.trace { print(line) }
      print("seed \(seed): \(report.summary), digest \(hexadecimal(report.digest))")
      try fail(report)
    } else if let range {
      try await runAll(range)
    }
  }

  private func runAll(_ range: Range<UInt64>) async throws {
    let seeds = SeedRange(range)
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<jobs {
        group.addTask { [store, brokenRule] in
          while let seed = await seeds.take() {
            await seeds.add(SeedReport(seed, ofStore: store, breaking: brokenRule))
          }
        }
      }
    }
    if digests {
      for (seed, digest) in await seeds.digests.sorted(by: { $0.seed < $1.seed }) {
        print("seed \(seed): digest \(hexadecimal(digest))")
      }
    }
    if let violated = await seeds.violated { try fail(violated) }
    if let total = await seeds.total { print("\(range.count) seeds, \(total.summary), no violation") }
  }

  /// Ends with what a report shows, if it is a violation.
  private func fail(_ report: SeedReport) throws {
    guard let violation = report.violation else { return }
    print("seed \(report.seed): violated: \(violation)")
    for line in report.window { print("  \(line)") }
    throw ExitCode.failure
  }

  private var range: Range<UInt64>? {
    if let count { return 0..<count }
    guard let seeds else { return nil }
    let bounds = seeds.split(separator: "..<", omittingEmptySubsequences: false).map { UInt64($0) }
    guard bounds.count == 2, let lower = bounds[0], let upper = bounds[1], lower < upper else { return nil }
    return lower..<upper
  }

  private func hexadecimal(_ value: UInt64) -> String { String(value, radix: 16) }
}
