// SPDX-License-Identifier: Apache-2.0
import Histories
@_spi(Simulation) import Raft

/// One run of a small simulated fleet, decided by its seed alone: machines, store and engine fail in waves.
///
/// Engine, agents and publishers are production's cores over the production keyspace; the network between them, time
/// and what units do are simulated. While faults go on no unit may run twice, move or stop without need; when they have
/// ended, each wanted unit must run once, where it is placed.
public struct FleetSimulation: Sendable {
  /// What a run came to.
  public struct Outcome: Sendable {
    /// The first rule that did not hold; nil when all did.
    public var violation: Violation?
    /// Equal for equal runs.
    public var traceDigest: UInt64
    /// One line per transition, when asked for.
    public var trace: [String]
    /// How often a unit was started.
    public var starts: Int
    /// How often a unit was taken from a machine that went away.
    public var moves: Int
    /// How many steps of placements there were, at each of which the engine can be killed.
    public var engineSteps: Int
  }

  /// Milliseconds with faults.
  public static let faultMilliseconds = 90_000
  /// Milliseconds a fleet has to recover when the faults have ended.
  public static let recoveryMilliseconds = 90_000
  /// Rules that can be broken on purpose, to see that the checks notice.
  public static let breakableRules = SimulatedFleet.BrokenRule.allCases.map(\.rawValue)

  private let seed: UInt64
  private let brokenRule: SimulatedFleet.BrokenRule?
  private let killStep: Int?

  /// A run with whatever faults the seed draws.
  ///
  /// - Parameters:
  ///   - seed: Decides everything.
  ///   - name: Name of the rule to break on purpose, one of ``breakableRules``; nil, or any other name, breaks none.
  public init(seed: UInt64, breaking name: String? = nil) {
    self.seed = seed
    brokenRule = name.flatMap(SimulatedFleet.BrokenRule.init(rawValue:))
    killStep = nil
  }

  /// A run in which the machine whose engine makes one step of a placement dies there, and nothing else happens.
  ///
  /// - Parameters:
  ///   - seed: Decides the rest.
  ///   - step: Which step, from 1; each write is one as it is sent and one as it takes effect.
  public init(seed: UInt64, killingEngineAtStep step: Int) {
    self.seed = seed
    brokenRule = nil
    killStep = step
  }

  /// Runs it.
  ///
  /// - Parameter keepsTrace: Whether the outcome has the transitions.
  /// - Returns: What it came to.
  public func run(keepsTrace: Bool = false) -> Outcome {
    var random = SplitMix64(seed: seed)
    let fleet = SimulatedFleet(
      seed: random.next(),
      machineCount: Int.random(in: 4...8, using: &random),
      ttl: .seconds(6),
      sharesView: false,
      breaking: brokenRule,
      keepsTrace: keepsTrace
    )
    fleet.begin()
    for machine in fleet.machines { fleet.after(fleet.draw(0...2_000)) { fleet.powerOn(machine) } }
    fleet.run(until: 10_000)
    var users = FleetUsers(count: Int.random(in: 6...24, using: &random), seed: random.next())
    users.begin(fleet)
    if let killStep {
      fleet.killEngineAtStep = killStep
    } else {
      var faults = FleetFaults(seed: random.next())
      while fleet.checker.violation == nil, fleet.time < .milliseconds(10_000 + Self.faultMilliseconds) {
        faults.inject(into: fleet)
        users.act(fleet)
        fleet.run(until: fleet.time.wholeMilliseconds + 500)
      }
      faults.end(in: fleet)
    }
    recover(fleet)
    return Outcome(
      violation: fleet.checker.violation,
      traceDigest: fleet.trace.digest.value,
      trace: fleet.trace.lines,
      starts: fleet.checker.startCount,
      moves: fleet.checker.moveCount,
      engineSteps: fleet.engineSteps
    )
  }

  private func recover(_ fleet: SimulatedFleet) {
    let deadline = fleet.time.wholeMilliseconds + Self.recoveryMilliseconds
    // Long enough for a machine that went away last to be missed.
    fleet.run(until: fleet.time.wholeMilliseconds + (killStep == nil ? 1_000 : 40_000))
    while fleet.checker.violation == nil, let shortcoming = fleet.shortcoming() {
      let now = fleet.time.wholeMilliseconds
      guard now < deadline else { return fleet.checker.report("convergence", shortcoming) }
      fleet.run(until: now + 1_000)
    }
    // It stays so.
    let starts = fleet.checker.startCount
    fleet.run(until: fleet.time.wholeMilliseconds + 15_000)
    if fleet.checker.startCount != starts { fleet.checker.report("rest", "units start again after all was well") }
  }
}
