// SPDX-License-Identifier: Apache-2.0
public import EtcdWire
public import Fleet

extension Rebalancing {
  /// The rebalancing as it is kept in the store, and as clients receive it.
  public var json: JSONValue {
    var fields = FleetFields()
    fields.add("current", current.map { [$0.json] } ?? [])
    fields.add("moveCount", Int64(moveCount))
    fields.add("moves", moves.map(\.json))
    fields.add("phase", phase.rawValue)
    fields.add("reason", reason)
    return fields.json
  }

  /// Reads it; nil when it is none.
  public init?(json: JSONValue) {
    guard let phase = Phase(rawValue: json.text("phase")) else { return nil }
    self.init(
      phase: phase,
      current: json["current"]?.array?.first.flatMap { UnitMove(json: $0) },
      moves: (json["moves"]?.array ?? []).compactMap { UnitMove(json: $0) },
      moveCount: json["moveCount"]?.int ?? 0,
      reason: json["reason"]?.string
    )
  }

  /// Reads the text that is kept in the store; nil when it is none.
  public init?(value: String) {
    guard let json = try? JSONValue.parse(value.utf8) else { return nil }
    self.init(json: json)
  }
}

extension UnitMove {
  /// The move as it is kept.
  public var json: JSONValue {
    ["from": .string(from), "to": .string(to), "units": .array(units.map { .string($0) })]
  }

  /// Reads it; nil when it is none.
  public init?(json: JSONValue) {
    guard let from = json["from"]?.string, let to = json["to"]?.string else { return nil }
    let units = (json["units"]?.array ?? []).compactMap(\.string)
    guard !units.isEmpty else { return nil }
    self.init(units: units, from: from, to: to)
  }
}

extension RebalancingReport {
  /// The report as clients receive it.
  public var json: JSONValue {
    var fields = FleetFields()
    fields.add("automatic", isAutomatic)
    fields.add("last", last.map { [$0.json] } ?? [])
    fields.add("plan", plan.map(\.json))
    fields.add("waitsFor", waitsFor.map { .string($0) })
    return fields.json
  }

  /// Reads it.
  public init(json: JSONValue) {
    self.init(
      last: json["last"]?.array?.first.flatMap { Rebalancing(json: $0) },
      isAutomatic: json["automatic"]?.bool ?? false,
      plan: (json["plan"]?.array ?? []).compactMap { UnitMove(json: $0) },
      waitsFor: (json["waitsFor"]?.array ?? []).compactMap(\.string)
    )
  }
}
