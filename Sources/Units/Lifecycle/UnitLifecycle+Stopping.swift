// SPDX-License-Identifier: Apache-2.0

/// The way down.
extension UnitLifecycle {
  mutating func stopByRequest(at now: Duration) {
    snapshot.forbidsRestart = true
    switch snapshot.sub {
    case .dead, .failed: break
    case .stop, .stopSigterm, .stopSigkill, .stopPost, .finalWatchdog, .finalSigterm, .finalSigkill: break
    case .autoRestart: set(.dead, at: now)
    case .condition, .startPre, .start, .startPost, .reload, .reloadSignal, .reloadNotify, .stopWatchdog:
      enterSignal(.stopSigterm, .success, at: now)
    case .running, .exited: enterStop(.success, at: now)
    case .active, .waiting, .elapsed, .listening, .startChown, .stopPre, .stopPreSigterm, .stopPreSigkill: break
    }
  }

  mutating func enterStop(_ result: ServiceResult, at now: Duration) {
    note(result)
    guard !definition.commands(.stop).isEmpty else {
      enterSignal(.stopSigterm, .success, at: now)
      return
    }
    set(.stop, timeout: definition.stopTimeout, at: now)
    run(.stop, 0, .control)
  }

  /// The service says that it goes down, which counts as if it had got the signal to.
  mutating func enterStopByNotice(at now: Duration) {
    set(.stopSigterm, timeout: definition.stopTimeout, at: now)
    if snapshot.main == nil { directives.append(.watchGroup) }
  }

  mutating func enterStopPost(_ result: ServiceResult, at now: Duration) {
    note(result)
    guard !definition.commands(.stopPost).isEmpty else {
      enterSignal(.finalSigterm, .success, at: now)
      return
    }
    set(.stopPost, timeout: definition.stopTimeout, at: now)
    run(.stopPost, 0, .control)
  }

  // MARK: Signals

  /// Signals what is left of the service, and goes on at once when there is nothing to wait for.
  mutating func enterSignal(_ sub: UnitActivity.SubState, _ result: ServiceResult, at now: Duration) {
    note(result)
    if signalWhatIsLeft(sub) {
      let isAbort = sub == .stopWatchdog || sub == .finalWatchdog
      set(sub, timeout: isAbort ? definition.abortTimeout : definition.stopTimeout, at: now)
      return
    }
    switch sub {
    case .stopSigterm, .stopWatchdog:
      if definition.sendsSigkill {
        enterSignal(.stopSigkill, .success, at: now)
      } else {
        enterStopPost(.success, at: now)
      }
    case .stopSigkill: enterStopPost(.success, at: now)
    case .finalSigterm, .finalWatchdog:
      if definition.sendsSigkill {
        enterSignal(.finalSigkill, .success, at: now)
      } else {
        enterDead(.success, at: now)
      }
    default: enterDead(.success, at: now)
    }
  }

  /// Sends what goes with a state; false when there is nothing that could get it.
  @discardableResult
  mutating func signalWhatIsLeft(_ sub: UnitActivity.SubState) -> Bool {
    let isKill = sub == .stopSigkill || sub == .finalSigkill
    let hasProcess = snapshot.main != nil || snapshot.control != nil
    let reachesGroup = definition.killMode == .controlGroup || (definition.killMode == .mixed && isKill)
    guard definition.killMode != .none, hasProcess || reachesGroup else { return false }
    let scope: SignalScope = reachesGroup ? .group : .processes
    let signal = signal(for: sub)
    directives.append(.signal(signal, scope))
    let isTermination = sub == .stopSigterm || sub == .finalSigterm
    if definition.sendsHangUp, isTermination, signal != .hangUp { directives.append(.signal(.hangUp, scope)) }
    return true
  }

  private func signal(for sub: UnitActivity.SubState) -> UnixSignal {
    switch sub {
    case .stopSigkill, .finalSigkill: definition.finalKillSignal
    case .stopWatchdog, .finalWatchdog: definition.watchdogSignal
    case .stopSigterm where snapshot.isRestarting: definition.restartKillSignal ?? definition.killSignal
    default: definition.killSignal
    }
  }

  // MARK: Timeouts

  mutating func timedOut(at now: Duration) {
    switch snapshot.sub {
    case .condition, .startPre, .start, .startPost:
      giveUp(definition.startTimeoutAction, .stopSigterm, .stopWatchdog, .stopSigkill, at: now)
    case .running: enterStop(.timeout, at: now)
    case .reload, .reloadSignal, .reloadNotify: reloadTimedOut(at: now)
    case .stop: giveUp(definition.stopTimeoutAction, .stopSigterm, .stopWatchdog, .stopSigkill, at: now)
    case .stopSigterm where definition.stopTimeoutAction == .abort: enterSignal(.stopWatchdog, .timeout, at: now)
    case .stopSigterm, .stopWatchdog: kill(.stopSigkill, at: now)
    case .stopSigkill: enterStopPost(.timeout, at: now)
    case .stopPost: giveUp(definition.stopTimeoutAction, .finalSigterm, .finalWatchdog, .finalSigkill, at: now)
    case .finalSigterm where definition.stopTimeoutAction == .abort: enterSignal(.finalWatchdog, .timeout, at: now)
    case .finalSigterm, .finalWatchdog: kill(.finalSigkill, at: now)
    case .finalSigkill: enterDead(.timeout, at: now)
    case .autoRestart:
      snapshot.restarts += 1
      enterStartup(at: now, isRequest: false)
    case .dead, .failed, .exited: break
    case .active, .waiting, .elapsed, .listening, .startChown, .stopPre, .stopPreSigterm, .stopPreSigkill: break
    }
  }

  private mutating func giveUp(
    _ action: ServiceDefinition.TimeoutAction,
    _ terminate: UnitActivity.SubState,
    _ abort: UnitActivity.SubState,
    _ kill: UnitActivity.SubState,
    at now: Duration
  ) {
    switch action {
    case .terminate: enterSignal(terminate, .timeout, at: now)
    case .abort: enterSignal(abort, .timeout, at: now)
    case .kill: self.kill(kill, at: now)
    }
  }

  /// SIGKILL, unless the file forbids it.
  private mutating func kill(_ sub: UnitActivity.SubState, at now: Duration) {
    if definition.sendsSigkill {
      enterSignal(sub, .timeout, at: now)
    } else if sub == .stopSigkill {
      enterStopPost(.timeout, at: now)
    } else {
      enterDead(.timeout, allowsRestart: false, at: now)
    }
  }

  /// A reload that hangs is given up; the service stays up.
  private mutating func reloadTimedOut(at now: Duration) {
    if snapshot.control != nil {
      snapshot.control = nil
      directives.append(.dropControl)
    }
    snapshot.reloadResult = .timeout
    if snapshot.progress == .reloading { snapshot.progress = .ready }
    enterRunning(.success, at: now)
  }

  // MARK: The end

  mutating func enterDead(_ result: ServiceResult, allowsRestart: Bool = true, at now: Duration) {
    note(result)
    let restarts = allowsRestart && shallRestart
    snapshot.main = nil
    snapshot.control = nil
    snapshot.isMainUnknown = false
    snapshot.activeSince = nil
    if definition.pidFile != nil { directives.append(.removePIDFile) }
    if restarts, let delay = definition.restartDelay {
      set(.autoRestart, timeout: delay, at: now)
      return
    }
    set(snapshot.result.isFailure ? .failed : .dead, at: now)
    if snapshot.startsAfterStop { enterStartup(at: now, isRequest: true) }
  }

  /// The table of systemd.service(5), `Restart=`, and its exceptions.
  private var shallRestart: Bool {
    guard !snapshot.forbidsRestart, !snapshot.startsAfterStop else { return false }
    if let end = snapshot.mainEnd {
      if definition.restartPreventingExits.contains(end) { return false }
      if definition.restartForcingExits.contains(end) { return true }
    }
    let result = snapshot.result
    switch definition.restart {
    case .no: return false
    case .always: return result != .execCondition
    case .onSuccess: return result == .success
    case .onFailure: return result.isFailure
    case .onAbnormal: return result.isFailure && result != .exitCode
    case .onAbort: return result == .signal || result == .coreDump
    case .onWatchdog: return result == .watchdog
    }
  }
}
