// SPDX-License-Identifier: Apache-2.0
public import Fleet

/// What fleet never had: rolls, and the evening out of machines' loads.
public protocol ClusterOperationsAPI: Sendable {
  /// All rolls that are remembered, by name.
  ///
  /// - Throws: ``FleetAPIError``.
  func rolls() async throws(FleetAPIError) -> [Roll]

  /// The roll of a template or unit.
  ///
  /// - Throws: ``FleetAPIError/notFound(_:)`` when there is none.
  func roll(of name: String) async throws(FleetAPIError) -> Roll

  /// Begins a roll.
  ///
  /// - Throws: ``FleetAPIError`` 404 when there is nothing to roll, 409 while another roll of the same is not over.
  func beginRoll(_ request: RollRequest) async throws(FleetAPIError) -> Roll

  /// Changes what a roll does.
  ///
  /// - Throws: ``FleetAPIError`` 404 when there is none, 409 when it does not stand so that it could be.
  func changeRoll(of name: String, _ change: RollChange) async throws(FleetAPIError) -> Roll

  /// The last rebalancing, and if it is asked for what one would do now.
  ///
  /// - Throws: ``FleetAPIError``.
  func rebalancing(withPlan: Bool) async throws(FleetAPIError) -> RebalancingReport

  /// Asks for a rebalancing; one that runs goes on.
  ///
  /// - Throws: ``FleetAPIError``.
  func beginRebalancing() async throws(FleetAPIError) -> Rebalancing

  /// Sets whether machines are evened out by themselves when one has come.
  ///
  /// - Throws: ``FleetAPIError``.
  func setRebalancesAutomatically(_ isAutomatic: Bool) async throws(FleetAPIError)
}

/// What is known of rebalancing.
public struct RebalancingReport: Sendable, Equatable {
  /// The last one; nil when there was none.
  public var last: Rebalancing?
  /// Whether one begins by itself when a machine has come.
  public var isAutomatic: Bool
  /// The moves that one would make now; empty when they were not asked for.
  public var plan: [UnitMove]
  /// The rolls that one which goes on waits for, by name.
  public var waitsFor: [String]

  /// Makes a report.
  public init(last: Rebalancing?, isAutomatic: Bool, plan: [UnitMove], waitsFor: [String] = []) {
    self.last = last
    self.isAutomatic = isAutomatic
    self.plan = plan
    self.waitsFor = waitsFor
  }
}
