// SPDX-License-Identifier: Apache-2.0
public import Fleet

/// Why a unit is where it is, or nowhere.
public struct UnitExplanation: Sendable, Equatable {
  /// The unit's name.
  public var name: String
  /// What is wanted.
  public var targetState: JobState
  /// What is; nil for a global unit.
  public var currentState: JobState?
  /// Whether every eligible machine runs it.
  public var isGlobal: Bool
  /// The machine it is placed on; nil while it is on none, and for global units.
  public var machineID: String?
  /// One line that says it all.
  public var summary: String
  /// Every machine that does not take it, by machine id, with the reason; for a placed unit empty.
  public var refusals: [FleetRefusal]

  /// Makes an explanation.
  public init(
    name: String,
    targetState: JobState,
    currentState: JobState?,
    isGlobal: Bool,
    machineID: String?,
    summary: String,
    refusals: [FleetRefusal]
  ) {
    self.name = name
    self.targetState = targetState
    self.currentState = currentState
    self.isGlobal = isGlobal
    self.machineID = machineID
    self.summary = summary
    self.refusals = refusals
  }
}
