// SPDX-License-Identifier: Apache-2.0
public import Units

/// A unit file to be loaded under a name.
public struct UnitToRun: Sendable, Equatable {
  /// The unit's name; never a template's.
  public var name: UnitName
  /// Its file; an instance gets its template's.
  public var file: UnitFile

  /// Makes a unit to run.
  public init(name: UnitName, file: UnitFile) {
    self.name = name
    self.file = file
  }
}

/// A unit that is loaded on this machine.
public struct LoadedUnit: Sendable, Equatable {
  /// The unit's name.
  public var name: UnitName
  /// The hash of its file.
  public var hash: UnitHash
  /// Its state now.
  public var activity: UnitActivity
  /// Whether a start was asked for and no stop since; kept over restarts of the node.
  public var isStartRequested: Bool
  /// Why the last start or stop did not do what was asked for; nil when it did.
  public var problem: String?
  /// The services it says it offers.
  public var announcements: [ServiceAnnouncement]

  /// Makes a unit.
  public init(
    name: UnitName,
    hash: UnitHash,
    activity: UnitActivity,
    isStartRequested: Bool,
    problem: String? = nil,
    announcements: [ServiceAnnouncement] = []
  ) {
    self.name = name
    self.hash = hash
    self.activity = activity
    self.isStartRequested = isStartRequested
    self.problem = problem
    self.announcements = announcements
  }
}

/// A change of one unit.
public struct LoadedUnitChange: Sendable, Equatable {
  /// The unit's name.
  public var name: UnitName
  /// The unit after the change; nil once it is unloaded.
  public var unit: LoadedUnit?

  /// Makes a change.
  public init(name: UnitName, unit: LoadedUnit?) {
    self.name = name
    self.unit = unit
  }
}
