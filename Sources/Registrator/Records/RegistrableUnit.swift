// SPDX-License-Identifier: Apache-2.0
public import Units

/// A unit of this machine as the registrator sees it.
public struct RegistrableUnit: Sendable, Equatable {
  /// The unit's name.
  public var name: String
  /// Whether it does its work.
  public var isUp: Bool
  /// Whether nothing of it is there.
  public var isDown: Bool
  /// The services it says it offers.
  public var announcements: [ServiceAnnouncement]

  /// Makes a unit.
  public init(name: String, isUp: Bool, isDown: Bool, announcements: [ServiceAnnouncement] = []) {
    self.name = name
    self.isUp = isUp
    self.isDown = isDown
    self.announcements = announcements
  }
}

/// Where the registrator learns of units.
public protocol RegistrableUnits: Sendable {
  /// The units that are loaded now; nil when that is not known, which changes nothing.
  func units() async -> [RegistrableUnit]?
  /// Tells that a unit has changed, until the task is cancelled.
  func followChanges(_ tell: @escaping @Sendable () -> Void) async
}
