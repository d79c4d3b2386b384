// SPDX-License-Identifier: Apache-2.0
import Fleet
import FleetWire
import Synchronization

/// Rolls and rebalances as a test says: each look shows the next of what is to come.
final class LocalOperations: ClusterOperationsAPI {
  struct State {
    /// What is seen one after another; the last stays.
    var rolls: [Roll] = []
    /// Whether rolls are forgotten after the last was seen.
    var forgetsRolls = false
    var rebalancings: [Rebalancing] = []
    var plan: [UnitMove] = []
    var waitsFor: [String] = []
    var requests: [RollRequest] = []
    var changes: [RollChange] = []
    var isAutomatic = false
    var refusal: FleetAPIError?
  }

  let state = Mutex(State())

  func rolls() async throws(FleetAPIError) -> [Roll] { state.withLock { $0.rolls } }

  func roll(of name: String) async throws(FleetAPIError) -> Roll {
    let roll = state.withLock { state in
      let isLast = state.rolls.count <= (state.forgetsRolls ? 0 : 1)
      return isLast ? state.rolls.first : state.rolls.removeFirst()
    }
    guard let roll else { throw .notFound("there is no roll of \(name)") }
    return roll
  }

  func beginRoll(_ request: RollRequest) async throws(FleetAPIError) -> Roll {
    let refusal = state.withLock { state in
      state.requests.append(request)
      return state.refusal
    }
    if let refusal { throw refusal }
    return try await roll(of: request.name)
  }

  func changeRoll(of name: String, _ change: RollChange) async throws(FleetAPIError) -> Roll {
    state.withLock { $0.changes.append(change) }
    return try await roll(of: name)
  }

  func rebalancing(withPlan: Bool) async throws(FleetAPIError) -> RebalancingReport {
    state.withLock { state in
      let last = state.rebalancings.count > 1 ? state.rebalancings.removeFirst() : state.rebalancings.first
      return RebalancingReport(
        last: last,
        isAutomatic: state.isAutomatic,
        plan: withPlan ? state.plan : [],
        waitsFor: state.waitsFor
      )
    }
  }

  func beginRebalancing() async throws(FleetAPIError) -> Rebalancing { Rebalancing() }

  func setRebalancesAutomatically(_ isAutomatic: Bool) async throws(FleetAPIError) {
    state.withLock { $0.isAutomatic = isAutomatic }
  }
}
