// SPDX-License-Identifier: Apache-2.0
import EtcdWire
public import Fleet
public import FleetWire
import NIOHTTP1

extension NodeClient: ClusterOperationsAPI {
  /// All rolls that are remembered.
  ///
  /// - Throws: ``FleetAPIError``; 503 also when no endpoint can be reached.
  public func rolls() async throws(FleetAPIError) -> [Roll] {
    let answer = try await operation(.GET, "rolls", isRepeatable: true)
    return (answer["rolls"]?.array ?? []).compactMap { Roll(json: $0) }
  }

  /// The roll of a template or unit.
  ///
  /// - Throws: ``FleetAPIError``, 404 when there is none.
  public func roll(of name: String) async throws(FleetAPIError) -> Roll {
    try Self.roll(in: try await operation(.GET, Self.path(name), isRepeatable: true))
  }

  /// Begins a roll.
  ///
  /// - Throws: ``FleetAPIError``.
  public func beginRoll(_ request: RollRequest) async throws(FleetAPIError) -> Roll {
    try Self.roll(in: try await operation(.POST, "rolls", body: request.json, isRepeatable: false))
  }

  /// Changes what a roll does.
  ///
  /// - Throws: ``FleetAPIError``.
  public func changeRoll(of name: String, _ change: RollChange) async throws(FleetAPIError) -> Roll {
    let target = Self.path(name) + "/" + change.rawValue
    return try Self.roll(in: try await operation(.POST, target, isRepeatable: false))
  }

  /// What is known of rebalancing.
  ///
  /// - Throws: ``FleetAPIError``.
  public func rebalancing(withPlan: Bool) async throws(FleetAPIError) -> RebalancingReport {
    let target = "rebalancing" + (withPlan ? "?plan=true" : "")
    return RebalancingReport(json: try await operation(.GET, target, isRepeatable: true))
  }

  /// Asks for a rebalancing.
  ///
  /// - Throws: ``FleetAPIError``.
  public func beginRebalancing() async throws(FleetAPIError) -> Rebalancing {
    let answer = try await operation(.POST, "rebalancing", isRepeatable: true)
    guard let rebalancing = Rebalancing(json: answer) else { throw .failed("the server answered no rebalancing") }
    return rebalancing
  }

  /// Sets whether one begins by itself.
  ///
  /// - Throws: ``FleetAPIError``.
  public func setRebalancesAutomatically(_ isAutomatic: Bool) async throws(FleetAPIError) {
    _ = try await operation(.PUT, "rebalancing", body: ["automatic": .bool(isAutomatic)], isRepeatable: true)
  }

  private static func path(_ name: String) -> String { "rolls/" + PercentCoding.encodedFormValue(name) }

  private static func roll(in answer: JSONValue) throws(FleetAPIError) -> Roll {
    guard let roll = Roll(json: answer) else { throw .failed("the server answered no roll") }
    return roll
  }
}
