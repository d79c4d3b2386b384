// SPDX-License-Identifier: Apache-2.0
public import Units

/// A unit that should be on this machine.
public struct DesiredUnit: Sendable, Equatable {
  /// The unit's name.
  public var name: String
  /// The file it should run from; nil when the file cannot be read, which leaves the unit as it is.
  public var hash: UnitHash?
  /// `loaded` or `launched`.
  public var targetState: JobState
  /// Another present machine that still runs it; it is not started here before that one has stopped it.
  public var runsOn: String?

  /// Makes a unit.
  public init(name: String, hash: UnitHash?, targetState: JobState, runsOn: String? = nil) {
    self.name = name
    self.hash = hash
    self.targetState = targetState
    self.runsOn = runsOn
  }
}

/// A unit that is on this machine.
public struct CurrentUnit: Sendable, Equatable {
  /// The unit's name.
  public var name: String
  /// The file it runs from.
  public var hash: UnitHash
  /// Whether a start was asked for and no stop since.
  public var isStarted: Bool

  /// Makes a unit.
  public init(name: String, hash: UnitHash, isStarted: Bool) {
    self.name = name
    self.hash = hash
    self.isStarted = isStarted
  }
}

/// What the agent has to do, in this order; each list is by unit name, and units do not depend on each other's success.
public struct AgentPlan: Sendable, Equatable {
  /// Stop, wait, forget.
  public var unloads: [AgentTask] = []
  /// Make known; all of them before the first start.
  public var loads: [AgentTask] = []
  /// Ask for a stop.
  public var stops: [AgentTask] = []
  /// Ask for a start.
  public var starts: [AgentTask] = []
  /// Nothing to do yet: units that are to be started as soon as another machine has stopped them, and why.
  public var waits: [AgentTask] = []

  /// Makes an empty plan.
  public init() {}

  /// Whether there is nothing to do.
  public var isEmpty: Bool { unloads.isEmpty && loads.isEmpty && stops.isEmpty && starts.isEmpty }
}

/// One thing to do with one unit, with the reason that is logged.
public struct AgentTask: Sendable, Equatable {
  /// The unit's name.
  public var unit: String
  /// Why it has to be done.
  public var reason: String

  /// Makes a task.
  public init(unit: String, reason: String) {
    self.unit = unit
    self.reason = reason
  }
}

/// Compares what should be on a machine with what is.
///
/// A unit whose file changed is unloaded first; once it is gone the next comparison loads it anew. A unit that comes from
/// another machine is loaded at once and started when that one has stopped it, so that it never runs twice.
/// Source: specs/fleet.md §6.2, §14.4.
public enum AgentReconciler {
  /// Decides what to do.
  ///
  /// - Parameters:
  ///   - desired: What should be here, in any order.
  ///   - current: What is here, in any order.
  ///   - busy: Names of units that are being unloaded; they are left alone until that is done.
  /// - Returns: The tasks, in the order they are to be begun.
  public static func plan(desired: [DesiredUnit], current: [CurrentUnit], busy: Set<String>) -> AgentPlan {
    var plan = AgentPlan()
    let currentByName = Dictionary(current.map { ($0.name, $0) }) { first, _ in first }
    let desiredByName = Dictionary(desired.map { ($0.name, $0) }) { first, _ in first }
    for unit in current.sorted(by: { $0.name < $1.name }) where !busy.contains(unit.name) {
      guard desiredByName[unit.name] == nil else { continue }
      plan.unloads.append(AgentTask(unit: unit.name, reason: "unit loaded but not scheduled here"))
    }
    for unit in desired.sorted(by: { $0.name < $1.name }) where !busy.contains(unit.name) {
      guard let hash = unit.hash else { continue }
      guard let present = currentByName[unit.name] else {
        plan.loads.append(AgentTask(unit: unit.name, reason: "unit scheduled here but not loaded"))
        if unit.targetState == .launched { plan.addStart(of: unit) }
        continue
      }
      if present.hash != hash {
        plan.unloads.append(AgentTask(unit: unit.name, reason: "unit file changed"))
      } else if unit.targetState == .launched, !present.isStarted {
        plan.addStart(of: unit)
      } else if unit.targetState == .loaded, present.isStarted {
        plan.stops.append(AgentTask(unit: unit.name, reason: "unit launched but desired state is loaded"))
      }
    }
    plan.unloads.sort { $0.unit < $1.unit }
    return plan
  }
}

extension AgentPlan {
  fileprivate mutating func addStart(of unit: DesiredUnit) {
    if let host = unit.runsOn {
      waits.append(AgentTask(unit: unit.name, reason: "Machine(\(host)) has not stopped the unit yet"))
    } else {
      starts.append(AgentTask(unit: unit.name, reason: "unit not launched but desired state is launched"))
    }
  }
}
