// SPDX-License-Identifier: Apache-2.0
public import Fleet
public import Units

/// A unit as the API shows it.
public struct FleetUnit: Sendable, Equatable {
  /// The unit's name.
  public var name: String
  /// The unit file.
  public var options: [UnitOption]
  /// What is wanted.
  public var desiredState: JobState
  /// What is; nil for a global unit, which has none of its own.
  public var currentState: JobState?
  /// The machine the unit is placed on; nil while it is on none, and for global units.
  public var machineID: String?
  /// Ours: why the unit is on no machine although it is wanted, in one line; nil when there is nothing to explain.
  public var reason: String?
  /// Ours: machine by machine why the unit cannot run there, by machine id; empty when there is nothing to explain.
  public var refusals: [FleetRefusal]

  /// Makes a unit.
  public init(
    name: String,
    options: [UnitOption],
    desiredState: JobState,
    currentState: JobState?,
    machineID: String? = nil,
    reason: String? = nil,
    refusals: [FleetRefusal] = []
  ) {
    self.name = name
    self.options = options
    self.desiredState = desiredState
    self.currentState = currentState
    self.machineID = machineID
    self.reason = reason
    self.refusals = refusals
  }

  /// The unit file.
  public var file: UnitFile { UnitFile(options: options) }
}

/// Why one machine does not take a unit.
public struct FleetRefusal: Sendable, Equatable {
  /// The machine.
  public var machineID: String
  /// The reason, in fleet's words where fleet has any.
  public var reason: String

  /// Makes a refusal.
  public init(machineID: String, reason: String) {
    self.machineID = machineID
    self.reason = reason
  }
}

/// The body of `PUT /fleet/v1/units/<name>`.
public struct FleetUnitRequest: Sendable, Equatable {
  /// The unit's name; empty means "the one in the URL".
  public var name: String
  /// The unit file; empty means "leave it".
  public var options: [UnitOption]
  /// The wanted state as sent, checked by the receiver; empty means "not given".
  public var desiredState: String

  /// Makes a request.
  public init(name: String = "", options: [UnitOption] = [], desiredState: String = "") {
    self.name = name
    self.options = options
    self.desiredState = desiredState
  }
}
