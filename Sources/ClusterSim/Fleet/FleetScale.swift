// SPDX-License-Identifier: Apache-2.0

/// One run of a large simulated fleet: how long it takes to place everything, what that writes, what an idle fleet
/// writes, and whether it stands waves of failures.
///
/// All machines share one view of the registry, with its delay, so that a thousand of them fit into memory.
public struct FleetScale: Sendable {
  /// How many machines.
  public var machineCount: Int
  /// How many units.
  public var unitCount: Int
  /// Decides everything but the measured time.
  public var seed: UInt64
  /// The TTL of presence.
  public var ttl: Duration

  /// Makes a run.
  public init(machineCount: Int, unitCount: Int, seed: UInt64, ttl: Duration = .seconds(30)) {
    self.machineCount = machineCount
    self.unitCount = unitCount
    self.seed = seed
    self.ttl = ttl
  }

  /// What one part of the run came to.
  public struct Part: Sendable {
    /// What it is called.
    public var name: String
    /// What was measured, in words.
    public var figures: [String]
  }

  /// What the run came to.
  public struct Outcome: Sendable {
    /// The parts, in their order.
    public var parts: [Part] = []
    /// The first rule that did not hold; nil when all did.
    public var violation: Violation?
    /// Places the engine decided on in each second that it computed.
    public var placementsPerSecond = 0.0
    /// Writes a second of the idle fleet, for each hundred machines.
    public var idleWritesPerHundred = 0.0
  }

  /// Runs it.
  ///
  /// - Parameter report: Told of each part as it ends.
  /// - Returns: What it came to.
  public func run(report: (Part) -> Void = { _ in }) -> Outcome {
    let fleet = SimulatedFleet(
      seed: seed,
      machineCount: machineCount,
      ttl: ttl,
      sharesView: true,
      breaking: nil,
      keepsTrace: false
    )
    var outcome = Outcome()
    func end(_ name: String, _ figures: String...) {
      let part = Part(name: name, figures: figures)
      outcome.parts.append(part)
      report(part)
    }
    fleet.begin()
    for machine in fleet.machines { fleet.after(fleet.draw(0...10_000)) { fleet.powerOn(machine) } }
    fleet.run(until: 10_000 + fleet.ttlMilliseconds * 2)

    let placementsPerSecond = place(in: fleet, end)
    let idleWritesPerHundred = idle(in: fleet, end)
    failInWaves(in: fleet, end)
    outcome.placementsPerSecond = placementsPerSecond
    outcome.idleWritesPerHundred = idleWritesPerHundred
    outcome.violation = fleet.checker.violation
    return outcome
  }

  private typealias End = (String, String...) -> Void

  private func place(in fleet: SimulatedFleet, _ end: End) -> Double {
    let (writes, bytes, begun) = (fleet.store.writeCount, fleet.store.writtenBytes, fleet.time)
    for number in 0..<unitCount {
      let xfleet: String
      switch number % 20 {
      case 1: xfleet = "MachineOf=\(Self.unit(number - 1))\n"
      case 2: xfleet = "Conflicts=\(Self.unit(number + 1))\n"
      case 4: xfleet = "Weight=2\n"
      default: xfleet = ""
      }
      fleet.submit(Self.unit(number), xfleet: xfleet)
    }
    let client = fleet.store.writeCount - writes
    settle(fleet, within: 600_000)
    let seconds = fleet.planningTime.inSeconds
    let placementsPerSecond = seconds > 0 ? Double(fleet.plannedPlacements) / seconds : 0
    end(
      "place \(unitCount) units on \(machineCount) machines",
      "\((fleet.time - begun).inSeconds.rounded(1)) s until all run",
      "\(fleet.plannedPlacements) places decided in \(seconds.rounded(3)) s of computing: "
        + "\(Int(placementsPerSecond)) a second",
      "\(client) writes of clients, \(fleet.store.writeCount - writes - client) of engine and agents, "
        + "\(fleet.store.writtenBytes - bytes) bytes"
    )
    return placementsPerSecond
  }

  private func idle(in fleet: SimulatedFleet, _ end: End) -> Double {
    fleet.run(until: fleet.time.wholeMilliseconds + 5_000)
    let (before, begun) = (fleet.store.writes, fleet.time)
    fleet.run(until: fleet.time.wholeMilliseconds + 300_000)
    let seconds = (fleet.time - begun).inSeconds
    let counts = FleetStore.Subject.allCases.map { ($0, (fleet.store.writes[$0] ?? 0) - (before[$0] ?? 0)) }
    let total = counts.reduce(0) { $0 + $1.1 }
    let idleWritesPerHundred = Double(total) / seconds / Double(machineCount) * 100
    // A fleet of fewer machines has a lease all the same.
    let bound = max(1, Double(machineCount) / 100)
    if Double(total) / seconds >= bound {
      fleet.checker.report("idle writes", "\(total) in \(Int(seconds)) s, which is not less than \(bound) a second")
    }
    end(
      "idle for \(Int(seconds)) s",
      "\((Double(total) / seconds).rounded(2)) writes a second, "
        + "\(idleWritesPerHundred.rounded(2)) for each 100 machines",
      counts.filter { $0.1 > 0 }.map { "\($0.1) of \($0.0.rawValue)" }.joined(separator: ", ")
    )
    return idleWritesPerHundred
  }

  private func failInWaves(in fleet: SimulatedFleet, _ end: End) {
    let share = max(1, machineCount / 20)
    let long = fleet.ttlMilliseconds * 3
    for wave in 0..<4 where fleet.checker.violation == nil {
      let (moves, starts, writes) = (fleet.checker.moveCount, fleet.checker.startCount, fleet.store.writeCount)
      let victims = (0..<share).map { _ in fleet.machines[fleet.draw(0...machineCount - 1)] }
      let name: String
      switch wave {
      case 0:
        name = "\(share) machines lose power"
        for machine in victims { fleet.after(fleet.draw(0...5_000)) { fleet.powerOff(machine) } }
        fleet.after(long) { for machine in victims { fleet.powerOn(machine) } }
      case 1:
        name = "\(share) machines are cut off"
        for machine in victims { fleet.after(fleet.draw(0...5_000)) { fleet.cutOff(machine, true) } }
        fleet.after(long) { for machine in victims { fleet.cutOff(machine, false) } }
      case 2:
        name = "the store is silent for \(long / 1_000) s"
        fleet.setStore(.silent)
        fleet.after(long) { fleet.setStore(.working) }
      default:
        name = "the engine is killed again and again while \(share) machines lose power"
        for machine in victims { fleet.powerOff(machine) }
        for second in 1...12 {
          fleet.after(second * fleet.ttlMilliseconds / 6) {
            if let leader = fleet.machines.first(where: { fleet.isLeading($0) }) { fleet.stopNode(leader) }
          }
        }
        fleet.after(long) { for machine in fleet.machines { fleet.powerOn(machine); fleet.startNode(machine) } }
      }
      fleet.run(until: fleet.time.wholeMilliseconds + long + fleet.ttlMilliseconds)
      settle(fleet, within: 300_000)
      end(
        name,
        "\(fleet.checker.moveCount - moves) units moved, \(fleet.checker.startCount - starts) started, "
          + "\(fleet.store.writeCount - writes) writes"
      )
    }
  }

  private func settle(_ fleet: SimulatedFleet, within limit: Int) {
    let deadline = fleet.time.wholeMilliseconds + limit
    while fleet.checker.violation == nil, let shortcoming = fleet.shortcoming() {
      let now = fleet.time.wholeMilliseconds
      guard now < deadline else { return fleet.checker.report("convergence", shortcoming) }
      fleet.run(until: now + 500)
    }
  }

  private static func unit(_ number: Int) -> String { "app-\(number).service" }
}

extension Duration {
  fileprivate var inSeconds: Double {
    let (seconds, attoseconds) = components
    return Double(seconds) + Double(attoseconds) / 1e18
  }
}

extension Double {
  fileprivate func rounded(_ digits: Int) -> Double {
    let factor = (0..<digits).reduce(1.0) { product, _ in product * 10 }
    return (self * factor).rounded() / factor
  }
}
