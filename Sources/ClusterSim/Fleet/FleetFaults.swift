// SPDX-License-Identifier: Apache-2.0
@_spi(Simulation) import Raft
import Units

/// What goes wrong in a simulated fleet, in waves, drawn from a seed.
struct FleetFaults {
  private var random: SplitMix64

  init(seed: UInt64) {
    random = SplitMix64(seed: seed)
  }

  /// Called twice a second.
  mutating func inject(into fleet: SimulatedFleet) {
    if random.chance(6) { wave(fleet) }
    if random.chance(2) { outage(fleet) }
    if random.chance(3), fleet.killEngineAtStep.map({ $0 <= fleet.engineSteps }) ?? true {
      fleet.killEngineAtStep = fleet.engineSteps + Int.random(in: 1...12, using: &random)
    }
  }

  /// Some machines fail at about the same time, each in its own way and for its own time.
  private mutating func wave(_ fleet: SimulatedFleet) {
    let count = Int.random(in: 1...max(1, fleet.machines.count / 2), using: &random)
    for _ in 0..<count {
      let machine = random.pick(fleet.machines)
      let delay = Int.random(in: 0...1_500, using: &random)
      // Around the TTL it gets interesting.
      let duration = random.pick([200, 1_000, 3_000, 5_000, 6_500, 9_000, 20_000, 40_000])
      switch random.next() % 3 {
      case 0:
        fleet.after(delay) { fleet.powerOff(machine) }
        fleet.after(delay + duration) { fleet.powerOn(machine) }
      case 1:
        fleet.after(delay) { fleet.cutOff(machine, true) }
        fleet.after(delay + duration) { fleet.cutOff(machine, false) }
      default:
        fleet.after(delay) { fleet.stopNode(machine) }
        fleet.after(delay + duration) { fleet.startNode(machine) }
      }
    }
  }

  private mutating func outage(_ fleet: SimulatedFleet) {
    guard fleet.store.condition == .working else { return }
    let isSilent = random.chance(50)
    fleet.setStore(isSilent ? .silent : .failing)
    let duration = random.pick([300, 1_500, 2_500, 5_000, 7_000, 15_000])
    fleet.after(duration) { fleet.setStore(.working) }
  }

  /// Mends everything, apart from one machine that may stay dead.
  mutating func end(in fleet: SimulatedFleet) {
    fleet.killEngineAtStep = nil
    // What still goes wrong by itself ends by itself.
    fleet.run(until: fleet.time.wholeMilliseconds + 42_000)
    if fleet.store.condition != .working { fleet.setStore(.working) }
    let dead = random.chance(50) ? random.pick(fleet.machines).number : -1
    for machine in fleet.machines where machine.number != dead {
      fleet.cutOff(machine, false)
      fleet.powerOn(machine)
      fleet.startNode(machine)
    }
    if dead >= 0 { fleet.powerOff(fleet.machines[dead]) }
  }
}

/// What users do meanwhile.
struct FleetUsers {
  private var random: SplitMix64
  /// When they ask for a rebalancing; apart, so that all else stays as it was without.
  private var balance: SplitMix64
  private let count: Int
  private var command = 0

  init(count: Int, seed: UInt64) {
    self.count = count
    random = SplitMix64(seed: seed)
    balance = SplitMix64(seed: seed &+ 1)
  }

  /// Submits the units they begin with.
  mutating func begin(_ fleet: SimulatedFleet) {
    for number in 0..<count { submit(number, fleet) }
  }

  /// Called twice a second.
  mutating func act(_ fleet: SimulatedFleet) {
    if balance.chance(8) { fleet.requestRebalancing() }
    guard random.chance(30) else { return }
    let number = Int.random(in: 0..<count, using: &random)
    switch random.next() % 6 {
    case 0: fleet.destroy(name(number))
    case 1: fleet.setTarget(name(number), isLaunched: false)
    case 2: fleet.setTarget(name(number), isLaunched: true)
    default: if fleet.wishes[name(number)] == nil || random.chance(20) { submit(number, fleet) }
    }
  }

  private func name(_ number: Int) -> String { "u@\(number).service" }

  private mutating func submit(_ number: Int, _ fleet: SimulatedFleet) {
    command += 1
    let xfleet: String
    switch number % 6 {
    case 1: xfleet = "Global=true\n"
    case 2 where number < 14: xfleet = "Conflicts=u@2.service u@8.service\n"
    case 3: xfleet = "Weight=\(number)\n"
    default: xfleet = ""
    }
    fleet.submit(name(number), xfleet: xfleet, command: command)
  }
}
