// SPDX-License-Identifier: Apache-2.0

/// The machine behind start, stop and reload of one service.
///
/// It follows systemd's own machine state by state, so that a unit file means here what it means there. Inputs return
/// what to do, in order; the state is read from ``activity`` and the only timer from ``deadline``.
/// Units: moments are lengths of time since the machine's boot.
/// Source: systemd v252 `src/core/service.c`; `Type=notify-reload` as in v253.
public struct UnitLifecycle: Sendable, Equatable {
  /// What the service is.
  public let definition: ServiceDefinition
  /// What changes; it may be kept and given to ``init(_:resuming:)`` later.
  public internal(set) var snapshot: Snapshot
  var directives: [UnitDirective] = []

  /// Makes the machine of a service, new or as it was left.
  public init(_ definition: ServiceDefinition, resuming snapshot: Snapshot = Snapshot()) {
    self.definition = definition
    self.snapshot = snapshot
  }

  // MARK: Queries

  /// The state in systemd's words.
  public var activity: UnitActivity {
    UnitActivity(load: .loaded, sub: snapshot.sub, result: snapshot.result)
  }

  /// When ``timerFired(at:)`` is to be told; nil for never.
  public var deadline: Duration? {
    [snapshot.stateDeadline, snapshot.watchdogDeadline].compactMap { $0 }.min()
  }

  /// Whether the service can take its configuration in anew without a restart.
  public var canReload: Bool { definition.type == .notifyReload || !definition.commands(.reload).isEmpty }

  /// Whether it stops, or has stopped, only to start again.
  public var isRestarting: Bool { snapshot.isRestarting }

  /// How often the service has to say that it is alive; nil when it need not.
  public var watchdogInterval: Duration? {
    (snapshot.watchdogInterval ?? definition.watchdogInterval).flatMap { $0 > .zero ? $0 : nil }
  }

  // MARK: Requests

  /// A start by request; one that runs or is being started is left alone, one that is stopping starts afterwards.
  public mutating func start(at now: Duration) -> [UnitDirective] {
    switch snapshot.sub {
    case .dead, .failed: enterStartup(at: now, isRequest: true)
    case .autoRestart, .condition, .startPre, .start, .startPost: break
    case .running, .exited, .reload, .reloadSignal, .reloadNotify: break
    case .active, .waiting, .elapsed, .listening, .startChown, .stopPre, .stopPreSigterm, .stopPreSigkill: break
    case .stop, .stopWatchdog, .stopSigterm, .stopSigkill, .stopPost: snapshot.startsAfterStop = true
    case .finalWatchdog, .finalSigterm, .finalSigkill: snapshot.startsAfterStop = true
    }
    return taken()
  }

  /// A stop by request, after which `Restart=` does not count.
  public mutating func stop(at now: Duration) -> [UnitDirective] {
    snapshot.startsAfterStop = false
    snapshot.isRestarting = false
    stopByRequest(at: now)
    return taken()
  }

  /// The stop that is the first half of a restart by request.
  public mutating func stopToRestart(at now: Duration) -> [UnitDirective] {
    snapshot.startsAfterStop = false
    snapshot.isRestarting = true
    stopByRequest(at: now)
    return taken()
  }

  /// A reload by request; nothing happens unless the service is up and ``canReload``.
  public mutating func reload(at now: Duration) -> [UnitDirective] {
    if snapshot.sub == .running || snapshot.sub == .exited, canReload { enterReload(at: now) }
    return taken()
  }

  // MARK: Events

  /// The program of a command has been executed, or its container started.
  public mutating func started(_ role: CommandRole, at now: Duration) -> [UnitDirective] {
    if role == .main, snapshot.sub == .start, definition.type == .exec { enterStartPost(at: now) }
    return taken()
  }

  /// A command has ended, or could not be started.
  public mutating func ended(_ role: CommandRole, _ end: ProcessEnd, at now: Duration) -> [UnitDirective] {
    switch role {
    case .main: mainEnded(end, at: now)
    case .control: controlEnded(end, at: now)
    }
    return taken()
  }

  /// The main process that was looked for is known.
  public mutating func mainFound(at now: Duration) -> [UnitDirective] {
    guard snapshot.search != nil else { return [] }
    snapshot.search = nil
    snapshot.main = CommandPosition(stage: .start, index: 0)
    snapshot.isMainUnknown = false
    afterSearch(at: now)
    return taken()
  }

  /// The main process that was looked for is not to be found.
  public mutating func mainMissing(groupIsEmpty: Bool, at now: Duration) -> [UnitDirective] {
    guard let search = snapshot.search else { return [] }
    snapshot.search = nil
    switch search {
    case .look: snapshot.isMainUnknown = true
    case .guess: snapshot.isMainUnknown = !groupIsEmpty
    case .wait:
      if snapshot.sub == .start { enterSignal(.stopSigterm, .protocol, at: now) }
      if snapshot.sub == .startPost { enterStop(.protocol, at: now) }
      return taken()
    }
    afterSearch(at: now)
    return taken()
  }

  /// No process of the unit is left.
  public mutating func groupEmptied(at now: Duration) -> [UnitDirective] {
    guard snapshot.main == nil, snapshot.control == nil else { return [] }
    switch snapshot.sub {
    case .start where definition.type.isNotifying: enterStopPost(.protocol, at: now)
    case .running where snapshot.isMainUnknown:
      snapshot.isMainUnknown = false
      enterRunning(.success, at: now)
    case .stopWatchdog, .stopSigterm, .stopSigkill: enterStopPost(.success, at: now)
    case .finalWatchdog, .finalSigterm, .finalSigkill: enterDead(.success, at: now)
    default: break
    }
    return taken()
  }

  /// The moment of ``deadline`` has come.
  public mutating func timerFired(at now: Duration) -> [UnitDirective] {
    if let watchdog = snapshot.watchdogDeadline, watchdog <= now {
      enterSignal(.stopWatchdog, .watchdog, at: now)
    } else if let deadline = snapshot.stateDeadline, deadline <= now {
      snapshot.stateDeadline = nil
      timedOut(at: now)
    }
    return taken()
  }

  /// What has to be done again when those who carried directives out are new and may have missed some.
  ///
  /// Commands that were begun are not among it.
  public func reminders() -> [UnitDirective] {
    var copy = self
    switch snapshot.sub {
    case .stopWatchdog, .stopSigterm, .stopSigkill, .finalWatchdog, .finalSigterm, .finalSigkill:
      // A service that stops of its own accord gets no signal; that nothing is left of it may have been missed.
      if snapshot.progress == .stopping, snapshot.sub == .stopSigterm, !snapshot.forbidsRestart {
        return snapshot.main == nil && snapshot.control == nil ? [.watchGroup] : []
      }
      copy.signalWhatIsLeft(snapshot.sub)
    case .reloadSignal: copy.directives.append(.signal(definition.reloadSignal, .main))
    case .running where snapshot.isMainUnknown: copy.directives.append(.watchGroup)
    case .start where definition.type.isNotifying && snapshot.main == nil: copy.directives.append(.watchGroup)
    default: break
    }
    if let search = snapshot.search { copy.directives.append(.findMain(search)) }
    return copy.taken()
  }

  // MARK: Small parts

  mutating func note(_ result: ServiceResult) {
    if snapshot.result == .success { snapshot.result = result }
  }

  mutating func set(_ sub: UnitActivity.SubState, timeout: Duration? = nil, at now: Duration) {
    if sub.active.isUp, !snapshot.sub.active.isUp { snapshot.activeSince = now }
    if !Self.isWatched(sub) { snapshot.watchdogDeadline = nil }
    if sub != .start, sub != .startPost { snapshot.search = nil }
    snapshot.sub = sub
    snapshot.stateDeadline = timeout.map { now + $0 }
  }

  /// Whether a service in this state has to say that it is alive.
  static func isWatched(_ sub: UnitActivity.SubState) -> Bool {
    sub == .startPost || (sub.active.isUp && sub != .exited)
  }

  mutating func run(_ stage: CommandStage, _ index: Int, _ role: CommandRole) {
    let position = CommandPosition(stage: stage, index: index)
    switch role {
    case .main: snapshot.main = position
    case .control: snapshot.control = position
    }
    directives.append(.run(position, role))
  }

  mutating func taken() -> [UnitDirective] {
    defer { directives = [] }
    return directives
  }
}
