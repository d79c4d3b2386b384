// SPDX-License-Identifier: Apache-2.0
public import Units

/// A unit as the schedulers see it: what it asks for, what is wanted, and where it is placed.
public struct Job: Sendable, Equatable {
  /// The unit's name.
  public var name: String
  /// Its `[X-Fleet]` section.
  public var requirements: UnitRequirements
  /// What is wanted.
  public var targetState: JobState
  /// The machine it is placed on; nil while on none, and always nil for global units.
  public var targetMachineID: String?
  /// When it took its place: of two units that exclude each other the one with the smaller number stays.
  ///
  /// A scheduled unit counts from its placement, a global one from the moment it was wanted. The number is the store's
  /// `modifiedIndex` of that change, so every machine compares alike.
  public var placedAt: UInt64
  /// Whether this is a template, which never runs itself.
  public var isTemplate: Bool
  /// Whether its file could be read; when not, the unit keeps the place it has and gets no other.
  public var isFileKnown: Bool
  /// What becomes of it once it has done its work; nil when it is no oneshot.
  public var oneshot: Oneshot?

  /// Makes a job.
  public init(
    name: String,
    requirements: UnitRequirements,
    targetState: JobState,
    targetMachineID: String? = nil,
    placedAt: UInt64 = 0,
    isTemplate: Bool = false,
    isFileKnown: Bool = true,
    oneshot: Oneshot? = nil
  ) {
    self.name = name
    self.requirements = requirements
    self.targetState = targetState
    self.targetMachineID = requirements.isGlobal ? nil : targetMachineID
    self.placedAt = placedAt
    self.isTemplate = isTemplate
    self.isFileKnown = isFileKnown
    self.oneshot = oneshot
  }

  /// Whether a machine should have it loaded or launched.
  public var isWanted: Bool { targetState != .inactive && !isTemplate }

  /// Whether the engine has to find it a machine while it has none.
  var needsPlace: Bool { isWanted && isFileKnown && !requirements.isGlobal }

  /// Orders those that took their place earlier first, then by name.
  static func isSenior(_ left: Job, _ right: Job) -> Bool {
    (left.placedAt, left.name) < (right.placedAt, right.name)
  }
}
