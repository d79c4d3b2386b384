// SPDX-License-Identifier: Apache-2.0

/// Starts and stops units of one machine in the order and company their files ask for.
///
/// Source: systemd.unit(5) `Requires=`, `Wants=`, `BindsTo=`, `After=`, `Before=`; systemd `src/core/job.c`.
/// Differs: a unit that went down because something it binds to did comes back with it, as a sidekick should; under
/// systemd it stays down.
public struct UnitJobs: Sendable, Equatable {
  /// What a unit is waiting for or doing by request.
  public enum Job: Sendable, Equatable {
    /// Waits for others before it starts.
    case startWaiting
    /// Was told to start.
    case startRunning
    /// Waits for others before it stops.
    case stopWaiting
    /// Was told to stop.
    case stopRunning

    var isStart: Bool { self == .startWaiting || self == .startRunning }
    var isWaiting: Bool { self == .startWaiting || self == .stopWaiting }
  }

  /// What to do with units, in order.
  public enum Directive: Sendable, Equatable {
    /// Start the unit now.
    case start(UnitName)
    /// Stop the unit now.
    case stop(UnitName)
    /// The unit's start has been given up.
    case refuse(UnitName, Refusal)
  }

  /// Why a unit is not started.
  public enum Refusal: Error, Sendable, Equatable, CustomStringConvertible {
    /// There is no such unit here.
    case notLoaded(UnitName)
    /// Something that is required is not on this machine.
    case missing(String, requiredBy: UnitName)
    /// Something that is required did not start.
    case failed(UnitName, requiredBy: UnitName)

    /// One sentence.
    public var description: String {
      switch self {
      case .notLoaded(let name): "unit \(name) is not loaded on this machine"
      case .missing(let name, let unit):
        "dependency failed for \(unit): it requires \(name), which is not on this machine"
      case .failed(let name, let unit): "dependency failed for \(unit): \(name), which it requires, did not start"
      }
    }
  }

  private struct Member: Sendable, Equatable {
    var dependencies: UnitDependencies
    var activity: UnitActivity
    var job: Job?
    /// The unit it binds to and went down with.
    var wentDownWith: UnitName?
  }

  /// Units that count as there and active without being loaded.
  public let presentUnits: Set<String>
  private var members: [UnitName: Member] = [:]
  private var byText: [String: UnitName] = [:]
  /// Units by the name of what they require or bind to.
  private var dependents: [String: Set<UnitName>] = [:]
  /// Units that have a job.
  private var busy: Set<UnitName> = []
  private var directives: [Directive] = []

  /// Makes the jobs of a machine without units.
  public init(presentUnits: Set<String>) {
    self.presentUnits = presentUnits
  }

  // MARK: Inputs

  /// Adds a unit, as it stands.
  public mutating func load(_ name: UnitName, _ dependencies: UnitDependencies, activity: UnitActivity) {
    members[name] = Member(dependencies: dependencies, activity: activity)
    byText[name.rawValue] = name
    for text in dependencies.requires + dependencies.bindsTo { dependents[text, default: []].insert(name) }
  }

  /// Forgets a unit that is not active.
  public mutating func unload(_ name: UnitName) -> [Directive] {
    for text in (members[name]?.dependencies).map({ $0.requires + $0.bindsTo }) ?? [] {
      dependents[text]?.remove(name)
    }
    members[name] = nil
    byText[name.rawValue] = nil
    busy.remove(name)
    advance()
    return taken()
  }

  /// A start by request, of what the unit requires and wants too.
  ///
  /// - Throws: ``Refusal`` when it can never start as things are; nothing is started then.
  public mutating func requestStart(_ name: UnitName) throws(Refusal) -> [Directive] {
    guard members[name] != nil else { throw .notLoaded(name) }
    for unit in try closure(of: name) {
      guard let member = members[unit], !(member.activity.active.isUp && member.job == nil) else { continue }
      members[unit]?.wentDownWith = nil
      if member.job?.isStart != true { set(.startWaiting, of: unit) }
    }
    advance()
    return taken()
  }

  /// A stop by request, of what requires the unit too.
  public mutating func requestStop(_ name: UnitName) -> [Directive] {
    members[name]?.wentDownWith = nil
    queueStop(name)
    advance()
    return taken()
  }

  /// A unit's state has changed.
  public mutating func changed(_ name: UnitName, to activity: UnitActivity) -> [Directive] {
    guard let old = members[name] else { return [] }
    members[name]?.activity = activity
    let isDown = Self.isDown(activity)
    switch old.job {
    case .startRunning:
      if activity.active.isUp {
        set(nil, of: name)
      } else if isDown {
        set(nil, of: name)
        if activity.result.isFailure { failDependents(of: name) }
      }
    case .stopRunning: if isDown { set(nil, of: name) }
    case .startWaiting, .stopWaiting, nil: break
    }
    if activity.active.isUp, !old.activity.active.isUp { bringBackBound(to: name) }
    let wasUp = old.activity.active.isUp || old.activity.active == .activating && !Self.isDown(old.activity)
    if wasUp, isDown || activity.active == .deactivating { takeDownBound(to: name) }
    advance()
    return taken()
  }

  // MARK: Queries

  /// What the unit is waiting for or doing by request.
  public func job(of name: UnitName) -> Job? { members[name]?.job }

  /// Whether nothing is being started or stopped by request, nor waits for it.
  public var isIdle: Bool { busy.isEmpty }

  // MARK: Private

  /// Down, or about to be started again by itself.
  private static func isDown(_ activity: UnitActivity) -> Bool {
    activity.active == .inactive || activity.active == .failed || activity.sub == .autoRestart
  }

  /// The unit, what it requires and wants, and so on; wanted units that cannot start are left out.
  private func closure(of name: UnitName) throws(Refusal) -> [UnitName] {
    var seen: Set<UnitName> = []
    var result: [UnitName] = []
    try collect(name, &seen, &result)
    return result
  }

  private func collect(_ name: UnitName, _ seen: inout Set<UnitName>, _ result: inout [UnitName]) throws(Refusal) {
    guard seen.insert(name).inserted, let member = members[name] else { return }
    for text in member.dependencies.requires + member.dependencies.bindsTo where !presentUnits.contains(text) {
      guard let required = byText[text] else { throw .missing(text, requiredBy: name) }
      try collect(required, &seen, &result)
    }
    for wanted in member.dependencies.wants.compactMap({ byText[$0] }) {
      var trial = (seen: seen, result: result)
      do {
        try collect(wanted, &trial.seen, &trial.result)
        (seen, result) = trial
      } catch {
        continue
      }
    }
    result.append(name)
  }

  private mutating func queueStop(_ name: UnitName) {
    guard let member = members[name], member.job != .stopWaiting, member.job != .stopRunning else { return }
    let isUp = member.activity.active != .inactive && member.activity.active != .failed
    set(isUp || member.job == .startRunning ? .stopWaiting : nil, of: name)
    for dependent in dependents(of: name) {
      let wasUp = members[dependent].map { $0.activity.active.isUp || $0.activity.active == .activating }
      queueStop(dependent)
      if wasUp == true, binds(dependent, to: name) { members[dependent]?.wentDownWith = name }
    }
  }

  private mutating func takeDownBound(to name: UnitName) {
    for dependent in dependents(of: name) where binds(dependent, to: name) {
      guard let member = members[dependent],
        member.job?.isStart == true || member.activity.active.isUp
          || member.activity.active == .activating
      else { continue }
      if member.job == .startWaiting, members[name]?.job?.isStart == true { continue }
      queueStop(dependent)
      members[dependent]?.wentDownWith = name
    }
  }

  private mutating func bringBackBound(to name: UnitName) {
    for dependent in dependents(of: name) where members[dependent]?.wentDownWith == name {
      members[dependent]?.wentDownWith = nil
      set(.startWaiting, of: dependent)
    }
  }

  /// Gives up the starts that wait and require a unit that did not start.
  private mutating func failDependents(of name: UnitName) {
    for dependent in dependents(of: name) {
      guard members[dependent]?.job == .startWaiting else { continue }
      set(nil, of: dependent)
      directives.append(.refuse(dependent, .failed(name, requiredBy: dependent)))
      failDependents(of: dependent)
    }
  }

  /// Units that require or bind to another, by name.
  private func dependents(of name: UnitName) -> [UnitName] {
    (dependents[name.rawValue] ?? []).sorted()
  }

  private func binds(_ dependent: UnitName, to name: UnitName) -> Bool {
    members[dependent]?.dependencies.bindsTo.contains(name.rawValue) == true
  }

  private mutating func set(_ job: Job?, of name: UnitName) {
    members[name]?.job = job
    if job == nil { busy.remove(name) } else { busy.insert(name) }
  }

  private func isAfter(_ later: UnitName, _ earlier: UnitName) -> Bool {
    members[later]?.dependencies.after.contains(earlier.rawValue) == true
      || members[earlier]?.dependencies.before.contains(later.rawValue) == true
  }

  /// Begins every waiting job whose turn has come; a circle of waiting jobs is broken at its first name.
  private mutating func advance() {
    while true {
      let waiting = busy.filter { members[$0]?.job?.isWaiting == true }.sorted()
      guard !waiting.isEmpty else { return }
      let ready = waiting.filter { name in !busy.contains { $0 != name && blocks($0, name) } }
      if !ready.isEmpty {
        ready.forEach { begin($0) }
      } else if busy.count == waiting.count, let first = waiting.first {
        begin(first)
      } else {
        return
      }
    }
  }

  /// Whether a job of `other` has to be done before that of `name` begins.
  private func blocks(_ other: UnitName, _ name: UnitName) -> Bool {
    guard let mine = members[name]?.job, let theirs = members[other]?.job else { return false }
    let isOrdered = isAfter(name, other) || isAfter(other, name)
    switch (mine.isStart, theirs.isStart) {
    case (true, true): return isAfter(name, other)
    case (true, false): return isOrdered
    case (false, true): return false
    case (false, false): return isAfter(other, name)
    }
  }

  private mutating func begin(_ name: UnitName) {
    guard let member = members[name] else { return }
    if member.job == .startWaiting {
      if let missing = downBinding(of: name) {
        set(nil, of: name)
        directives.append(.refuse(name, .failed(missing, requiredBy: name)))
        failDependents(of: name)
        return
      }
      set(member.activity.active.isUp ? nil : .startRunning, of: name)
      if !member.activity.active.isUp { directives.append(.start(name)) }
    } else if member.job == .stopWaiting {
      set(.stopRunning, of: name)
      directives.append(.stop(name))
    }
  }

  /// Something the unit binds to and comes after that is down without a start under way.
  private func downBinding(of name: UnitName) -> UnitName? {
    guard let dependencies = members[name]?.dependencies else { return nil }
    return dependencies.bindsTo.compactMap { byText[$0] }.first { bound in
      isAfter(name, bound) && members[bound].map { Self.isDown($0.activity) && $0.job == nil } == true
    }
  }

  private mutating func taken() -> [Directive] {
    defer { directives = [] }
    return directives
  }
}
