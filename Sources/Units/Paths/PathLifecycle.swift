// SPDX-License-Identifier: Apache-2.0

/// The machine behind a path unit: it waits for something to happen at its paths and starts its unit then.
///
/// While that unit is up nothing is looked out for; once it is down again, the paths are looked at anew.
/// Source: systemd v252 `src/core/path.c`.
public struct PathLifecycle: PassiveLifecycle {
  /// Everything about a path unit that is kept.
  public struct Snapshot: Sendable, Equatable, Codable {
    var sub = UnitActivity.SubState.dead
    var result = ServiceResult.success
    /// Whether there was something at each path when it was last looked at.
    var existed: [Bool] = []
    var triggerWindowBegin: Duration?
    var triggersInWindow = 0
  }

  /// What it looks out for.
  public let definition: PathDefinition
  private var snapshot: Snapshot
  /// Whether the unit that it starts is up, or on its way up or down.
  private var isTriggeredBusy = false
  /// The look at the paths that has been asked for: whether a change that it finds counts.
  private var awaitedLook: Bool?
  private var directives: [PassiveDirective] = []

  /// Makes the machine of a path unit, new or as it was left.
  public init(_ definition: PathDefinition, resuming snapshot: Snapshot? = nil) {
    self.definition = definition
    self.snapshot = snapshot ?? Snapshot()
  }

  // MARK: Queries

  /// Dead, waiting, running while its unit is, or failed.
  public var activity: UnitActivity { UnitActivity(sub: snapshot.sub, result: snapshot.result) }
  /// The unit that it starts.
  public var triggered: String? { definition.unit }
  /// All but what the unit that it starts does.
  public var kept: PassiveSnapshot { .path(snapshot) }

  private var isActive: Bool { snapshot.sub == .waiting || snapshot.sub == .running }

  // MARK: Requests

  /// Looks at the paths; where nothing is to be done yet it waits.
  public mutating func start(at now: UnitMoment) -> [PassiveDirective] {
    guard !isActive else { return [] }
    snapshot.result = .success
    if definition.makesDirectories { directives.append(.makeDirectories(definition)) }
    enterWaiting(changesCount: false)
    return taken()
  }

  /// Looks out for nothing any more; the unit that it has started goes on.
  public mutating func stop(at now: UnitMoment) -> [PassiveDirective] {
    if isActive { enterDead(.success) }
    return taken()
  }

  // MARK: Events

  /// The paths have been looked at after ``PassiveDirective/watchPaths(_:)``.
  ///
  /// - Parameters:
  ///   - found: For each of ``PathDefinition/watches`` whether there is something: at the path, like the pattern, or in the
  ///     directory.
  ///   - now: The moment.
  /// - Returns: What to do.
  public mutating func pathsSeen(_ found: [Bool], at now: UnitMoment) -> [PassiveDirective] {
    guard let changesCount = awaitedLook else { return [] }
    awaitedLook = nil
    let existed = snapshot.existed
    snapshot.existed = found
    let isDue = zip(definition.watches, found).enumerated().contains { index, pair in
      guard pair.0.kind.isEvent else { return pair.1 }
      return changesCount && existed.indices.contains(index) && existed[index] != pair.1
    }
    if isDue { trigger(at: now) } else { snapshot.sub = .waiting }
    return taken()
  }

  /// The paths cannot be looked at.
  public mutating func watchFailed(at now: UnitMoment) -> [PassiveDirective] {
    awaitedLook = nil
    enterDead(.resources)
    return taken()
  }

  /// Something has happened at the paths.
  ///
  /// - Parameters:
  ///   - isChange: Whether it is what a `PathChanged=` or `PathModified=` looks out for.
  ///   - now: The moment.
  /// - Returns: What to do.
  public mutating func pathEvent(isChange: Bool, at now: UnitMoment) -> [PassiveDirective] {
    guard snapshot.sub == .waiting else { return [] }
    if isChange { trigger(at: now) } else { enterWaiting(changesCount: true) }
    return taken()
  }

  /// While the unit is up there is nothing to look out for.
  public mutating func triggeredChanged(to activity: UnitActivity, at now: UnitMoment) -> [PassiveDirective] {
    isTriggeredBusy = !activity.active.isDown
    guard isActive else { return [] }
    if activity.result == .startLimitHit {
      enterDead(.unitStartLimitHit)
    } else if snapshot.sub == .running, !isTriggeredBusy {
      enterWaiting(changesCount: false)
    } else if snapshot.sub == .waiting, isTriggeredBusy {
      enterRunning()
    }
    return taken()
  }

  /// It fails.
  public mutating func triggeredRefused(at now: UnitMoment) -> [PassiveDirective] {
    if isActive { enterDead(.resources) }
    return taken()
  }

  /// The paths are looked out for again.
  public mutating func resumed(at now: UnitMoment) -> [PassiveDirective] {
    if isActive { enterWaiting(changesCount: false) }
    return taken()
  }

  // MARK: Private

  private mutating func enterWaiting(changesCount: Bool) {
    if isTriggeredBusy { return enterRunning() }
    awaitedLook = changesCount
    directives.append(.watchPaths(definition))
  }

  private mutating func enterRunning() {
    snapshot.sub = .running
    directives.append(.leavePaths)
  }

  private mutating func enterDead(_ result: ServiceResult) {
    if snapshot.result == .success { snapshot.result = result }
    snapshot.sub = snapshot.result == .success ? .dead : .failed
    awaitedLook = nil
    directives.append(.leavePaths)
  }

  private mutating func trigger(at now: UnitMoment) {
    guard isWithinLimit(at: now.sinceBoot) else { return enterDead(.triggerLimitHit) }
    enterRunning()
    directives.append(.startUnit(definition.unit))
  }

  private mutating func isWithinLimit(at now: Duration) -> Bool {
    definition.triggerLimit.allows(
      startAt: now,
      begin: &snapshot.triggerWindowBegin,
      count: &snapshot.triggersInWindow
    )
  }

  private mutating func taken() -> [PassiveDirective] {
    defer { directives = [] }
    return directives
  }
}
