// SPDX-License-Identifier: Apache-2.0

/// What a timer has to know of the machine.
public struct TimerSurroundings: Sendable, Hashable {
  /// The time zones that calendar expressions are about.
  public var zones: TimeZoneTable
  /// When the node was first started since the machine's boot.
  public var startup: Duration
  /// When the timer last elapsed, since the Unix epoch, as it is kept for `Persistent=`; nil for never.
  public var stamp: Duration?
  /// Where randomness comes from.
  public var seed: UInt64
  /// Part of a delay that is always the same.
  public var machineID: String

  /// Makes surroundings.
  public init(
    zones: TimeZoneTable = TimeZoneTable(),
    startup: Duration = .zero,
    stamp: Duration? = nil,
    seed: UInt64 = 0,
    machineID: String = ""
  ) {
    self.zones = zones
    self.startup = startup
    self.stamp = stamp
    self.seed = seed
    self.machineID = machineID
  }
}

/// The machine behind a timer: it waits for its next moment and starts another unit then.
///
/// Source: systemd.timer(5); systemd v252 `src/core/timer.c`.
public struct TimerLifecycle: PassiveLifecycle {
  /// Everything about a timer that changes.
  public struct Snapshot: Sendable, Equatable, Codable {
    var sub = UnitActivity.SubState.dead
    var result = ServiceResult.success
    /// When it was started.
    var startedSinceBoot: Duration?
    var startedSinceEpoch: Duration?
    /// When it last elapsed since it was started.
    var elapsedSinceBoot: Duration?
    var elapsedSinceEpoch: Duration?
    /// When it last elapsed at all, or was started for the first time; kept for `Persistent=` only.
    var stamp: Duration?
    /// How the unit that it starts was last seen, and when it was started and ended.
    var triggered: UnitActivity?
    var triggeredStarted: Duration?
    var triggeredEnded: Duration?
    /// Lengths of time, by their places, that came and do not come again.
    var spent: Set<Int> = []
    /// When it elapses next.
    var nextSinceBoot: Duration?
    var nextSinceEpoch: Duration?
    /// How far the clock was ahead of the time since the boot when that was found out.
    var clockOffset = Duration.zero
    var random: UInt64 = 0
  }

  /// What the timer is.
  public let definition: TimerDefinition
  private let name: String
  private let surroundings: TimerSurroundings
  private var snapshot: Snapshot
  private var directives: [PassiveDirective] = []

  /// Makes the machine of a timer, new or as it was left.
  public init(
    _ definition: TimerDefinition,
    name: UnitName,
    surroundings: TimerSurroundings,
    resuming snapshot: Snapshot? = nil
  ) {
    self.definition = definition
    self.name = name.rawValue
    self.surroundings = surroundings
    self.snapshot = snapshot ?? Snapshot()
    if snapshot == nil {
      self.snapshot.random = surroundings.seed
      self.snapshot.stamp = surroundings.stamp
    }
  }

  /// How far the clock may have got away from the time since the boot without having been set.
  private static let steadiness = Duration.seconds(10)

  // MARK: Queries

  /// Waiting, running, elapsed, dead or failed.
  public var activity: UnitActivity { UnitActivity(sub: snapshot.sub, result: snapshot.result) }
  /// The unit that it starts.
  public var triggered: String? { definition.triggered }
  /// Everything that changes.
  public var kept: PassiveSnapshot { .timer(snapshot) }

  /// When it elapses, as far as the clock goes on as it does.
  public var deadline: Duration? {
    guard snapshot.sub == .waiting else { return nil }
    return [snapshot.nextSinceBoot, snapshot.nextSinceEpoch.map { $0 - snapshot.clockOffset }].compactMap { $0 }.min()
  }

  /// The next moment, as far as it is known.
  public var statusText: String? {
    guard let next = deadline.map({ $0 + snapshot.clockOffset }) else { return nil }
    return "Trigger: \(CivilTime(microsecondsOnClock: next.wholeMicroseconds)) UTC"
  }

  // MARK: Inputs

  /// It waits for its first moment.
  public mutating func start(at now: UnitMoment) -> [PassiveDirective] {
    guard snapshot.sub == .dead || snapshot.sub == .failed else { return [] }
    snapshot.result = .success
    snapshot.startedSinceBoot = now.sinceBoot
    snapshot.startedSinceEpoch = now.sinceEpoch
    snapshot.elapsedSinceBoot = nil
    snapshot.elapsedSinceEpoch = nil
    snapshot.spent = snapshot.spent.filter {
      definition.delays.indices.contains($0) && definition.delays[$0].base != .active
    }
    if definition.isPersistent {
      if let stamp = snapshot.stamp, stamp < now.sinceEpoch {
        snapshot.elapsedSinceEpoch = stamp
      } else if snapshot.stamp == nil {
        // What was before its first start was not missed.
        keepStamp(now)
      }
    }
    wait(at: now)
    return taken()
  }

  /// It waits no longer.
  public mutating func stop(at now: UnitMoment) -> [PassiveDirective] {
    enter(.dead)
    return taken()
  }

  /// A moment has come, unless the clock was set back.
  public mutating func timerFired(at now: UnitMoment) -> [PassiveDirective] {
    guard snapshot.sub == .waiting else { return [] }
    let isDue =
      snapshot.nextSinceBoot.map { $0 <= now.sinceBoot } == true
      || snapshot.nextSinceEpoch.map { $0 <= now.sinceEpoch } == true
    if isDue { elapse(at: now) } else { followClock(at: now) }
    return taken()
  }

  /// The unit that it starts has changed; once that is down the timer waits for the next moment.
  public mutating func triggeredChanged(to activity: UnitActivity, at now: UnitMoment) -> [PassiveDirective] {
    let wasDown = snapshot.triggered?.active.isDown ?? true
    let isDown = activity.active.isDown
    if wasDown, !isDown { snapshot.triggeredStarted = now.sinceBoot }
    if !wasDown, isDown { snapshot.triggeredEnded = now.sinceBoot }
    snapshot.triggered = activity
    // What counts from that unit counts anew.
    switch snapshot.sub {
    case .waiting, .elapsed: wait(at: now)
    case .running: if isDown { wait(at: now) }
    default: break
    }
    return taken()
  }

  /// The unit cannot be started, and so the timer fails.
  public mutating func triggeredRefused(at now: UnitMoment) -> [PassiveDirective] {
    guard snapshot.sub == .running else { return [] }
    snapshot.result = .resources
    enter(.failed)
    return taken()
  }

  /// The clock was set: calendar expressions are looked at again.
  public mutating func clockChanged(at now: UnitMoment) -> [PassiveDirective] {
    forgetFuture(at: now)
    guard snapshot.sub == .waiting else { return [] }
    if definition.elapsesOnClockChange { elapse(at: now) } else { wait(at: now, afterClockChange: true) }
    return taken()
  }

  /// The clock may have been set meanwhile.
  public mutating func resumed(at now: UnitMoment) -> [PassiveDirective] {
    forgetFuture(at: now)
    if snapshot.sub == .waiting { followClock(at: now) }
    return taken()
  }

  // MARK: Steps

  private mutating func elapse(at now: UnitMoment) {
    snapshot.elapsedSinceBoot = now.sinceBoot
    snapshot.elapsedSinceEpoch = now.sinceEpoch
    if definition.isPersistent { keepStamp(now) }
    enter(.running)
    directives.append(.startUnit(definition.triggered))
  }

  /// The clock may go a little faster or slower; one that was set makes calendar expressions be looked at again.
  private mutating func followClock(at now: UnitMoment) {
    let offset = now.sinceEpoch - now.sinceBoot
    let change = offset - snapshot.clockOffset
    snapshot.clockOffset = offset
    guard change < .zero - Self.steadiness || change > Self.steadiness else { return }
    forgetFuture(at: now)
    wait(at: now, afterClockChange: true)
  }

  /// What lies after now since the clock was set back: counting from there, the timer would be still for as long.
  private mutating func forgetFuture(at now: UnitMoment) {
    snapshot.elapsedSinceEpoch = snapshot.elapsedSinceEpoch.map { min($0, now.sinceEpoch) }
    snapshot.startedSinceEpoch = snapshot.startedSinceEpoch.map { min($0, now.sinceEpoch) }
  }

  private mutating func keepStamp(_ now: UnitMoment) {
    snapshot.stamp = now.sinceEpoch
    directives.append(.keepStamp(now.sinceEpoch))
  }

  private mutating func wait(at now: UnitMoment, afterClockChange: Bool = false) {
    let (delay, mayComeAgain) = nextDelay(at: now, afterClockChange: afterClockChange)
    let calendar = nextCalendar(at: now)
    guard delay != nil || calendar != nil || definition.elapsesOnClockChange else {
      enter(definition.remainsAfterElapse || mayComeAgain ? .elapsed : .dead)
      return
    }
    enter(.waiting)
    snapshot.nextSinceBoot = delay.map { $0 + randomDelay() }
    snapshot.nextSinceEpoch = calendar.map { $0 + randomDelay() }
    snapshot.clockOffset = now.sinceEpoch - now.sinceBoot
  }

  /// The earliest length of time, and whether there is one that counts from the unit, which may be started by others.
  private mutating func nextDelay(
    at now: UnitMoment,
    afterClockChange: Bool
  ) -> (next: Duration?, mayComeAgain: Bool) {
    var next: Duration?
    var mayComeAgain = false
    for (index, delay) in definition.delays.enumerated() {
      if !delay.base.isOnce { mayComeAgain = true }
      guard !snapshot.spent.contains(index), let base = moment(of: delay.base, now) else { continue }
      let moment = base + delay.duration
      let hasElapsed = snapshot.elapsedSinceBoot != nil || snapshot.elapsedSinceEpoch != nil
      if hasElapsed, !afterClockChange, moment < now.sinceBoot, delay.base.isOnce {
        snapshot.spent.insert(index)
        continue
      }
      next = min(next ?? moment, moment)
    }
    return (next, mayComeAgain)
  }

  private func moment(of base: TimerDefinition.Base, _ now: UnitMoment) -> Duration? {
    switch base {
    case .active: snapshot.startedSinceBoot ?? now.sinceBoot
    case .boot: .zero
    case .startup: surroundings.startup
    case .unitActive: [snapshot.triggeredStarted, snapshot.elapsedSinceBoot].compactMap { $0 }.max()
    case .unitInactive: [snapshot.triggeredEnded, snapshot.elapsedSinceBoot].compactMap { $0 }.max()
    }
  }

  private func nextCalendar(at now: UnitMoment) -> Duration? {
    let moments = definition.calendar.compactMap { expression in
      if let last = snapshot.elapsedSinceEpoch {
        // It may have elapsed late, when clocks had been put back already.
        return expression.next(afterElapseAtEpochMicroseconds: last.wholeMicroseconds, zones: surroundings.zones)
      }
      let start = snapshot.startedSinceEpoch ?? now.sinceEpoch
      return expression.next(afterEpochMicroseconds: start.wholeMicroseconds, zones: surroundings.zones)
    }
    guard let next = moments.min() else { return nil }
    // What was missed before the node started counts from then on, so that a random delay delays it.
    let startup = surroundings.startup + (now.sinceEpoch - now.sinceBoot)
    return max(.microseconds(next), startup)
  }

  private mutating func enter(_ sub: UnitActivity.SubState) {
    snapshot.sub = sub
    snapshot.nextSinceBoot = nil
    snapshot.nextSinceEpoch = nil
  }

  private mutating func randomDelay() -> Duration {
    let limit = definition.randomizedDelay.wholeMicroseconds
    guard limit > 0 else { return .zero }
    let number: UInt64
    if definition.hasFixedRandomDelay {
      number = Self.hash("\(surroundings.machineID)/\(name)")
    } else {
      snapshot.random &+= 0x9e37_79b9_7f4a_7c15
      number = Self.mixed(snapshot.random)
    }
    return .microseconds(Int64(number % UInt64(limit)))
  }

  /// The last step of SplitMix64.
  private static func mixed(_ number: UInt64) -> UInt64 {
    var number = number
    number = (number ^ number >> 30) &* 0xbf58_476d_1ce4_e5b9
    number = (number ^ number >> 27) &* 0x94d0_49bb_1331_11eb
    return number ^ number >> 31
  }

  /// FNV-1a.
  private static func hash(_ text: String) -> UInt64 {
    mixed(text.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 })
  }

  private mutating func taken() -> [PassiveDirective] {
    defer { directives = [] }
    return directives
  }
}

extension Duration {
  /// Whole microseconds, rounded down.
  public var wholeMicroseconds: Int64 {
    let (seconds, attoseconds) = components
    return seconds * 1_000_000 + attoseconds / 1_000_000_000_000
  }
}
