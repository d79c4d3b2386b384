// SPDX-License-Identifier: Apache-2.0

/// What follows from the end of a command.
extension UnitLifecycle {
  mutating func mainEnded(_ end: ProcessEnd, at now: Duration) {
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
      snapshot.stateDeadline = definition.startTimeout.map { now + $0 }
      return
    }
    let isAlone = snapshot.control == nil
    switch snapshot.sub {
    case .start: mainEndedDuringStart(result, at: now)
    case .running: enterRunning(result, at: now)
    case .startPost, .reload, .reloadSignal, .reloadNotify: if isAlone { enterStop(result, at: now) }
    case .stopWatchdog, .stopSigterm, .stopSigkill: if isAlone { enterStopPost(result, at: now) }
    case .stopPost: if isAlone { enterSignal(.finalSigterm, result, at: now) }
    case .finalWatchdog, .finalSigterm, .finalSigkill: if isAlone { enterDead(result, at: now) }
    case .stop, .condition, .startPre, .exited, .dead, .failed, .autoRestart: break
    case .active, .waiting, .elapsed, .listening, .startChown, .stopPre, .stopPreSigterm, .stopPreSigkill: break
    }
  }

  private mutating func mainEndedDuringStart(_ result: ServiceResult, at now: Duration) {
    switch definition.type {
    case .oneshot:
      if result == .success { enterStartPost(at: now) } else { enterSignal(.stopSigterm, result, at: now) }
    case .notify, .notifyReload:
      if result != .success {
        enterSignal(.stopSigterm, result, at: now)
      } else if !definition.remainsAfterExit || definition.notifyAccess == .main {
        // Nobody is left who could say that the service is up.
        enterSignal(.stopSigterm, .protocol, at: now)
      } else {
        directives.append(.watchGroup)
      }
    case .forking: if snapshot.control == nil { enterRunning(result, at: now) }
    case .simple, .exec, .idle: enterRunning(result, at: now)
    }
  }

  mutating func controlEnded(_ end: ProcessEnd, at now: Duration) {
    guard let position = snapshot.control else { return }
    snapshot.control = nil
    let commands = definition.commands(position.stage)
    var result = serviceResult(of: end, commands[position.index], isDaemon: position.stage == .start)
    if snapshot.sub == .condition, result == .exitCode, end != .exited(255) { result = .execCondition }
    if snapshot.sub != .reload { note(result) }
    if result == .success, position.index + 1 < commands.count, snapshot.sub == state(of: position.stage) {
      run(position.stage, position.index + 1, .control)
      let isStop = snapshot.sub.active == .deactivating
      snapshot.stateDeadline = (isStop ? definition.stopTimeout : definition.startTimeout).map { now + $0 }
      return
    }
    controlStageEnded(result, at: now)
  }

  private mutating func controlStageEnded(_ result: ServiceResult, at now: Duration) {
    let hasMain = snapshot.main != nil
    switch snapshot.sub {
    case .condition, .startPre, .start, .startPost:
      if result == .success { goOnStarting(at: now) } else { enterSignal(.stopSigterm, result, at: now) }
    case .reload: reloadEnded(result, at: now)
    case .stop: enterSignal(.stopSigterm, result, at: now)
    case .stopWatchdog, .stopSigterm, .stopSigkill: if !hasMain { enterStopPost(result, at: now) }
    case .stopPost: if !hasMain { enterSignal(.finalSigterm, result, at: now) }
    case .finalWatchdog, .finalSigterm, .finalSigkill: if !hasMain { enterDead(result, at: now) }
    case .running, .exited, .reloadSignal, .reloadNotify, .dead, .failed, .autoRestart: break
    case .active, .waiting, .elapsed, .listening, .startChown, .stopPre, .stopPreSigterm, .stopPreSigkill: break
    }
  }

  private mutating func goOnStarting(at now: Duration) {
    switch snapshot.sub {
    case .condition: enterStartPre(at: now)
    case .startPre: enterStart(at: now)
    case .start: forkingCommandEnded(at: now)
    default: startPostEnded(at: now)
    }
  }

  private func state(of stage: CommandStage) -> UnitActivity.SubState? {
    switch stage {
    case .condition: .condition
    case .startPre: .startPre
    case .startPost: .startPost
    case .reload: .reload
    case .stop: .stop
    case .stopPost: .stopPost
    case .start: nil
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
}
