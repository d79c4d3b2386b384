// SPDX-License-Identifier: Apache-2.0

/// What a unit asks of its machine: the `[X-Fleet]` section, with specifiers replaced and old names understood.
///
/// Source: specs/fleet.md §4.
public struct UnitRequirements: Sendable, Hashable {
  /// The machine it must run on, as a full id or its first eight digits; nil when any will do.
  public var machineID: String?
  /// Metadata the machine must have, one of the values of each key, in order of first appearance.
  public var metadata: [MetadataRequirement]
  /// Units that must be on the same machine, by name.
  public var peers: [String]
  /// Units that must not be on the same machine.
  public var conflicts: [NamePattern]
  /// Units that must leave the machine this unit comes to.
  public var replaces: [NamePattern]
  /// Whether every eligible machine runs the unit.
  public var isGlobal: Bool
  /// What it says it takes of its machine.
  public var reservation: UnitReservation

  /// Values of one metadata key, any of which will do.
  public struct MetadataRequirement: Sendable, Hashable {
    /// The key.
    public var key: String
    /// The values, in order of appearance.
    public var values: [String]

    /// Makes a requirement.
    public init(key: String, values: [String]) {
      self.key = key
      self.values = values
    }
  }

  /// The section of the unit file.
  public static let section = "X-Fleet"

  /// The options of the section that mean something, old names included.
  public static let optionNames: Set<String> = [
    "MachineID", "MachineOf", "MachineMetadata", "Conflicts", "Replaces", "Global", "Weight",
    ServiceAnnouncement.optionName,
    "X-ConditionMachineID", "X-ConditionMachineBootID", "X-ConditionMachineOf", "X-ConditionMachineMetadata",
    "X-Conflicts",
  ]

  /// Reads the requirements of a unit.
  ///
  /// Specifiers are only replaced when `unitName` is a valid name. Malformed metadata is ignored, as in fleet.
  public init(of file: UnitFile, unitName: String) {
    let name = try? UnitName(unitName)
    self.init(of: file) { name?.expandingFleetSpecifiers(in: $0) ?? $0 }
  }

  /// Reads the requirements as they are written, without replacing specifiers, as validation does.
  init(unexpanded file: UnitFile) {
    self.init(of: file) { $0 }
  }

  private init(of file: UnitFile, expanding: (String) -> String) {
    func values(_ names: String...) -> [String] {
      names.flatMap { file.values(Self.section, $0) }.flatMap(Self.splitQuoted).map(expanding)
    }
    machineID = values("MachineID", "X-ConditionMachineID", "X-ConditionMachineBootID").first
    metadata = Self.metadata(values("X-ConditionMachineMetadata", "MachineMetadata"))
    peers = values("X-ConditionMachineOf", "MachineOf")
    conflicts = values("X-Conflicts", "Conflicts")
      .flatMap { $0.split(whereSeparator: \.isWhitespace) }
      .map { NamePattern(String($0)) }
    replaces = values("Replaces").map(NamePattern.init)
    isGlobal = values("Global").last.map { Self.trueWords.contains($0.lowercased()) } ?? false
    reservation = UnitReservation(of: file)
  }

  private static let trueWords: Set<String> = ["true", "yes", "1", "on", "t"]

  /// Splits `"a=b" "c=d e"` into `a=b`, `c=d e`; a value that is not in quotes from end to end stays whole.
  private static func splitQuoted(_ value: String) -> [String] {
    guard value.count > 1, value.first == "\"", value.last == "\"" else { return [value] }
    var parts = [""]
    var isQuoted = false
    for character in value {
      if character == "\"" {
        isQuoted.toggle()
      } else if character == " ", !isQuoted {
        parts.append("")
      } else {
        parts[parts.count - 1].append(character)
      }
    }
    return parts.filter { !$0.isEmpty }
  }

  private static func metadata(_ values: [String]) -> [MetadataRequirement] {
    var requirements: [MetadataRequirement] = []
    for value in values {
      let parts = value.split(separator: "=", omittingEmptySubsequences: false)
      guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { continue }
      let (key, wanted) = (String(parts[0]), String(parts[1]))
      if let known = requirements.firstIndex(where: { $0.key == key }) {
        requirements[known].values.append(wanted)
      } else {
        requirements.append(MetadataRequirement(key: key, values: [wanted]))
      }
    }
    return requirements
  }
}
