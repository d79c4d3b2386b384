// SPDX-License-Identifier: Apache-2.0

import Testing

import ClusterSim

struct StoreSimulationTests {
  /// Seeds that once failed; they stay.
  static let regressions: [UInt64] = []

  @Test(arguments: stride(from: 0 as UInt64, to: 60, by: 10).map { $0..<$0 + 10 })
  func `no rule is violated`(seeds: Range<UInt64>) {
    for seed in seeds {
      let outcome = StoreSimulation(seed: seed).run()
      #expect(outcome.violation == nil, "seed \(seed): \(outcome.window)")
      #expect(outcome.committedEntries > 0, "seed \(seed)")
      #expect(outcome.operations > 0, "seed \(seed)")
    }
  }

  @Test(arguments: regressions)
  func `seeds that once failed stay well`(seed: UInt64) {
    #expect(StoreSimulation(seed: seed).run().violation == nil)
  }

  /// The simulator would notice: each rule broken on purpose is found within 500 seeds.
  @Test(arguments: StoreSimulation.breakableRules)
  func `a broken rule is found`(rule: String) {
    let found = (0..<500 as Range<UInt64>).first { StoreSimulation(seed: $0, breaking: rule).run().violation != nil }
    #expect(found != nil)
  }

  @Test func `a seed gives the same run each time`() {
    let first = StoreSimulation(seed: 7).run(keepsTrace: true)
    let second = StoreSimulation(seed: 7).run(keepsTrace: true)
    #expect(first.trace == second.trace)
    #expect(!first.trace.isEmpty)
    #expect(first.traceDigest == StoreSimulation(seed: 7).run().traceDigest, "with and without a trace")
    #expect(first.traceDigest != StoreSimulation(seed: 8).run().traceDigest)
  }

  /// Another process hashes differently; a run must not depend on it.
  @Test func `a seed gives the same run in another process`() async throws {
    let result = await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) {
      for seed in 0..<3 as Range<UInt64> { print("digest \(seed) \(StoreSimulation(seed: seed).run().traceDigest)") }
    }
    let output = String(decoding: try #require(result).standardOutputContent, as: UTF8.self)
    for seed in 0..<3 as Range<UInt64> {
      #expect(output.contains("digest \(seed) \(StoreSimulation(seed: seed).run().traceDigest)\n"))
    }
  }
}
