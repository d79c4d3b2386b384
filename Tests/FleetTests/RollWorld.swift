// SPDX-License-Identifier: Apache-2.0
import Testing
import Units

@testable import Fleet

/// A roll, its planner, and units that do what a test says.
struct RollWorld {
  let old: UnitHash
  let new: UnitHash
  var roll: Roll
  var planner = RollPlanner()
  var sight: RollSight
  private var now = Duration.zero

  /// Instances on machines of their own, `m1` and on, all active from the old file.
  init(instances: [String], template: Bool = false) throws {
    try self.init(isGlobal: false)
    for (offset, name) in instances.enumerated() {
      sight.units[name] = RollSight.Unit(hash: old, isLaunched: true, machineID: "m\(offset + 1)")
      say(name, "active", "running")
    }
    if template { sight.units["web@.service"] = RollSight.Unit(hash: old, isLaunched: false) }
  }

  /// `agent.service` on machines, active everywhere from the old file.
  init(global machineIDs: String...) throws {
    try self.init(isGlobal: true)
    sight.machineIDs = machineIDs
    sight.units["agent.service"] = RollSight.Unit(hash: old, isLaunched: true)
    for id in machineIDs { say("agent.service", on: id, "active", "running", old) }
  }

  private init(isGlobal: Bool) throws {
    old = try Self.hash("old")
    new = try Self.hash("new")
    sight = RollSight(index: 1, units: [:])
    roll = Roll(name: "", isGlobal: isGlobal, hash: nil, maxUnavailable: 1, healthTimeout: .zero, copies: [])
  }

  static func hash(_ text: String) throws -> UnitHash {
    try UnitFile(parsing: "[Service]\nExecStart=/bin/\(text)\n").hash
  }

  mutating func begin(_ hash: UnitHash?, maxUnavailable: Int = 1) {
    roll = Roll(
      name: roll.isGlobal ? "agent.service" : "web@.service",
      isGlobal: roll.isGlobal,
      hash: hash,
      maxUnavailable: maxUnavailable,
      healthTimeout: .seconds(30),
      copies: sight.units.map { RollCopy(unit: $0.key, oldHash: $0.value.hash) }
    )
  }

  /// Somebody makes an instance, which is active at once.
  mutating func add(_ name: String, _ hash: UnitHash) {
    sight.units[name] = RollSight.Unit(hash: hash, isLaunched: true, machineID: "m9")
    say(name, "active", "running")
  }

  /// Lets seconds pass, looks once, and has the units' keys changed.
  ///
  /// - Returns: Which units got which file.
  @discardableResult
  mutating func step(after seconds: Int = 0, carriesOut: Bool = true) -> [String] {
    now += .seconds(seconds)
    let step = planner.step(roll, sight, at: now)
    roll = step.roll
    if carriesOut { for change in step.files { sight.units[change.unit]?.hash = change.to } }
    sight.index += 1
    return step.files.map { "\($0.unit) \($0.to == new ? "new" : "old")" }
  }

  /// The machine runs a unit from the file that it should.
  mutating func run(_ unit: String, on id: String? = nil, _ active: String = "active", _ sub: String = "running") {
    guard let seen = sight.units[unit] else { return }
    var hash = seen.hash
    if let id, case .run(let rolled) = roll.directive(for: unit, on: id, present: hash) { hash = rolled }
    say(unit, on: id, active, sub, hash)
  }

  /// A machine says something about a unit, by default about the file that it spoke of last.
  mutating func say(_ unit: String, on id: String? = nil, _ active: String, _ sub: String, _ hash: UnitHash? = nil) {
    guard let seen = sight.units[unit], let id = id ?? seen.machineID else { return }
    sight.index += 1
    let text = hash?.description ?? seen.states[id]?.hash ?? seen.hash.description
    sight.units[unit]?.states[id] = RollSight.State(
      load: "loaded",
      active: active,
      sub: sub,
      hash: text,
      index: sight.index
    )
  }

  /// The machine has unloaded the unit.
  mutating func silence(_ unit: String) { sight.units[unit]?.states = [:] }

  func hash(_ unit: String) -> UnitHash? { sight.units[unit]?.hash }

  /// What the roll has each machine run, as far as it says so.
  var files: [String: UnitHash] {
    var files: [String: UnitHash] = [:]
    for id in Set(sight.machineIDs).union(roll.copies.compactMap(\.machineID)) {
      let directive = roll.directive(for: "agent.service", on: id, present: hash("agent.service"))
      if case .run(let hash) = directive { files[id] = hash }
    }
    return files
  }
}
