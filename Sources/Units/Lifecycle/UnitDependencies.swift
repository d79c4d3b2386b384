// SPDX-License-Identifier: Apache-2.0

/// What one unit is to another, by the directive that says so.
///
/// Source: systemd.unit(5); systemd v252 `src/core/unit-dependency-atom.c` for what follows from each.
public enum UnitRelation: String, Sendable, Hashable, CaseIterable {
  /// Started with it; where one fails or is missing, it is not started.
  case requires = "Requires"
  /// Has to be active already.
  case requisite = "Requisite"
  /// Started with it, whatever becomes of them.
  case wants = "Wants"
  /// As `requires`, and it stops whenever one of them stops.
  case bindsTo = "BindsTo"
  /// Stops and restarts with them.
  case partOf = "PartOf"
  /// Started whenever they are down while it is up.
  case upholds = "Upholds"
  /// Stopped when it starts, and the reverse.
  case conflicts = "Conflicts"
  /// What is started before it when both are.
  case after = "After"
  /// What is started after it when both are.
  case before = "Before"
  /// Started when it fails.
  case onFailure = "OnFailure"
  /// Started when it has ended well.
  case onSuccess = "OnSuccess"
  /// Stopped with it.
  case propagatesStopTo = "PropagatesStopTo"
  /// What it stops with.
  case stopPropagatedFrom = "StopPropagatedFrom"
  /// Reloaded with it.
  case propagatesReloadTo = "PropagatesReloadTo"
  /// What it is reloaded with.
  case reloadPropagatedFrom = "ReloadPropagatedFrom"
  /// In `[Install]`: they want it.
  case wantedBy = "WantedBy"
  /// In `[Install]`: they require it.
  case requiredBy = "RequiredBy"
  /// In `[Install]`: they uphold it.
  case upheldBy = "UpheldBy"

  /// The relation of an option; nil when the option is about something else.
  init?(section: String, option: String) {
    switch option {
    case "BindTo": self = .bindsTo
    case "PropagateReloadTo": self = .propagatesReloadTo
    case "PropagateReloadFrom": self = .reloadPropagatedFrom
    default:
      guard let relation = Self(rawValue: option) else { return nil }
      self = relation
    }
    guard isInstalled == (section == "Install") else { return nil }
  }

  /// Whether it stands in `[Install]`.
  var isInstalled: Bool { self == .wantedBy || self == .requiredBy || self == .upheldBy }

  /// The same seen from the other unit; nil when no directive says that.
  var inverse: UnitRelation? {
    switch self {
    case .wants: .wantedBy
    case .wantedBy: .wants
    case .requires: .requiredBy
    case .requiredBy: .requires
    case .upholds: .upheldBy
    case .upheldBy: .upholds
    case .after: .before
    case .before: .after
    case .propagatesStopTo: .stopPropagatedFrom
    case .stopPropagatedFrom: .propagatesStopTo
    case .propagatesReloadTo: .reloadPropagatedFrom
    case .reloadPropagatedFrom: .propagatesReloadTo
    case .requisite, .bindsTo, .partOf, .conflicts, .onFailure, .onSuccess: nil
    }
  }
}

/// What a unit needs of other units, its place in their order, and when it is started and stopped.
public struct UnitDependencies: Sendable, Equatable {
  /// Names of other units by what they are to this one, in the order of the file; some may not be there.
  public var related: [UnitRelation: [String]] = [:]
  /// `Alias=` in `[Install]`: other names of the unit.
  public var aliases: [String] = []
  /// `RefuseManualStart=`: it is started for others only.
  public var refusesManualStart = false
  /// `RefuseManualStop=`: it is stopped for others only.
  public var refusesManualStop = false
  /// `StopWhenUnneeded=`: it is stopped once no other unit that is up needs it.
  public var stopsWhenUnneeded = false
  /// `JobTimeoutSec=`: how long a start or stop may take, with all waiting for others; nil is for ever.
  public var jobTimeout: Duration?
  /// `JobRunningTimeoutSec=`: how long once it has begun; nil is for ever.
  public var jobRunningTimeout: Duration?

  /// Makes no dependencies.
  public init() {}

  /// Names of other units.
  subscript(_ relation: UnitRelation) -> [String] {
    get { related[relation] ?? [] }
    set { related[relation] = newValue.isEmpty ? nil : newValue }
  }
}

/// The units of a machine and what they are to each other, whichever of two units says so.
struct UnitRelations: Sendable, Equatable {
  private var dependencies: [UnitName: UnitDependencies] = [:]
  /// Units by each of their names.
  private var named: [String: UnitName] = [:]
  /// Aliases of units that have some, and `After=` and `Before=` of those that have it.
  private var aliases: [UnitName: [String]] = [:]
  private var after: [UnitName: Set<String>] = [:]
  private var before: [UnitName: Set<String>] = [:]
  /// Units by what they say of whom.
  private var naming: [UnitRelation: [String: Set<UnitName>]] = [:]

  /// Adds a unit; a name that another one has already stays that one's, unless it is this one's own.
  mutating func add(_ name: UnitName, _ unit: UnitDependencies) {
    dependencies[name] = unit
    named[name.rawValue] = name
    for alias in unit.aliases where named[alias] == nil { named[alias] = name }
    if !unit.aliases.isEmpty { aliases[name] = unit.aliases }
    if !unit[.after].isEmpty { after[name] = Set(unit[.after]) }
    if !unit[.before].isEmpty { before[name] = Set(unit[.before]) }
    for (relation, texts) in unit.related {
      for text in texts { naming[relation, default: [:]][text, default: []].insert(name) }
    }
  }

  /// Forgets a unit.
  mutating func remove(_ name: UnitName) {
    guard let unit = dependencies.removeValue(forKey: name) else { return }
    for table in [\Self.after, \Self.before] { self[keyPath: table][name] = nil }
    aliases[name] = nil
    for text in [name.rawValue] + unit.aliases where named[text] == name {
      named[text] = aliases.filter { $0.value.contains(text) }.keys.min()
    }
    for (relation, texts) in unit.related {
      for text in texts { naming[relation]?[text]?.remove(name) }
    }
  }

  /// What a unit says.
  func dependencies(of name: UnitName) -> UnitDependencies? { dependencies[name] }

  /// The unit of a name.
  func unit(_ text: String) -> UnitName? { named[text] }

  /// Names of what `name` has in a relation: in the order of its file, then those that say so themselves.
  func related(_ relation: UnitRelation, of name: UnitName) -> [String] {
    var texts = dependencies[name]?[relation] ?? []
    guard let inverse = relation.inverse else { return texts }
    for other in saying(inverse, of: name) where !texts.contains(other.rawValue) { texts.append(other.rawValue) }
    return texts
  }

  /// Units that are here among ``related(_:of:)``.
  func units(_ relation: UnitRelation, of name: UnitName) -> [UnitName] {
    related(relation, of: name).compactMap { named[$0] }.filter { $0 != name }
  }

  /// Units that have `name` in a relation, in the order of names.
  func units(having name: UnitName, as relation: UnitRelation) -> [UnitName] {
    var units = saying(relation, of: name)
    if let inverse = relation.inverse {
      units.formUnion((dependencies[name]?[inverse] ?? []).compactMap { named[$0] })
    }
    units.remove(name)
    return units.sorted()
  }

  /// Whether `later` comes after `earlier` when both are started.
  func isAfter(_ later: UnitName, _ earlier: UnitName) -> Bool {
    says(after[later], earlier) || says(before[earlier], later)
  }

  private func says(_ texts: Set<String>?, _ other: UnitName) -> Bool {
    guard let texts else { return false }
    return texts.contains(other.rawValue) || aliases(of: other).contains { texts.contains($0) }
  }

  private func saying(_ relation: UnitRelation, of name: UnitName) -> Set<UnitName> {
    guard let naming = naming[relation] else { return [] }
    var units = naming[name.rawValue] ?? []
    for alias in aliases(of: name) { units.formUnion(naming[alias] ?? []) }
    return units
  }

  /// Names beside its own that stand for the unit.
  private func aliases(of name: UnitName) -> [String] {
    (aliases[name] ?? []).filter { named[$0] == name }
  }
}
