// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import Fleet
@_spi(Simulation) import FleetDaemon
import FleetWire
import Units

/// What a machine knows of the registry, some time after it is so.
///
/// In a large fleet all machines share one view, and what is told apart is only who follows it.
final class FleetView {
  var registry: RegistryCore
  /// Events that are on their way arrive in order: the next one not before this.
  var busyUntil = 0

  init(layout: RegistryLayout) {
    registry = RegistryCore(layout: layout)
  }
}

/// One machine of a simulated fleet: what the production shells hold, without their tasks.
final class FleetMachine {
  let number: Int
  let id: String
  let configuration: FleetConfiguration
  var view: FleetView

  // MARK: What befalls it

  var isPowered = false
  var isNodeUp = false
  var isCutOff = false
  /// Counts the lives of the node's process: what an earlier one had asked for is answered to nobody.
  var life = 0
  /// Since when others cannot hear of it; nil while they can.
  var unreachableSince: Int? = 0
  /// When it was unreachable before, by its own fault and not the store's.
  var absences: [Range<Int>] = []
  /// Since when it and the store can talk; nil while they cannot.
  var connectedSince: Int?

  // MARK: What the node knows

  var isFollowing = false
  var isRegistered = false
  var stability: StoreStability
  var leaseHeldSince: Int?
  var engine = EngineCore()
  var isPassing = false
  var isEngineWoken = false
  var isAgentWoken = false
  var isPublishing = false
  var isPublisherWoken = false

  // MARK: What runs on it, whether the node is up or not

  var units: [String: SupervisedUnit] = [:]
  /// Units that are being stopped.
  var busy: Set<String> = []

  init(number: Int, ttl: Duration, view: FleetView) {
    self.number = number
    let digits = String(number, radix: 16)
    id = String(repeating: "0", count: 8 - digits.count) + digits + String(repeating: "a", count: 24)
    configuration = FleetConfiguration(
      machineID: id,
      instanceToken: "token-\(number)",
      publicIP: "10.\(number >> 16 & 255).\(number >> 8 & 255).\(number & 255)",
      agentTTL: ttl
    )
    stability = StoreStability(ttl: ttl)
    self.view = view
  }

  /// Whether others can hear of it, if the store works.
  var isReachable: Bool { isPowered && isNodeUp && !isCutOff }

  /// For how long it was unreachable since some time.
  func absence(since start: Int, until now: Int) -> Int {
    let current = unreachableSince.map { $0..<max(now, $0) }
    return (absences + [current].compactMap { $0 }).reduce(0) { $0 + max(0, $1.upperBound - max($1.lowerBound, start)) }
  }

  /// What the agent compares with what should be.
  var currentUnits: [CurrentUnit] {
    units.values.map { CurrentUnit(name: $0.name.rawValue, hash: $0.hash, isStarted: $0.isStartRequested) }
  }

  /// The node's process is gone with what it knew.
  func forget() {
    life += 1
    isFollowing = false
    isRegistered = false
    stability = StoreStability(ttl: configuration.agentTTL)
    leaseHeldSince = nil
    engine = EngineCore()
    (isPassing, isEngineWoken, isAgentWoken, isPublishing, isPublisherWoken) = (false, false, false, false, false)
  }
}

extension SupervisedUnitState {
  static let dead = SupervisedUnitState(load: "loaded", active: "inactive", sub: "dead")
  static let starting = SupervisedUnitState(load: "loaded", active: "activating", sub: "start")
  static let running = SupervisedUnitState(load: "loaded", active: "active", sub: "running")
  static let stopping = SupervisedUnitState(load: "loaded", active: "deactivating", sub: "stop-sigterm")
}
