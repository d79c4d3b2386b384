// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import Fleet
import Units

/// What the engine remembers between its passes, and decides in each: no store, no clock, no log.
///
/// The engine carries the decisions out; so does the simulator.
struct EnginePlanner: Sendable {
  private(set) var ledger = ClusterLedger()
  private var leftovers = Leftovers()
  var rollPlanner = RollPlanner()
  var rebalancer = Rebalancer()
  /// Whether a machine has come since the last look, or may have before the first.
  var machineCame = false
  /// When the last machine came that no rebalancing has followed.
  var cameAt: Duration?

  /// How many units get a place in one pass, so that a machine lost meanwhile does not wait for thousands of writes.
  static let placementsAtOnce = 2_048

  /// Something that a lost machine said.
  struct StaleState: Sendable {
    var unit: String
    var machineID: String
    var index: EtcdIndex
  }

  /// Takes over what changed.
  mutating func follow(_ changes: EngineChanges) {
    switch changes {
    case .everything(let image):
      ledger = ClusterLedger(image.snapshot(areAbsentMachinesLost: false))
      // Another engine may have seen one come, and not have lived to follow it up.
      machineCame = true
    case .some(let entries):
      for (id, machine) in entries.machines {
        guard let machine else {
          ledger.removeMachine(id)
          continue
        }
        if !ledger.hasMachine(id) { machineCame = true }
        ledger.set(machine)
      }
      for (name, job) in entries.units {
        if let job { ledger.set(job) } else { ledger.removeJob(name) }
      }
    }
  }

  /// Decides who goes where.
  ///
  /// - Parameters:
  ///   - isSettled: Whether a machine that is not present is lost.
  ///   - draining: Machines that are to give a unit away; see ``RegistryImage/machinesReadyToDrain``.
  /// - Returns: What is to be done, and what turned out to have no place.
  mutating func plan(isSettled: Bool, draining: [String]) -> ClusterPass {
    ledger.areAbsentMachinesLost = isSettled
    return ledger.plan(placingAtMost: Self.placementsAtOnce, draining: draining)
  }

  /// Decides which keys of the registry say what is no longer so.
  ///
  /// - Parameters:
  ///   - image: The registry, as far as the ledger was told of it or further.
  ///   - isSettled: Whether a machine that is not present is lost.
  ///   - now: For leftovers, which have to be seen for a while.
  ///   - wait: How long that is.
  /// - Returns: What is to be removed, as far as nobody changes it meanwhile.
  mutating func rubbish(in image: RegistryImage, isSettled: Bool, at now: Duration, after wait: Duration) -> Rubbish {
    Rubbish(
      staleStates: isSettled ? image.staleStates : [],
      leftovers: leftovers.due(in: image, at: now, after: wait)
    )
  }

  /// Keys to be removed.
  struct Rubbish: Sendable {
    /// What lost machines said about their units.
    var staleStates: [StaleState]
    /// Keys that belong to nothing any more.
    var leftovers: [Leftovers.Leftover]
  }

  /// Starts over: the leader changed.
  mutating func reset() { self = EnginePlanner() }
}

extension RegistryImage {
  /// What machines that are not present said about their units.
  fileprivate var staleStates: [EnginePlanner.StaleState] {
    absentPublishers.sorted().flatMap { id in
      (unitsByPublisher[id] ?? []).sorted().compactMap { unit in
        unitStates[unit]?[id].map { EnginePlanner.StaleState(unit: unit, machineID: id, index: $0.index) }
      }
    }
  }
}
