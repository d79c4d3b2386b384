// SPDX-License-Identifier: Apache-2.0
public import EtcdWire
import Fleet
public import Units

extension FleetUnit {
  /// The unit as a client receives it.
  public var json: JSONValue {
    var fields = FleetFields()
    fields.add("currentState", currentState?.rawValue)
    fields.add("desiredState", desiredState.rawValue)
    fields.add("machineID", machineID)
    fields.add("name", name)
    fields.add("options", options.map(\.json))
    fields.add("reason", reason)
    fields.add("refusals", refusals.map(\.json))
    return fields.json
  }

  /// Reads what a server sent; nil when it is no unit.
  public init?(json: JSONValue) {
    guard let name = json["name"]?.string else { return nil }
    let machineID = json.text("machineID")
    self.init(
      name: name,
      options: (json["options"]?.array ?? []).compactMap { UnitOption(json: $0) },
      desiredState: JobState(rawValue: json.text("desiredState")) ?? .inactive,
      currentState: JobState(rawValue: json.text("currentState")),
      machineID: machineID.isEmpty ? nil : machineID,
      reason: json["reason"]?.string,
      refusals: (json["refusals"]?.array ?? []).compactMap { FleetRefusal(json: $0) }
    )
  }
}

extension FleetRefusal {
  /// The refusal as a client receives it.
  public var json: JSONValue {
    ["machineID": .string(machineID), "reason": .string(reason)]
  }

  /// Reads what a server sent; nil when it is no refusal.
  public init?(json: JSONValue) {
    guard let machineID = json["machineID"]?.string else { return nil }
    self.init(machineID: machineID, reason: json.text("reason"))
  }
}

extension UnitOption {
  /// The option as it stands in `options`.
  public var json: JSONValue {
    var fields = FleetFields()
    fields.add("name", name)
    fields.add("section", section)
    fields.add("value", value)
    return fields.json
  }

  /// Reads what was sent; missing fields are empty, nil when it is no object.
  public init?(json: JSONValue) {
    guard json.object != nil else { return nil }
    self.init(section: json.text("section"), name: json.text("name"), value: json.text("value"))
  }
}

extension FleetUnitRequest {
  /// The body as a client sends it.
  public var json: JSONValue {
    var fields = FleetFields()
    fields.add("desiredState", desiredState)
    fields.add("name", name)
    fields.add("options", options.map(\.json))
    return fields.json
  }

  /// Reads the body of a `PUT`: steps 1 and 2 of specs/fleet.md §2.4.
  ///
  /// - Parameters:
  ///   - body: The whole body.
  ///   - contentTypes: Every `Content-Type` header of the request.
  /// - Throws: ``FleetAPIError`` 415 or 400 with fleet's texts.
  public init(body: some Sequence<UInt8>, contentTypes: [String]) throws(FleetAPIError) {
    guard contentTypes.count == 1, let contentType = contentTypes.first else {
      throw .unsupportedMediaType("expected 1 Content-Type, got \(contentTypes.count)")
    }
    let mediaType = contentType.split(separator: ";", omittingEmptySubsequences: false).first ?? ""
    guard mediaType.lowercased().filter({ $0 != " " && $0 != "\t" }) == "application/json" else {
      throw .unsupportedMediaType("only acceptable Content-Type is application/json")
    }
    do throws(GoJSON.Failure) {
      try self.init(json: GoJSON.firstValue(in: body))
    } catch {
      throw .badRequest("unable to decode body: \(error.message)")
    }
  }

  private init(json: JSONValue) throws(GoJSON.Failure) {
    let fields = try GoFields(json, type: "schema.Unit")
    self.init(name: try fields.text("name"), desiredState: try fields.text("desiredState"))
    for option in try fields.list("options", of: "schema.UnitOption") {
      let fields = try GoFields(option, type: "schema.UnitOption")
      options.append(
        UnitOption(
          section: try fields.text("section"),
          name: try fields.text("name"),
          value: try fields.text("value")
        )
      )
    }
  }
}

extension FleetUnitState {
  /// The state as a client receives it.
  public var json: JSONValue {
    var fields = FleetFields()
    fields.add("hash", hash)
    fields.add("machineID", machineID)
    fields.add("name", name)
    fields.add("systemdActiveState", activeState)
    fields.add("systemdLoadState", loadState)
    fields.add("systemdSubState", subState)
    return fields.json
  }

  /// Reads what a server sent; nil when it is no state.
  public init?(json: JSONValue) {
    guard let name = json["name"]?.string else { return nil }
    self.init(
      name: name,
      hash: json.text("hash"),
      machineID: json.text("machineID"),
      loadState: json.text("systemdLoadState"),
      activeState: json.text("systemdActiveState"),
      subState: json.text("systemdSubState")
    )
  }
}
