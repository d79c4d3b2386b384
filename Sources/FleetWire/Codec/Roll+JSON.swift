// SPDX-License-Identifier: Apache-2.0
public import EtcdWire
public import Fleet
import Units

extension Roll {
  /// The roll as it is kept in the store, and as clients receive it.
  public var json: JSONValue {
    var fields = FleetFields()
    fields.add("copies", copies.map(\.json))
    fields.add("failure", failure.map { [$0.json] } ?? [])
    fields.add("global", isGlobal)
    fields.add("hash", hash?.description)
    fields.add("healthTimeoutMilliseconds", healthTimeout.milliseconds)
    fields.add("maxUnavailable", Int64(maxUnavailable))
    fields.add("name", name)
    fields.add("phase", phase.rawValue)
    return fields.json
  }

  /// Reads it; nil when it is no roll.
  public init?(json: JSONValue) {
    guard let name = json["name"]?.string, let phase = Phase(rawValue: json.text("phase")),
      let timeout = json["healthTimeoutMilliseconds"]?.int64
    else { return nil }
    let copies = json["copies"]?.array ?? []
    self.init(
      name: name,
      isGlobal: json["global"]?.bool ?? false,
      hash: UnitHash(hex: json.text("hash")),
      maxUnavailable: json["maxUnavailable"]?.int ?? 1,
      healthTimeout: .milliseconds(timeout),
      copies: copies.compactMap { RollCopy(json: $0) }
    )
    // Half a roll would leave copies behind.
    guard self.copies.count == copies.count else { return nil }
    self.phase = phase
    failure = json["failure"]?.array?.first.flatMap { RollFailure(json: $0) }
  }

  /// Reads the text that is kept in the store; nil when it is no roll.
  public init?(value: String) {
    guard let json = try? JSONValue.parse(value.utf8) else { return nil }
    self.init(json: json)
  }
}

extension RollCopy {
  /// The copy as it is kept.
  public var json: JSONValue {
    var fields = FleetFields()
    fields.add("index", Int64(clamping: index))
    fields.add("machineID", machineID)
    fields.add("note", note)
    fields.add("oldHash", oldHash.description)
    fields.add("rolled", isRolled)
    fields.add("stage", stage.rawValue)
    fields.add("unit", unit)
    return fields.json
  }

  /// Reads it; nil when it is no copy.
  public init?(json: JSONValue) {
    guard let unit = json["unit"]?.string, let oldHash = UnitHash(hex: json.text("oldHash")),
      let stage = Stage(rawValue: json.text("stage"))
    else { return nil }
    self.init(
      unit: unit,
      machineID: json["machineID"]?.string,
      oldHash: oldHash,
      isRolled: json["rolled"]?.bool ?? false,
      stage: stage,
      index: UInt64(clamping: json["index"]?.int64 ?? 0),
      note: json["note"]?.string
    )
  }
}

extension RollFailure {
  /// The failure as it is kept.
  public var json: JSONValue {
    var fields = FleetFields()
    fields.add("machineID", machineID)
    fields.add("reason", reason)
    fields.add("unit", unit)
    return fields.json
  }

  /// Reads it; nil when it is no failure.
  public init?(json: JSONValue) {
    guard let unit = json["unit"]?.string else { return nil }
    self.init(unit: unit, machineID: json["machineID"]?.string, reason: json.text("reason"))
  }
}

extension Duration {
  fileprivate var milliseconds: Int64 {
    let (seconds, attoseconds) = components
    return seconds * 1_000 + attoseconds / 1_000_000_000_000_000
  }
}
