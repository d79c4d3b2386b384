// SPDX-License-Identifier: Apache-2.0

import Testing

import ClusterSim

struct FleetSimulationTests {
  /// Seeds that once failed; they stay.
  static let regressions: [UInt64] = [26, 188, 253, 933]

  @Test(arguments: stride(from: 0 as UInt64, to: 20, by: 4).map { $0..<$0 + 4 })
  func `no rule is violated`(seeds: Range<UInt64>) {
    for seed in seeds {
      let outcome = FleetSimulation(seed: seed).run()
      #expect(outcome.violation == nil, "seed \(seed)")
      #expect(outcome.starts > 0, "seed \(seed)")
    }
  }

  @Test(arguments: regressions)
  func `seeds that once failed stay well`(seed: UInt64) {
    #expect(FleetSimulation(seed: seed).run().violation == nil)
  }

  /// The simulator would notice: each rule broken on purpose is found within 100 seeds.
  @Test(arguments: FleetSimulation.breakableRules)
  func `a broken rule is found`(rule: String) {
    let found = (0..<100 as Range<UInt64>).first { FleetSimulation(seed: $0, breaking: rule).run().violation != nil }
    #expect(found != nil)
  }

  @Test func `the engine may die at every step of a placement`() {
    let steps = FleetSimulation(seed: 3, killingEngineAtStep: 0).run().engineSteps
    #expect(steps > 10)
    for step in 1...steps {
      #expect(FleetSimulation(seed: 3, killingEngineAtStep: step).run().violation == nil, "step \(step)")
    }
  }

  @Test func `a seed gives the same run each time`() {
    let first = FleetSimulation(seed: 7).run(keepsTrace: true)
    let second = FleetSimulation(seed: 7).run(keepsTrace: true)
    #expect(first.trace == second.trace && !first.trace.isEmpty)
    #expect(first.traceDigest == FleetSimulation(seed: 7).run().traceDigest, "with and without a trace")
    #expect(first.traceDigest != FleetSimulation(seed: 8).run().traceDigest)
  }

  /// Another process hashes differently; a run must not depend on it.
  @Test func `a seed gives the same run in another process`() async throws {
    let result = await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) {
      for seed in 0..<2 as Range<UInt64> { print("digest \(seed) \(FleetSimulation(seed: seed).run().traceDigest)") }
    }
    let output = String(decoding: try #require(result).standardOutputContent, as: UTF8.self)
    for seed in 0..<2 as Range<UInt64> {
      #expect(output.contains("digest \(seed) \(FleetSimulation(seed: seed).run().traceDigest)\n"))
    }
  }

  @Test func `a fleet of some size is placed, is quiet, and stands waves of failures`() {
    let outcome = FleetScale(machineCount: 40, unitCount: 400, seed: 1).run()
    #expect(outcome.violation == nil)
    #expect(outcome.parts.count == 6)
    #expect(outcome.placementsPerSecond > 0)
  }
}
