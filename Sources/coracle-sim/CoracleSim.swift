// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ClusterSim

/// Runs simulated clusters by seed.
@main
struct CoracleSim: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "coracle-sim",
    abstract: "Runs the replicated log over a simulated network, disk and clock, and checks what Raft promises.",
    discussion: "Exits 0 when every rule held, 1 when one did not (the seed is printed), 64 for a usage error."
  )

  @Option(help: "Replay one seed and print its transitions.")
  var seed: UInt64?

  @Option(help: "Run a range of seeds, written A..<B.")
  var seeds: String?

  @Option(help: "Run this many seeds, from 0.")
  var count: UInt64?

  @Option(
    name: .customLong("break"),
    help: "Break a rule on purpose: \(Simulation.breakableRules.joined(separator: ", "))."
  )
  var brokenRule: String?

  @Flag(help: "Print the trace digest of each seed.")
  var digests = false

  mutating func validate() throws {
    let given = [seed != nil, seeds != nil, count != nil].count { $0 }
    guard given == 1 else { throw ValidationError("give one of --seed, --seeds and --count") }
    if let brokenRule, !Simulation.breakableRules.contains(brokenRule) {
      let known = Simulation.breakableRules.joined(separator: ", ")
      throw ValidationError("--break \(brokenRule): there is no such rule; known are \(known)")
    }
    if seeds != nil, range == nil { throw ValidationError("--seeds is written A..<B, for example 0..<2000") }
  }

  func run() throws {
    if let seed {
      try replay(seed)
    } else if let range {
      try runAll(range)
    }
  }

  private func replay(_ seed: UInt64) throws {
    let outcome = Simulation(seed: seed, breaking: brokenRule).run(keepsTrace: true)
    for line in outcome.trace { print(line) }
    print("seed \(seed): \(outcome.committedEntries) entries committed, digest \(hexadecimal(outcome.traceDigest))")
    if let violation = outcome.violation {
      print("violated: \(violation)")
      throw ExitCode.failure
    }
  }

  private func runAll(_ range: Range<UInt64>) throws {
    var committed: UInt64 = 0
    for seed in range {
      let outcome = Simulation(seed: seed, breaking: brokenRule).run()
      committed += outcome.committedEntries
      if digests { print("seed \(seed): digest \(hexadecimal(outcome.traceDigest))") }
      if let violation = outcome.violation {
        print("seed \(seed): violated: \(violation)")
        throw ExitCode.failure
      }
    }
    print("\(range.count) seeds, \(committed) entries committed, no violation")
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
