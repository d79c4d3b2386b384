// SPDX-License-Identifier: Apache-2.0

/// Collects the flags of one `run` or `create` into a specification.
struct ContainerFlagReader {
  var specification = ContainerSpecification(image: "")
  var warnings: [String] = []
  var unitWarnings: [String] = []
  var addedCapabilities: [String] = []
  var droppedCapabilities: [String] = []
  var healthCheck = JSONObject()
  var isHealthCheckOff = false

  /// Understands the words of `run` or `create`.
  static func read(
    _ words: inout VerbWords,
    flags: [ContainerFlag]
  ) throws(DockerCommandLineError) -> ContainerSpecification {
    var reader = try collected(words, flags)
    reader.specification.image = try words.image(0).description
    reader.specification.arguments = Array(words.arguments.dropFirst())
    words.warnings += reader.warnings
    words.unitWarnings += reader.unitWarnings
    return reader.specification
  }

  /// What an `update` changes.
  static func hostChanges(
    _ words: inout VerbWords,
    flags: [ContainerFlag]
  ) throws(DockerCommandLineError) -> JSONObject {
    let reader = try collected(words, flags)
    words.warnings += reader.warnings
    return reader.specification.hostConfiguration
  }

  private static func collected(
    _ words: VerbWords,
    _ flags: [ContainerFlag]
  ) throws(DockerCommandLineError) -> ContainerFlagReader {
    var reader = ContainerFlagReader()
    for flag in words.flags {
      guard let effect = flags.first(where: { $0.definition.name == flag.name })?.effect else { continue }
      try reader.apply(flag, effect)
    }
    try reader.finish()
    return reader
  }

  private mutating func apply(_ flag: FoundFlag, _ effect: ContainerFlag.Effect) throws(DockerCommandLineError) {
    switch effect {
    case .text(let place, let member): set(place, member, .string(flag.value))
    case .list(let place, let member): append(place, member, .string(flag.value))
    case .integer(let place, let member): set(place, member, .integer(try flag.integer()))
    case .sizeBytes(let place, let member): set(place, member, .integer(try flag.sizeBytes()))
    case .sizeBytesOrUnlimited(let place, let member):
      set(place, member, .integer(try flag.sizeBytesOrUnlimited()))
    case .toggle(let place, let member): set(place, member, try flag.bool() ? .bool(true) : nil)
    case .pairs(let place, let member):
      let pair = flag.pair()
      setEntry(place, member, pair.key, .string(pair.value))
    case .special: try applySpecial(flag)
    case .ignored(let reason): warnings.append("flag --\(flag.name) has no effect: \(reason)")
    }
  }

  private mutating func finish() throws(DockerCommandLineError) {
    let restart = specification.hostConfiguration["RestartPolicy"]?["Name"]?.string ?? "no"
    if restart != "no" {
      if specification.removesOnExit {
        throw .conflict("conflicting options: cannot specify both --restart and --rm")
      }
      unitWarnings.append("--restart \(restart): the engine restarts this container, beside the unit's own Restart=")
    }
    if isHealthCheckOff {
      guard healthCheck.isEmpty else { throw .conflict("--no-healthcheck and --health-* exclude each other") }
      healthCheck["Test"] = .strings(["NONE"])
    }
    if !healthCheck.isEmpty { set(.configuration, "Healthcheck", .object(healthCheck)) }
    let capabilities = CapabilityLists(added: addedCapabilities, dropped: droppedCapabilities)
    if !capabilities.added.isEmpty { set(.host, "CapAdd", .strings(capabilities.added)) }
    if !capabilities.dropped.isEmpty { set(.host, "CapDrop", .strings(capabilities.dropped)) }
  }

  /// Sets a member; nil removes it.
  mutating func set(_ place: ContainerFlag.Place, _ member: String, _ value: JSONValue?) {
    switch place {
    case .configuration: specification.configuration[member] = value
    case .host: specification.hostConfiguration[member] = value
    case .endpoint: specification.endpoint[member] = value
    }
  }

  /// Appends to a member that is a list.
  mutating func append(_ place: ContainerFlag.Place, _ member: String, _ value: JSONValue) {
    set(place, member, .array((get(place, member)?.elements ?? []) + [value]))
  }

  /// Sets an entry of a member that is a map.
  mutating func setEntry(_ place: ContainerFlag.Place, _ member: String, _ key: String, _ value: JSONValue) {
    var entries = JSONObject(get(place, member)?.members.map { ($0.name, $0.value) } ?? [])
    entries[key] = value
    set(place, member, .object(entries))
  }

  func get(_ place: ContainerFlag.Place, _ member: String) -> JSONValue? {
    switch place {
    case .configuration: specification.configuration[member]
    case .host: specification.hostConfiguration[member]
    case .endpoint: specification.endpoint[member]
    }
  }
}

/// `--cap-add` and `--cap-drop` as docker's command line sends them: upper case, `CAP_` in front, sorted, without
/// duplicates; `ALL` swallows the rest of its list, and what is added is not dropped.
struct CapabilityLists {
  var added: [String]
  var dropped: [String]

  init(added: [String], dropped: [String]) {
    let added = Self.normalize(added)
    self.added = added
    self.dropped = Self.normalize(dropped).filter { !added.contains($0) }
  }

  private static func normalize(_ names: [String]) -> [String] {
    let names = names.map { name in
      let name = name.uppercased()
      return name == "ALL" || name.hasPrefix("CAP_") ? name : "CAP_" + name
    }
    return names.contains("ALL") ? ["ALL"] : Set(names).sorted()
  }
}
