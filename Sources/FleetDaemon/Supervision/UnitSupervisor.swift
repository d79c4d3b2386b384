// SPDX-License-Identifier: Apache-2.0
public import Units

/// What the agent needs of whatever runs units on this machine; `CoracleDaemon` connects the unit runner to it.
///
/// Concurrency: calls for different units may overlap; the agent never has two calls for one unit under way, except
/// that ``stop(_:)`` and ``unload(_:)`` may overtake a ``start(_:)`` that has returned but not finished its work.
public protocol UnitSupervisor: Sendable {
  /// Makes units known, all of them before any is started, so that they find each other as dependencies.
  ///
  /// A unit that is there with the same hash is left alone, so that running units are adopted. Does not start anything.
  /// A template is kept for sockets that make instances of it, and is no loaded unit.
  ///
  /// - Returns: Why units could not be loaded, by name; empty when all were.
  func load(_ units: [UnitToLoad]) async -> [UnitName: String]

  /// Stops a unit, waits until it has stopped (`ExecStopPost=` included), and forgets it; an unknown unit is no error.
  ///
  /// - Throws: What kept it from stopping; the unit then stays known.
  func unload(_ name: UnitName) async throws

  /// Asks for a start and returns without waiting for it; a running unit is left alone.
  ///
  /// - Throws: When the unit is not loaded or the start could not be asked for.
  func start(_ name: UnitName) async throws

  /// Asks for a stop and returns without waiting for it.
  ///
  /// - Throws: When the unit is not loaded or the stop could not be asked for.
  func stop(_ name: UnitName) async throws

  /// Says which units belong to this machine by a view of the registry that is complete, whether they are loaded or not.
  func expect(_ names: Set<UnitName>) async

  /// Every unit loaded now, in any order.
  func loadedUnits() async -> [SupervisedUnit]

  /// Wakes for every change of a unit's state from now on, with the unit's new state, or nil state once unloaded.
  ///
  /// Bounded: when the consumer is too slow, older changes are dropped; the newest are kept. The agent reads
  /// ``loadedUnits()`` anew from time to time, so a dropped change delays and never loses a state.
  func changes() -> AsyncStream<SupervisedUnitChange>
}

extension UnitSupervisor {
  /// Nothing follows from it where nothing can be left over.
  public func expect(_ names: Set<UnitName>) async {}
}

/// A unit file to be loaded.
public struct UnitToLoad: Sendable, Equatable {
  /// The unit's name.
  public var name: UnitName
  /// Its file.
  public var file: UnitFile
  /// The file's hash.
  public var hash: UnitHash

  /// Makes a unit to load.
  public init(name: UnitName, file: UnitFile, hash: UnitHash) {
    self.name = name
    self.file = file
    self.hash = hash
  }
}

/// A unit that is loaded on this machine.
public struct SupervisedUnit: Sendable, Equatable {
  /// The unit's name.
  public var name: UnitName
  /// The hash of the file that is loaded.
  public var hash: UnitHash
  /// Its state now.
  public var unitState: SupervisedUnitState
  /// Whether a start was asked for and no stop since; survives a restart of the node process.
  public var isStartRequested: Bool

  /// Makes a unit.
  public init(name: UnitName, hash: UnitHash, unitState: SupervisedUnitState, isStartRequested: Bool) {
    self.name = name
    self.hash = hash
    self.unitState = unitState
    self.isStartRequested = isStartRequested
  }
}

/// A unit's state in systemd's three words.
public struct SupervisedUnitState: Sendable, Hashable {
  /// `loaded`, `not-found`, `error`.
  public var load: String
  /// `active`, `inactive`, `activating`, `deactivating`, `failed`.
  public var active: String
  /// `running`, `exited`, `dead`, ….
  public var sub: String

  /// Makes a state.
  public init(load: String, active: String, sub: String) {
    self.load = load
    self.active = active
    self.sub = sub
  }
}

/// A change of one unit's state.
public struct SupervisedUnitChange: Sendable, Equatable {
  /// The unit's name.
  public var name: UnitName
  /// The unit after the change; nil once it is unloaded.
  public var unit: SupervisedUnit?

  /// Makes a change.
  public init(name: UnitName, unit: SupervisedUnit?) {
    self.name = name
    self.unit = unit
  }
}
