// SPDX-License-Identifier: Apache-2.0

/// Starts and stops units of one machine in the order and company their files ask for.
///
/// Units: moments are lengths of time since the machine's boot; the last one told with ``tick(at:)`` holds.
/// Source: systemd.unit(5); systemd v252 `src/core/job.c`, `transaction.c` and `unit_notify` of `unit.c`.
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
    var isStop: Bool { !isStart }
    var isWaiting: Bool { self == .startWaiting || self == .stopWaiting }
  }

  /// What to do with units, in order.
  public enum Directive: Sendable, Equatable {
    /// Start the unit now.
    case start(UnitName)
    /// Stop the unit now.
    case stop(UnitName)
    /// Stop the unit now; it is started again afterwards.
    case stopToRestart(UnitName)
    /// The unit's start has been given up.
    case refuse(UnitName, Refusal)
    /// The unit's start, which waited for others, is wanted no longer; the unit is as down as it was.
    case drop(UnitName)
    /// Something did not follow from a unit's change that its file asks for, in a sentence.
    case note(UnitName, String)
  }

  struct Member: Sendable, Equatable {
    var activity: UnitActivity
    var job: Job?
    /// When the job was asked for, and when it began.
    var jobSince = Duration.zero
    var jobRunningSince = Duration.zero
    /// The stop is the first half of a restart.
    var startsAgain = false
    /// The unit it binds to and went down with.
    var wentDownWith: UnitName?
    /// It is to be forgotten and not started any more.
    var isLeaving = false
    /// When it was last started because others uphold it, and because others had ended.
    var upheldStarts: [Duration] = []
    var followingStarts: [Duration] = []
  }

  /// A unit that is to start because of another one's end.
  struct FollowUp: Sendable, Equatable {
    var relation: UnitRelation
    var ended: UnitName
    var next: UnitName
  }

  /// How often units are started by themselves, each for itself: systemd's limit of starts.
  static let ownStartLimit = (count: 16, interval: Duration.seconds(10))

  /// Units that count as there and active without being loaded.
  public let presentUnits: Set<String>
  var members: [UnitName: Member] = [:]
  var relations = UnitRelations()
  /// Units that have a job.
  var busy: Set<UnitName> = []
  /// Units that uphold others, units that say that others uphold them, and units that stop when nobody needs them.
  var upholders: Set<UnitName> = []
  var upheldByOthers: Set<UnitName> = []
  var stoppingUnneeded: Set<UnitName> = []
  /// Units whose jobs may take so long and no longer.
  private var timed: Set<UnitName> = []
  /// Everything is to stop: nothing is started by itself.
  var isStoppingAll = false
  var now = Duration.zero
  var directives: [Directive] = []
  /// What follows from what has just ended; ``advance()`` begins it.
  var followUps: [FollowUp] = []

  /// Makes the jobs of a machine without units.
  public init(presentUnits: Set<String>) {
    self.presentUnits = presentUnits
  }

  // MARK: Units

  /// Adds a unit, as it stands; ``loaded()`` tells that it was the last one for now.
  public mutating func load(_ name: UnitName, _ dependencies: UnitDependencies, activity: UnitActivity) {
    members[name] = Member(activity: activity)
    relations.add(name, dependencies)
    if !dependencies[.upholds].isEmpty { upholders.insert(name) }
    if !dependencies[.upheldBy].isEmpty { upheldByOthers.insert(name) }
    if dependencies.stopsWhenUnneeded { stoppingUnneeded.insert(name) }
    if dependencies.jobTimeout != nil || dependencies.jobRunningTimeout != nil { timed.insert(name) }
  }

  /// Units have been added: what follows from their being there is done.
  public mutating func loaded() -> [Directive] {
    advance()
    return taken()
  }

  /// Forgets a unit that is not active.
  public mutating func unload(_ name: UnitName) -> [Directive] {
    relations.remove(name)
    members[name] = nil
    busy.remove(name)
    upholders.remove(name)
    upheldByOthers.remove(name)
    stoppingUnneeded.remove(name)
    timed.remove(name)
    advance()
    return taken()
  }

  // MARK: Requests

  /// A start by request, of what the unit requires and wants too.
  ///
  /// - Throws: ``Refusal`` when it can never start as things are; nothing is started then.
  public mutating func requestStart(_ name: UnitName) throws(Refusal) -> [Directive] {
    let plan = try StartPlan(name, self)
    isStoppingAll = false
    carryOut(plan)
    advance()
    return taken()
  }

  /// A stop by request, of what requires the unit or is part of it too.
  public mutating func requestStop(_ name: UnitName) -> [Directive] {
    members[name]?.wentDownWith = nil
    queueStop(name)
    advance()
    return taken()
  }

  /// A stop and a start after it, of what requires the unit or is part of it too; what is down is started.
  ///
  /// - Throws: ``Refusal`` when it can never start as things are; nothing is stopped then.
  public mutating func requestRestart(_ name: UnitName) throws(Refusal) -> [Directive] {
    let plan = try StartPlan(name, self)
    isStoppingAll = false
    carryOut(plan, but: name)
    queueRestart(name)
    if members[name]?.startsAgain != true { set(.startWaiting, of: name) }
    advance()
    return taken()
  }

  /// A stop of a unit that is to be forgotten once it is down.
  public mutating func requestLeave(_ name: UnitName) -> [Directive] {
    members[name]?.isLeaving = true
    return requestStop(name)
  }

  /// A stop of everything; nothing is started by itself until something is started by request.
  public mutating func requestStopAll() -> [Directive] {
    isStoppingAll = true
    for name in members.keys.sorted() {
      members[name]?.wentDownWith = nil
      queueStop(name)
    }
    advance()
    return taken()
  }

  /// The units that are reloaded when one is: itself, and those that are up among what it propagates that to.
  public func unitsToReload(with name: UnitName) -> [UnitName] {
    var result = [name]
    var index = 0
    while index < result.count {
      for other in relations.units(.propagatesReloadTo, of: result[index]) {
        if members[other]?.activity.active.isUp == true, !result.contains(other) { result.append(other) }
      }
      index += 1
    }
    return result
  }

  // MARK: Events

  /// A unit's state has changed.
  public mutating func changed(_ name: UnitName, to activity: UnitActivity) -> [Directive] {
    guard let old = members[name] else { return [] }
    members[name]?.activity = activity
    finishJob(of: name, old)
    if activity.active.isUp, !old.activity.active.isUp { bringBackBound(to: name) }
    followEnd(of: name, old)
    advance()
    return taken()
  }

  /// A unit was to start and has been passed over by its conditions, which is no failure.
  public mutating func skipped(_ name: UnitName) -> [Directive] {
    guard members[name]?.job?.isStart == true else { return [] }
    set(nil, of: name)
    failDependents(of: name, relations.units(having: name, as: .requisite))
    advance()
    return taken()
  }

  /// A unit was to start and cannot.
  public mutating func startFailed(_ name: UnitName) -> [Directive] {
    guard members[name]?.job?.isStart == true else { return [] }
    set(nil, of: name)
    failDependents(of: name)
    advance()
    return taken()
  }

  /// What the time is; jobs that have taken too long are given up.
  public mutating func tick(at moment: Duration) -> [Directive] {
    now = moment
    let late = timed.filter { name in jobDeadline(of: name).map { $0 <= moment } ?? false }
    let isUpheldDue = upheldDeadline.map { $0 <= moment } ?? false
    guard !late.isEmpty || isUpheldDue else { return [] }
    for name in late.sorted() { giveUpJob(of: name) }
    advance()
    return taken()
  }

  // MARK: Queries

  /// What the unit is waiting for or doing by request.
  public func job(of name: UnitName) -> Job? { members[name]?.job }

  /// Whether the unit is started as soon as it can be.
  public func isStartWaiting(_ name: UnitName) -> Bool {
    members[name].map { $0.job == .startWaiting || $0.startsAgain } ?? false
  }

  /// Whether nothing is being started or stopped by request, nor waits for it.
  public var isIdle: Bool { busy.isEmpty }

  /// When ``tick(at:)`` has something to do; nil for never.
  public var deadline: Duration? {
    (timed.compactMap { jobDeadline(of: $0) } + (upheldDeadline.map { [$0] } ?? [])).min()
  }

  /// The unit of a name or of an alias.
  public func unit(_ text: String) -> UnitName? { relations.unit(text) }

  /// Whether a reload of the unit means anything to others.
  public func propagatesReload(_ name: UnitName) -> Bool {
    !relations.related(.propagatesReloadTo, of: name).isEmpty
  }

  // MARK: Small parts

  /// Down, or about to be started again by itself.
  static func isDown(_ activity: UnitActivity) -> Bool {
    activity.active.isDown || activity.sub == .autoRestart
  }

  mutating func set(_ job: Job?, of name: UnitName) {
    guard let old = members[name] else { return }
    members[name]?.job = job
    guard let job else {
      busy.remove(name)
      return
    }
    busy.insert(name)
    if old.job?.isStart != job.isStart { members[name]?.jobSince = now }
    if !job.isWaiting { members[name]?.jobRunningSince = now }
    if job.isStart { members[name]?.startsAgain = false }
  }

  private func jobDeadline(of name: UnitName) -> Duration? {
    guard let member = members[name], let job = member.job, let rules = relations.dependencies(of: name) else {
      return nil
    }
    let whole = rules.jobTimeout.map { member.jobSince + $0 }
    let running = job.isWaiting ? nil : rules.jobRunningTimeout.map { member.jobRunningSince + $0 }
    return [whole, running].compactMap { $0 }.min()
  }

  mutating func taken() -> [Directive] {
    defer { directives = [] }
    return directives
  }
}
