// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ClusterSim

/// `coracle-sim fleet`: a large fleet once, or small ones by seed.
struct FleetCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fleet",
    abstract: "Runs engine and agents of production over a simulated store.",
    discussion: """
      By itself it places many units on many machines, measures that, lets the fleet be idle, and breaks it in waves; an \
      idle fleet that writes once a second or more for each 100 machines breaks a rule, slowness does not. With \
      --count it runs that many seeds of small fleets in which machines, store and engine fail; with --seed it runs one of \
      them and prints its transitions. Exits 0 when every rule held, 1 when one did not, 64 for a usage error.
      """
  )

  @Option(help: "How many machines the large fleet has.")
  var machines = 1_000

  @Option(help: "How many units the large fleet has.")
  var units = 20_000

  @Option(
    help: "The seed of a small fleet whose transitions are printed; with --machines or --units, of the large one."
  )
  var seed: UInt64?

  @Option(help: "Run this many seeds of small fleets, from 0.")
  var count: UInt64?

  @Flag(help: "Kill the engine at every single step of a placement, one run for each, in a small fleet of --seed.")
  var killEverywhere = false

  @Option(
    name: .customLong("break"),
    help: "Break a rule on purpose in small fleets: \(FleetSimulation.breakableRules.joined(separator: ", "))."
  )
  var brokenRule: String?

  func validate() throws {
    guard machines > 1 else { throw ValidationError("--machines \(machines): it must be at least 2") }
    guard units > 0 else { throw ValidationError("--units \(units): it must be at least 1") }
    if let brokenRule, !FleetSimulation.breakableRules.contains(brokenRule) {
      let known = FleetSimulation.breakableRules.joined(separator: ", ")
      throw ValidationError("--break \(brokenRule): there is no such rule; known are \(known)")
    }
    if brokenRule != nil, seed == nil, count == nil { throw ValidationError("--break needs --seed or --count") }
    if count != nil, seed != nil { throw ValidationError("give one of --seed and --count") }
  }

  func run() async throws {
    if killEverywhere {
      try killAtEachStep(seed ?? 0)
    } else if let count {
      try runSeeds(count)
    } else if let seed, machines == 1_000, units == 20_000 {
      let outcome = FleetSimulation(seed: seed, breaking: brokenRule).run(keepsTrace: true)
      for line in outcome.trace { print(line) }
      print("seed \(seed): \(outcome.starts) starts, \(outcome.moves) moves")
      try fail(outcome.violation, "seed \(seed)")
    } else {
      let scale = FleetScale(machineCount: machines, unitCount: units, seed: seed ?? 0)
      let outcome = scale.run { part in print("\(part.name): \(part.figures.joined(separator: "; "))") }
      try fail(outcome.violation, "fleet")
      print("no violation")
    }
  }

  private func runSeeds(_ count: UInt64) throws {
    var (starts, moves) = (0, 0)
    for seed in 0..<count {
      let outcome = FleetSimulation(seed: seed, breaking: brokenRule).run()
      try fail(outcome.violation, "seed \(seed)")
      starts += outcome.starts
      moves += outcome.moves
    }
    print("\(count) seeds, \(starts) starts, \(moves) moves, no violation")
  }

  private func killAtEachStep(_ seed: UInt64) throws {
    let steps = FleetSimulation(seed: seed, killingEngineAtStep: 0).run().engineSteps
    for step in 1...max(steps, 1) {
      try fail(FleetSimulation(seed: seed, killingEngineAtStep: step).run().violation, "seed \(seed) step \(step)")
    }
    print("engine killed at each of \(steps) steps, no violation")
  }

  private func fail(_ violation: Violation?, _ run: String) throws {
    guard let violation else { return }
    print("\(run): violated: \(violation)")
    throw ExitCode.failure
  }
}
