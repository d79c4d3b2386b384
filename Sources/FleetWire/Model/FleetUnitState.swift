// SPDX-License-Identifier: Apache-2.0

/// What a machine says about a unit it has loaded, in systemd's words.
public struct FleetUnitState: Sendable, Equatable {
  /// The unit's name.
  public var name: String
  /// The hash of the unit file that is loaded, 40 hex digits.
  public var hash: String
  /// The machine that says so.
  public var machineID: String
  /// `loaded`, `not-found`, ….
  public var loadState: String
  /// `active`, `inactive`, `activating`, `deactivating`, `failed`.
  public var activeState: String
  /// `running`, `exited`, `dead`, `start-pre`, ….
  public var subState: String

  /// Makes a state.
  public init(
    name: String,
    hash: String,
    machineID: String,
    loadState: String,
    activeState: String,
    subState: String
  ) {
    self.name = name
    self.hash = hash
    self.machineID = machineID
    self.loadState = loadState
    self.activeState = activeState
    self.subState = subState
  }
}
