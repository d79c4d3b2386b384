// SPDX-License-Identifier: Apache-2.0

import Testing

import ClusterSim

struct SimulationTests {
  /// Seeds that once failed; they stay.
  static let regressions: [UInt64] = [3, 18, 99, 114, 684, 1115, 3602]

  @Test(arguments: stride(from: 0 as UInt64, to: 240, by: 20).map { $0..<$0 + 20 })
  func `no rule is violated`(seeds: Range<UInt64>) {
    for seed in seeds {
      let outcome = Simulation(seed: seed).run()
      #expect(outcome.violation == nil, "seed \(seed)")
      #expect(outcome.committedEntries > 0, "seed \(seed)")
    }
  }

  @Test(arguments: regressions)
  func `seeds that once failed stay well`(seed: UInt64) {
    #expect(Simulation(seed: seed).run().violation == nil)
  }

  /// The simulator would notice: each rule broken on purpose is found within 2,000 seeds.
  @Test(arguments: Simulation.breakableRules)
  func `a broken rule is found`(rule: String) {
    let found = (0..<2_000 as Range<UInt64>).first { Simulation(seed: $0, breaking: rule).run().violation != nil }
    #expect(found != nil)
  }

  /// Before, inside and after each of the first disk calls: bootstrap, votes, appends, snapshots.
  @Test(arguments: stride(from: 0, to: 150, by: 10).map { $0..<$0 + 10 })
  func `a member may die at every step of its disk`(steps: Range<Int>) {
    for step in steps {
      let outcome = Simulation(seed: UInt64(step % 5), crashAtStep: step).run()
      #expect(outcome.violation == nil, "step \(step)")
      #expect(outcome.committedEntries > 0, "step \(step)")
    }
  }

  @Test func `a seed gives the same run each time`() {
    let first = Simulation(seed: 7).run(keepsTrace: true)
    let second = Simulation(seed: 7).run(keepsTrace: true)
    #expect(first.trace == second.trace)
    #expect(!first.trace.isEmpty)
    #expect(first.traceDigest == Simulation(seed: 7).run().traceDigest, "with and without a trace")
    #expect(first.traceDigest != Simulation(seed: 8).run().traceDigest)
  }

  /// Another process hashes differently; a run must not depend on it.
  @Test func `a seed gives the same run in another process`() async throws {
    let result = await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) {
      for seed in 0..<5 as Range<UInt64> { print("digest \(seed) \(Simulation(seed: seed).run().traceDigest)") }
    }
    let output = String(decoding: try #require(result).standardOutputContent, as: UTF8.self)
    for seed in 0..<5 as Range<UInt64> {
      #expect(output.contains("digest \(seed) \(Simulation(seed: seed).run().traceDigest)\n"))
    }
  }
}
