// SPDX-License-Identifier: Apache-2.0

/// The machine behind start, stop and restart of one service.
///
/// It follows systemd's own machine state by state, so that a unit file means here what it means there. Inputs return
/// what to do, in order; the state is read from ``activity`` and the only timer from ``deadline``.
/// Units: moments are lengths of time since the machine's boot.
/// Source: systemd v252 `src/core/service.c`.
public struct UnitLifecycle: Sendable, Equatable {
  /// What the service is.
  public let definition: ServiceDefinition
  /// What changes; it may be kept and given to ``init(_:resuming:)`` later.
  public private(set) var snapshot: Snapshot
  private var directives: [UnitDirective] = []

  /// Everything about a service that changes while it runs.
  public struct Snapshot: Sendable, Equatable, Codable {
    /// systemd's state.
    public internal(set) var sub = UnitActivity.SubState.dead
    /// How the run went so far; the first failure stays.
    public internal(set) var result = ServiceResult.success
    /// The main command that runs; nil when none does.
    public internal(set) var main: CommandPosition?
    /// The control command that runs; nil when none does.
    public internal(set) var control: CommandPosition?
    /// How the last main command ended; nil before that.
    public internal(set) var mainEnd: ProcessEnd?
    /// When ``UnitLifecycle/timerFired(at:)`` is to be told; nil for never.
    public internal(set) var deadline: Duration?
    /// How often the service was started again by itself since the last start by request.
    public internal(set) var restarts = 0
    /// A stop by request: no restart.
    var forbidsRestart = false
    /// A start by request that came while the service was stopping.
    var startsAfterStop = false
    var startWindowBegin: Duration?
    var startsInWindow = 0

    /// Makes the state of a service that never ran.
    public init() {}
  }

  /// Makes the machine of a service, new or as it was left.
  public init(_ definition: ServiceDefinition, resuming snapshot: Snapshot = Snapshot()) {
    self.definition = definition
    self.snapshot = snapshot
  }

  /// The state in systemd's words.
  public var activity: UnitActivity {
    UnitActivity(load: .loaded, sub: snapshot.sub, result: snapshot.result)
  }

  /// When ``timerFired(at:)`` is to be told; nil for never.
  public var deadline: Duration? { snapshot.deadline }

  // MARK: Inputs

  /// A start by request; one that runs or is being started is left alone, one that is stopping starts afterwards.
  public mutating func start(at now: Duration) -> [UnitDirective] {
    switch snapshot.sub {
    case .dead, .failed: enterStartup(at: now, isRequest: true)
    case .autoRestart, .startPre, .start, .startPost, .running, .exited: break
    case .stop, .stopSigterm, .stopSigkill, .stopPost, .finalSigterm, .finalSigkill: snapshot.startsAfterStop = true
    }
    return taken()
  }

  /// A stop by request, after which `Restart=` does not count.
  public mutating func stop(at now: Duration) -> [UnitDirective] {
    snapshot.forbidsRestart = true
    snapshot.startsAfterStop = false
    switch snapshot.sub {
    case .dead, .failed: break
    case .stop, .stopSigterm, .stopSigkill, .stopPost, .finalSigterm, .finalSigkill: break
    case .autoRestart: set(.dead)
    case .startPre, .start, .startPost: enterSignal(.stopSigterm, .success, at: now)
    case .running, .exited: enterStop(.success, at: now)
    }
    return taken()
  }

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

  /// No process of the unit is left.
  public mutating func groupEmptied(at now: Duration) -> [UnitDirective] {
    guard snapshot.main == nil, snapshot.control == nil else { return [] }
    switch snapshot.sub {
    case .stopSigterm, .stopSigkill: enterStopPost(.success, at: now)
    case .finalSigterm, .finalSigkill: enterDead(.success, at: now)
    case .dead, .failed, .autoRestart, .startPre, .start, .startPost, .running, .exited, .stop, .stopPost: break
    }
    return taken()
  }

  /// The moment of ``deadline`` has come.
  public mutating func timerFired(at now: Duration) -> [UnitDirective] {
    guard let deadline = snapshot.deadline, deadline <= now else { return [] }
    snapshot.deadline = nil
    switch snapshot.sub {
    case .startPre, .start, .startPost: enterSignal(.stopSigterm, .timeout, at: now)
    case .stop: enterSignal(.stopSigterm, .timeout, at: now)
    case .stopSigterm:
      if definition.sendsSigkill {
        enterSignal(.stopSigkill, .timeout, at: now)
      } else {
        enterStopPost(.timeout, at: now)
      }
    case .stopSigkill: enterStopPost(.timeout, at: now)
    case .stopPost: enterSignal(.finalSigterm, .timeout, at: now)
    case .finalSigterm:
      if definition.sendsSigkill {
        enterSignal(.finalSigkill, .timeout, at: now)
      } else {
        enterDead(.timeout, allowsRestart: false, at: now)
      }
    case .finalSigkill: enterDead(.timeout, at: now)
    case .autoRestart:
      snapshot.restarts += 1
      enterStartup(at: now, isRequest: false)
    case .dead, .failed, .running, .exited: break
    }
    return taken()
  }

  // MARK: The way up

  private mutating func enterStartup(at now: Duration, isRequest: Bool) {
    guard startIsWithinLimit(at: now) else {
      snapshot.result = .startLimitHit
      set(.failed)
      return
    }
    if isRequest { snapshot.restarts = 0 }
    snapshot.result = .success
    snapshot.mainEnd = nil
    snapshot.forbidsRestart = false
    snapshot.startsAfterStop = false
    if definition.commands(.startPre).isEmpty {
      enterStart(at: now)
    } else {
      set(.startPre, timeout: definition.startTimeout, at: now)
      run(.startPre, 0, .control)
    }
  }

  private mutating func enterStart(at now: Duration) {
    guard !definition.commands(.start).isEmpty else {
      set(.start)
      enterStartPost(at: now)
      return
    }
    run(.start, 0, .main)
    switch definition.type {
    case .simple: enterStartPost(at: now)
    case .exec, .oneshot: set(.start, timeout: definition.startTimeout, at: now)
    }
  }

  private mutating func enterStartPost(at now: Duration) {
    guard !definition.commands(.startPost).isEmpty else {
      enterRunning(.success, at: now)
      return
    }
    set(.startPost, timeout: definition.startTimeout, at: now)
    run(.startPost, 0, .control)
  }

  private mutating func enterRunning(_ result: ServiceResult, at now: Duration) {
    note(result)
    if snapshot.result != .success {
      enterSignal(.stopSigterm, result, at: now)
    } else if snapshot.main != nil {
      set(.running)
    } else if definition.remainsAfterExit {
      set(.exited)
    } else {
      enterStop(.success, at: now)
    }
  }

  // MARK: The way down

  private mutating func enterStop(_ result: ServiceResult, at now: Duration) {
    note(result)
    guard !definition.commands(.stop).isEmpty else {
      enterSignal(.stopSigterm, .success, at: now)
      return
    }
    set(.stop, timeout: definition.stopTimeout, at: now)
    run(.stop, 0, .control)
  }

  private mutating func enterStopPost(_ result: ServiceResult, at now: Duration) {
    note(result)
    guard !definition.commands(.stopPost).isEmpty else {
      enterSignal(.finalSigterm, .success, at: now)
      return
    }
    set(.stopPost, timeout: definition.stopTimeout, at: now)
    run(.stopPost, 0, .control)
  }

  /// Signals what is left of the service, and goes on at once when there is nothing to wait for.
  private mutating func enterSignal(_ sub: UnitActivity.SubState, _ result: ServiceResult, at now: Duration) {
    note(result)
    let isKill = sub == .stopSigkill || sub == .finalSigkill
    let hasProcess = snapshot.main != nil || snapshot.control != nil
    let reachesGroup = definition.killMode == .controlGroup || (definition.killMode == .mixed && isKill)
    if definition.killMode != .none, hasProcess || reachesGroup {
      set(sub, timeout: definition.stopTimeout, at: now)
      let scope: SignalScope = reachesGroup ? .group : .processes
      directives.append(.signal(isKill ? .kill : definition.killSignal, scope))
      if definition.sendsHangUp, !isKill { directives.append(.signal(.hangUp, scope)) }
      return
    }
    switch sub {
    case .stopSigterm where definition.sendsSigkill: enterSignal(.stopSigkill, .success, at: now)
    case .stopSigterm, .stopSigkill: enterStopPost(.success, at: now)
    case .finalSigterm where definition.sendsSigkill: enterSignal(.finalSigkill, .success, at: now)
    default: enterDead(.success, at: now)
    }
  }

  private mutating func enterDead(_ result: ServiceResult, allowsRestart: Bool = true, at now: Duration) {
    note(result)
    let restarts = allowsRestart && shallRestart
    snapshot.main = nil
    snapshot.control = nil
    if restarts, let delay = definition.restartDelay {
      set(.autoRestart, timeout: delay, at: now)
      return
    }
    set(snapshot.result == .success ? .dead : .failed)
    if snapshot.startsAfterStop { enterStartup(at: now, isRequest: true) }
  }

  private var shallRestart: Bool {
    guard !snapshot.forbidsRestart, !snapshot.startsAfterStop else { return false }
    if let end = snapshot.mainEnd {
      if definition.restartPreventingExits.contains(end) { return false }
      if definition.restartForcingExits.contains(end) { return true }
    }
    switch definition.restart {
    case .no: return false
    case .always: return true
    case .onSuccess: return snapshot.result == .success
    case .onFailure: return snapshot.result != .success
    case .onAbnormal: return snapshot.result != .success && snapshot.result != .exitCode
    case .onAbort: return snapshot.result == .signal || snapshot.result == .coreDump
    case .onWatchdog: return snapshot.result == .watchdog
    }
  }

  // MARK: Ends of commands

  private mutating func mainEnded(_ end: ProcessEnd, at now: Duration) {
    guard let position = snapshot.main else { return }
    snapshot.main = nil
    snapshot.mainEnd = end
    let command = definition.commands(position.stage)[position.index]
    let result = serviceResult(of: end, command, isDaemon: definition.type != .oneshot)
    note(result)
    if definition.type == .oneshot, result == .success, snapshot.sub == .start,
      position.index + 1 < definition.commands(.start).count
    {
      run(.start, position.index + 1, .main)
      snapshot.deadline = definition.startTimeout.map { now + $0 }
      return
    }
    switch snapshot.sub {
    case .startPost: if snapshot.control == nil { enterStop(result, at: now) }
    case .start where definition.type == .oneshot:
      if result == .success { enterStartPost(at: now) } else { enterSignal(.stopSigterm, result, at: now) }
    case .start, .running: enterRunning(result, at: now)
    case .stopSigterm, .stopSigkill: if snapshot.control == nil { enterStopPost(result, at: now) }
    case .finalSigterm, .finalSigkill: if snapshot.control == nil { enterDead(result, at: now) }
    case .stop, .stopPost, .startPre, .exited, .dead, .failed, .autoRestart: break
    }
  }

  private mutating func controlEnded(_ end: ProcessEnd, at now: Duration) {
    guard let position = snapshot.control else { return }
    snapshot.control = nil
    let commands = definition.commands(position.stage)
    let result = serviceResult(of: end, commands[position.index], isDaemon: false)
    note(result)
    if result == .success, position.index + 1 < commands.count, snapshot.sub == state(of: position.stage) {
      run(position.stage, position.index + 1, .control)
      let isStart = snapshot.sub.active == .activating
      snapshot.deadline = (isStart ? definition.startTimeout : definition.stopTimeout).map { now + $0 }
      return
    }
    switch snapshot.sub {
    case .startPre:
      if result == .success { enterStart(at: now) } else { enterSignal(.stopSigterm, result, at: now) }
    case .startPost:
      if result == .success { enterRunning(.success, at: now) } else { enterSignal(.stopSigterm, result, at: now) }
    case .stop: enterSignal(.stopSigterm, result, at: now)
    case .stopSigterm, .stopSigkill: if snapshot.main == nil { enterStopPost(result, at: now) }
    case .stopPost: enterSignal(.finalSigterm, result, at: now)
    case .finalSigterm, .finalSigkill: if snapshot.main == nil { enterDead(result, at: now) }
    case .start, .running, .exited, .dead, .failed, .autoRestart: break
    }
  }

  private func state(of stage: CommandStage) -> UnitActivity.SubState? {
    switch stage {
    case .startPre: .startPre
    case .startPost: .startPost
    case .stop: .stop
    case .stopPost: .stopPost
    case .start, .reload: nil
    }
  }

  /// A daemon may end by a signal that asks it to; a command may not.
  private func serviceResult(of end: ProcessEnd, _ command: ExecCommand, isDaemon: Bool) -> ServiceResult {
    if case .notStarted = end { return .resources }
    if command.ignoresFailure || definition.successExits.contains(end) { return .success }
    return switch end {
    case .exited(let code): code == 0 ? .success : .exitCode
    case .signaled(let signal, let dumpedCore):
      dumpedCore ? .coreDump : isDaemon && UnixSignal.clean.contains(signal) ? .success : .signal
    // What ended unseen while it was being stopped most likely did as it was told.
    case .lost: snapshot.sub.active == .deactivating ? .success : .signal
    case .notStarted: .resources
    }
  }

  // MARK: Small parts

  /// Counts a start; false when the limit is reached.
  private mutating func startIsWithinLimit(at now: Duration) -> Bool {
    let limit = definition.startLimit
    guard limit.interval > .zero, limit.burst > 0 else { return true }
    guard let begin = snapshot.startWindowBegin, now - begin < limit.interval else {
      snapshot.startWindowBegin = now
      snapshot.startsInWindow = 1
      return true
    }
    snapshot.startsInWindow += 1
    return snapshot.startsInWindow <= limit.burst
  }

  private mutating func note(_ result: ServiceResult) {
    if snapshot.result == .success { snapshot.result = result }
  }

  private mutating func set(_ sub: UnitActivity.SubState, timeout: Duration? = nil, at now: Duration = .zero) {
    snapshot.sub = sub
    snapshot.deadline = timeout.map { now + $0 }
  }

  private mutating func run(_ stage: CommandStage, _ index: Int, _ role: CommandRole) {
    let position = CommandPosition(stage: stage, index: index)
    switch role {
    case .main: snapshot.main = position
    case .control: snapshot.control = position
    }
    directives.append(.run(position, role))
  }

  private mutating func taken() -> [UnitDirective] {
    defer { directives = [] }
    return directives
  }
}
