// SPDX-License-Identifier: Apache-2.0
import EtcdWire
public import Units

/// The value of `/machines/<id>/object`.
public struct MachineRecord: Sendable, Equatable {
  /// 32 hex digits.
  public var id: String
  /// The address others reach the machine at.
  public var publicIP: String
  /// Configured metadata.
  public var metadata: [String: String]
  /// Whether the machine never leads.
  public var isEngineDisabled: Bool
  /// The version it says it is.
  public var version: String
  /// Ours: tells one installation from another with the same id; empty from real fleetd.
  public var instanceToken: String
  /// Ours: where the machine serves its API; empty when it does not say.
  public var clientURL: String

  /// Makes a record.
  public init(
    id: String,
    publicIP: String,
    metadata: [String: String],
    isEngineDisabled: Bool = false,
    version: String = "1.0.0",
    instanceToken: String = "",
    clientURL: String = ""
  ) {
    self.id = id
    self.publicIP = publicIP
    self.metadata = metadata
    self.isEngineDisabled = isEngineDisabled
    self.version = version
    self.instanceToken = instanceToken
    self.clientURL = clientURL
  }

  /// The JSON text; fleet ignores the fields that are ours.
  public var value: String {
    let sorted = metadata.sorted { $0.key < $1.key }
    var fields: [JSONValue.Field] = [
      .init("ID", .string(id)),
      .init("PublicIP", .string(publicIP)),
      .init("Metadata", .object(sorted.map { .init($0.key, .string($0.value)) })),
      .init("Capabilities", ["DISABLE_ENGINE": .bool(isEngineDisabled), "GRPC": false]),
      .init("Version", .string(version)),
    ]
    if !instanceToken.isEmpty { fields.append(.init("InstanceToken", .string(instanceToken))) }
    if !clientURL.isEmpty { fields.append(.init("ClientURL", .string(clientURL))) }
    return JSONValue.object(fields).text
  }

  /// Reads the JSON text; nil when it is no machine.
  public init?(value: String) {
    guard let json = try? JSONValue.parse(value.utf8), let id = json["ID"]?.string else { return nil }
    self.init(
      id: id,
      publicIP: json.text("PublicIP"),
      metadata: json["Metadata"]?.textFields ?? [:],
      isEngineDisabled: json["Capabilities"]?["DISABLE_ENGINE"]?.bool ?? false,
      version: json.text("Version"),
      instanceToken: json.text("InstanceToken"),
      clientURL: json.text("ClientURL")
    )
  }
}

/// The value of `/job/<unit>/object`: which file the unit has.
public struct JobRecord: Sendable, Equatable {
  /// The unit's name.
  public var name: String
  /// The hash of its file.
  public var hash: UnitHash

  /// Makes a record.
  public init(name: String, hash: UnitHash) {
    self.name = name
    self.hash = hash
  }

  /// The JSON text; the hash is a list of 20 numbers.
  public var value: String {
    JSONValue.fields(["Name": .string(name), "UnitHash": .array(hash.bytes.map { .integer(Int64($0)) })]).text
  }

  /// Reads the JSON text; nil when it is no job.
  public init?(value: String) {
    guard let json = try? JSONValue.parse(value.utf8), let name = json["Name"]?.string,
      let hash = UnitHash(bytes: (json["UnitHash"]?.array ?? []).compactMap { $0.int.flatMap { UInt8(exactly: $0) } })
    else { return nil }
    self.init(name: name, hash: hash)
  }
}

/// The value of `/unit/<sha1>`: a unit file.
public enum UnitFileRecord {
  /// The JSON text of a file.
  public static func value(of file: UnitFile) -> String {
    JSONValue.fields(["Raw": .string(file.serialized())]).text
  }

  /// Reads the JSON text; nil when it is no unit file.
  public static func file(in value: String) -> UnitFile? {
    guard let raw = (try? JSONValue.parse(value.utf8))?["Raw"]?.string else { return nil }
    return try? UnitFile(parsing: raw)
  }
}

/// The value of `/states/<unit>/<machine id>`.
public struct UnitStateRecord: Sendable, Hashable {
  /// `loaded`, ….
  public var loadState: String
  /// `active`, ….
  public var activeState: String
  /// `running`, ….
  public var subState: String
  /// The hash of the loaded file, 40 hex digits.
  public var hash: String

  /// Makes a record.
  public init(loadState: String, activeState: String, subState: String, hash: String) {
    self.loadState = loadState
    self.activeState = activeState
    self.subState = subState
    self.hash = hash
  }

  /// The JSON text, with the machine as fleet writes it.
  public func value(machineID: String) -> String {
    let machine: JSONValue = [
      "ID": .string(machineID), "PublicIP": "", "Metadata": .null, "Capabilities": .null, "Version": "",
    ]
    return JSONValue.fields([
      "loadState": .string(loadState), "activeState": .string(activeState), "subState": .string(subState),
      "machineState": machine, "unitHash": .string(hash),
    ]).text
  }

  /// Reads the JSON text; nil when it is no state.
  public init?(value: String) {
    guard let json = try? JSONValue.parse(value.utf8), json.object != nil else { return nil }
    self.init(
      loadState: json.text("loadState"),
      activeState: json.text("activeState"),
      subState: json.text("subState"),
      hash: json.text("unitHash")
    )
  }
}

/// The value of `/lease/engine-leader`.
public struct EngineLeaseRecord: Sendable, Equatable {
  /// Who leads.
  public var machineID: String
  /// The version of its engine.
  public var version: Int

  /// The version of this engine, and what `/engine/version` holds at least.
  public static let currentVersion = 1

  /// Makes a record.
  public init(machineID: String, version: Int = EngineLeaseRecord.currentVersion) {
    self.machineID = machineID
    self.version = version
  }

  /// The JSON text.
  public var value: String {
    JSONValue.fields(["MachineID": .string(machineID), "Version": .integer(Int64(version))]).text
  }

  /// Reads the JSON text; anything else is a bare machine id of version 0, as in fleet.
  public init(value: String) {
    if let json = try? JSONValue.parse(value.utf8), let machineID = json["MachineID"]?.string {
      self.init(machineID: machineID, version: json["Version"]?.int ?? 0)
    } else {
      self.init(machineID: value, version: 0)
    }
  }
}
