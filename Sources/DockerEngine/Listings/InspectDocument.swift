// SPDX-License-Identifier: Apache-2.0
import TextTemplates

/// What the engine says of something, as templates of `docker inspect -f` see it.
///
/// docker's program fills a template from its own types first, and from the plain document when that fails: lists and
/// maps that are `null` are empty then, and pointers that were not sent are nil.
enum InspectDocument {
  /// Members that are maps; every other object is a struct.
  private static let maps: Set = [
    "Annotations", "AuxAddress", "AuxiliaryAddresses", "Containers", "Data", "Details", "DriverOpts", "ExposedPorts",
    "IndexConfigs", "Labels", "Networks", "Options", "PortBindings", "Ports", "Runtimes", "Services", "Status",
    "StorageOpt", "Sysctls", "Tmpfs", "Volumes",
  ]

  /// Members that are pointers to one value when they are `null`; every other is a list.
  private static let pointers: Set = [
    "ClusterVolume", "Healthcheck", "Health", "Init", "IPAMConfig", "MemorySwappiness", "OomKillDisable", "PidsLimit",
    "StopTimeout", "UsageData",
  ]

  /// Pointers that the engine sends only when there is something, by the member that has them.
  private static let optional = [
    "container": ["SizeRw", "SizeRootFs"], "State": ["Health"], "Config": ["Healthcheck", "StopTimeout"],
    "HostConfig": ["Init"],
  ]

  /// Other members that the engine leaves out when they are empty.
  private static let optionalValues: [String: [String: TemplateValue]] = [
    "Config": [
      "StopSignal": .string(""), "MacAddress": .string(""), "User": .string(""), "WorkingDir": .string(""),
      "Hostname": .string(""), "Domainname": .string(""), "NetworkDisabled": .bool(false),
      "ArgsEscaped": .bool(false), "Shell": .list([], .slice(.string)), "Env": .list([], .slice(.string)),
      "Cmd": .list([], .slice(.string)), "Entrypoint": .list([], .slice(.string)),
      "ExposedPorts": .map([:], .map(.structure)), "Volumes": .map([:], .map(.structure)),
      "Labels": .map([:], .map(.string)),
    ],
    "HostConfig": ["Mounts": .list([], .slice(.any)), "Annotations": .map([:], .map(.string))],
  ]

  /// The value in docker's types: of the member `name` of the member `parent`, or a whole document of a kind.
  static func typed(_ value: JSONValue, _ name: String, in parent: String = "") -> TemplateValue {
    switch value {
    case .null:
      if isMap(name, in: parent) { return .null(.map(.string)) }
      return pointers.contains(name) ? .null(.any) : .null(.slice(.string))
    case .bool(let value): return .bool(value)
    case .number: return number(value)
    case .string(let text): return .string(text)
    case .array(let elements):
      let values = elements.map { typed($0, "element", in: name) }
      return .list(values, .slice(type(ofElements: values)))
    case .object(let object):
      guard isMap(name, in: parent) else { return structure(object, name) }
      let values = object.members.map { ($0.name, typed($0.value, "value", in: name)) }
      let type = type(ofElements: values.map(\.1))
      return .map(Dictionary(values) { $1 }, .map(type == .any ? .string : type))
    }
  }

  private static func isMap(_ name: String, in parent: String) -> Bool {
    maps.contains(name) || name == "Config" && parent == "LogConfig"
  }

  private static func structure(_ object: JSONObject, _ name: String) -> TemplateValue {
    var fields = object.members.map { (name: $0.name, value: typed($0.value, $0.name, in: name)) }
    for pointer in optional[name] ?? [] where object[pointer] == nil {
      fields.append((pointer, .null(.named("*\(pointer)", .structure))))
    }
    var hidden = (optionalValues[name] ?? [:]).filter { object[$0.key] == nil }
    // Go's names of what JSON spells another way.
    for (go, json) in [("ID", "Id"), ("APIVersion", "ApiVersion")] {
      if let value = fields.first(where: { $0.name == json })?.value { hidden[go] = value }
    }
    let methods = hidden.mapValues { value in
      TemplateFunction { (_) throws(TemplateFunctionError) in value }
    }
    return .object(TemplateObject(name, fields: fields, methods: methods))
  }

  private static func type(ofElements values: [TemplateValue]) -> GoType {
    guard let first = values.first?.type else { return .any }
    switch first {
    case .named: return .named("element", .structure)
    default: return values.allSatisfy { $0.type == first } ? first : .any
    }
  }

  private static func number(_ value: JSONValue) -> TemplateValue {
    if let whole = value.int64 { return .int(Int(whole)) }
    guard case .number(let text) = value else { return .noValue }
    return .float(Double(text) ?? 0)
  }

  /// The document as it is.
  static func plain(_ value: JSONValue) -> TemplateValue {
    switch value {
    case .null: .null(.any)
    case .bool(let value): .bool(value)
    case .number: number(value)
    case .string(let text): .string(text)
    case .array(let elements): .list(elements.map(plain), .slice(.any))
    case .object(let object):
      .map(Dictionary(object.members.map { ($0.name, plain($0.value)) }) { $1 }, .map(.any))
    }
  }
}

extension JSONValue {
  /// The document with what API 1.52 took out of `NetworkSettings` put back, as units' templates expect it there.
  ///
  /// Differs: new engines do not send these members; they are filled from the network `bridge`, else from the only
  /// network there is.
  func withNetworkSettingsBackFilled() -> JSONValue {
    guard case .object(var document) = self, case .object(var settings) = document["NetworkSettings"] else {
      return self
    }
    let networks = settings["Networks"]?.members ?? []
    let source = networks.first { $0.name == "bridge" } ?? (networks.count == 1 ? networks.first : nil)
    let empty: [(String, JSONValue)] = [
      ("IPAddress", .string("")), ("IPPrefixLen", .integer(0)), ("Gateway", .string("")), ("MacAddress", .string("")),
      ("GlobalIPv6Address", .string("")), ("GlobalIPv6PrefixLen", .integer(0)), ("IPv6Gateway", .string("")),
    ]
    for (name, none) in empty where settings[name] == nil {
      settings[name] = source?.value[name] ?? none
    }
    document["NetworkSettings"] = .object(settings)
    return .object(document)
  }
}
