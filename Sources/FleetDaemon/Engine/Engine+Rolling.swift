// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import Fleet
import FleetWire
import Logging

extension Engine {
  /// Goes on with rolls, and with a rebalancing when nothing else is to be done.
  func goOn(_ planner: inout EnginePlanner, isSettled: Bool, isQuiet: Bool, at now: Duration) async {
    let wait = configuration.agentTTL
    // What is decided here takes the image and the ledger together, so neither may be newer than the other.
    let decided = view.readIfEngineIsAbreast { image in
      (
        planner.rollSteps(in: image, isSettled: isSettled, at: now),
        planner.rebalance(in: image, isQuiet: isQuiet && isSettled, at: now, after: wait),
        image.forgottenRolls
      )
    }
    guard let (rolls, rebalancing, forgotten) = decided else { return }
    for write in rolls { await carryOut(write) }
    if let rebalancing { await carryOut(rebalancing) }
    for roll in forgotten { await registry.removeRoll(roll.name, at: roll.index) }
  }

  private func carryOut(_ write: EnginePlanner.RollWrite) async {
    let roll = write.step.roll
    var metadata: Logger.Metadata = ["roll.name": "\(roll.name)", "roll.phase": "\(roll.phase.rawValue)"]
    if let failure = roll.failure {
      metadata["unit.name"] = "\(failure.unit)"
      metadata["roll.reason"] = "\(failure.reason)"
    }
    do throws(EtcdError) {
      let index = try await registry.carryOut(write)
      logger.info("engine went on with a roll", metadata: metadata)
      await view.waitUntil(index, within: configuration.requestTimeout, clock: registry.store.clock)
    } catch {
      metadata["store.error"] = "\(error)"
      logger.warning("engine could not go on with a roll", metadata: metadata)
    }
  }

  private func carryOut(_ write: EnginePlanner.RebalancingWrite) async {
    let rebalancing = write.step.rebalancing
    var metadata: Logger.Metadata = ["rebalancing.phase": "\(rebalancing.phase.rawValue)"]
    if let move = rebalancing.current {
      metadata["unit.name"] = "\(move.units.joined(separator: " "))"
      metadata["machine.from"] = "\(move.from)"
      metadata["machine.to"] = "\(move.to)"
    }
    do throws(EtcdError) {
      let index = try await registry.carryOut(write)
      logger.notice("engine went on with a rebalancing", metadata: metadata)
      await view.waitUntil(index, within: configuration.requestTimeout, clock: registry.store.clock)
    } catch {
      metadata["store.error"] = "\(error)"
      logger.warning("engine could not go on with a rebalancing", metadata: metadata)
    }
  }
}
