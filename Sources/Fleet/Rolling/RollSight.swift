// SPDX-License-Identifier: Apache-2.0
public import Units

/// What is seen of the units of a roll at one moment.
public struct RollSight: Sendable {
  /// The store's index.
  public var index: UInt64
  /// The units that exist, by name; of a template whose instances are rolled, those that are not in the roll too.
  public var units: [String: Unit]
  /// For a global unit: the machines that are to run it.
  public var machineIDs: [String]

  /// Makes a sight.
  public init(index: UInt64, units: [String: Unit], machineIDs: [String] = []) {
    self.index = index
    self.units = units
    self.machineIDs = machineIDs
  }

  /// What is seen of a unit.
  public struct Unit: Sendable, Equatable {
    /// The file that its own key names.
    public var hash: UnitHash
    /// Whether it is wanted launched.
    public var isLaunched: Bool
    /// Whether it ends by itself, so that having ended well is as good as being active.
    public var endsByItself: Bool
    /// The present machine it is placed on; nil for global units and while it is on none.
    public var machineID: String?
    /// What machines say about it, by id.
    public var states: [String: State]

    /// Makes a unit.
    public init(
      hash: UnitHash,
      isLaunched: Bool,
      endsByItself: Bool = false,
      machineID: String? = nil,
      states: [String: State] = [:]
    ) {
      self.hash = hash
      self.isLaunched = isLaunched
      self.endsByItself = endsByItself
      self.machineID = machineID
      self.states = states
    }
  }

  /// What a machine says about a unit.
  public struct State: Sendable, Equatable {
    /// systemd's three words.
    public var load: String, active: String, sub: String
    /// The file it runs from, 40 hex digits.
    public var hash: String
    /// The store's index of the saying.
    public var index: UInt64

    /// Makes a state.
    public init(load: String, active: String, sub: String, hash: String, index: UInt64) {
      self.load = load
      self.active = active
      self.sub = sub
      self.hash = hash
      self.index = index
    }
  }

  func machineID(of copy: RollCopy, isGlobal: Bool) -> String? {
    isGlobal ? copy.machineID : units[copy.unit]?.machineID
  }

  /// What is said about a copy; nil while its machine says nothing.
  func state(of copy: RollCopy, isGlobal: Bool) -> State? {
    machineID(of: copy, isGlobal: isGlobal).flatMap { units[copy.unit]?.states[$0] }
  }
}
