// SPDX-License-Identifier: Apache-2.0

/// The way up, and reloads.
extension UnitLifecycle {
  mutating func enterStartup(at now: Duration, isRequest: Bool) {
    snapshot.startsAfterStop = false
    snapshot.isRestarting = false
    guard startIsWithinLimit(at: now) else {
      snapshot.result = .startLimitHit
      set(.failed, at: now)
      return
    }
    snapshot.runs = (snapshot.runs ?? 0) + 1
    if isRequest { snapshot.restarts = 0 }
    snapshot.result = .success
    snapshot.reloadResult = .success
    snapshot.mainEnd = nil
    snapshot.forbidsRestart = false
    snapshot.isMainUnknown = false
    snapshot.statusText = nil
    snapshot.progress = nil
    snapshot.watchdogInterval = nil
    if definition.commands(.condition).isEmpty {
      enterStartPre(at: now)
    } else {
      set(.condition, timeout: definition.startTimeout, at: now)
      run(.condition, 0, .control)
    }
  }

  /// Counts a start; false when the limit is reached.
  private mutating func startIsWithinLimit(at now: Duration) -> Bool {
    definition.startLimit.allows(
      startAt: now,
      begin: &snapshot.startWindowBegin,
      count: &snapshot.startsInWindow
    )
  }

  mutating func enterStartPre(at now: Duration) {
    guard !definition.commands(.startPre).isEmpty else {
      enterStart(at: now)
      return
    }
    set(.startPre, timeout: definition.startTimeout, at: now)
    run(.startPre, 0, .control)
  }

  mutating func enterStart(at now: Duration) {
    guard !definition.commands(.start).isEmpty else {
      set(.start, at: now)
      enterStartPost(at: now)
      return
    }
    run(.start, 0, definition.type == .forking ? .control : .main)
    switch definition.type {
    case .simple, .idle: enterStartPost(at: now)
    case .exec, .oneshot, .forking, .notify, .notifyReload:
      set(.start, timeout: definition.startTimeout, at: now)
    }
  }

  mutating func enterStartPost(at now: Duration) {
    snapshot.watchdogDeadline = watchdogInterval.map { now + $0 }
    guard !definition.commands(.startPost).isEmpty else {
      enterRunning(.success, at: now)
      return
    }
    set(.startPost, timeout: definition.startTimeout, at: now)
    run(.startPost, 0, .control)
  }

  /// Whatever belongs to a service that is up, or has just found out that it is not.
  mutating func enterRunning(_ result: ServiceResult, at now: Duration) {
    note(result)
    if snapshot.result != .success {
      enterSignal(.stopSigterm, result, at: now)
    } else if snapshot.main != nil || snapshot.isMainUnknown {
      switch snapshot.progress {
      case .reloading: set(.reloadNotify, timeout: definition.startTimeout, at: now)
      case .stopping: enterStopByNotice(at: now)
      case .ready, nil: settleInRunning(at: now)
      }
    } else if definition.remainsAfterExit {
      set(.exited, at: now)
    } else {
      enterStop(.success, at: now)
    }
  }

  private mutating func settleInRunning(at now: Duration) {
    set(.running, at: now)
    snapshot.stateDeadline = definition.runtimeLimit.flatMap { limit in snapshot.activeSince.map { $0 + limit } }
    if snapshot.isMainUnknown { directives.append(.watchGroup) }
  }

  // MARK: Services that put themselves into the background

  /// The command of a forking service has done its part; what it has left in the background is the service.
  mutating func forkingCommandEnded(at now: Duration) {
    if snapshot.main != nil {
      enterStartPost(at: now)
    } else if definition.pidFile != nil {
      // A later command may be the one that writes the file.
      find(definition.commands(.startPost).isEmpty ? .wait : .look)
    } else {
      lookAround(at: now)
    }
  }

  /// The commands of `ExecStartPost=` have done their part.
  mutating func startPostEnded(at now: Duration) {
    if definition.type == .forking, snapshot.main == nil, snapshot.mainEnd == nil {
      if definition.pidFile != nil { find(.wait) } else { lookAround(at: now) }
    } else {
      enterRunning(.success, at: now)
    }
  }

  private mutating func lookAround(at now: Duration) {
    if definition.guessesMain {
      find(.guess)
    } else {
      snapshot.isMainUnknown = true
      afterSearch(at: now)
    }
  }

  private mutating func find(_ search: MainSearch) {
    snapshot.search = search
    directives.append(.findMain(search))
  }

  mutating func afterSearch(at now: Duration) {
    if snapshot.sub == .start {
      enterStartPost(at: now)
    } else if snapshot.sub == .startPost, snapshot.control == nil {
      enterRunning(.success, at: now)
    }
  }

  // MARK: Reloads

  mutating func enterReload(at now: Duration) {
    let isSignaled = definition.type == .notifyReload && snapshot.main != nil
    snapshot.reloadResult = .success
    snapshot.reloadSince = now
    if isSignaled { directives.append(.signal(definition.reloadSignal, .main)) }
    if !definition.commands(.reload).isEmpty {
      set(.reload, timeout: definition.startTimeout, at: now)
      run(.reload, 0, .control)
    } else if isSignaled {
      set(.reloadSignal, timeout: definition.startTimeout, at: now)
    }
  }

  /// The commands of `ExecReload=` have ended; the service itself may not be done yet.
  mutating func reloadEnded(_ result: ServiceResult, at now: Duration) {
    snapshot.reloadResult = result
    if snapshot.main != nil, snapshot.result == .success, snapshot.progress == .reloading {
      let deadline = snapshot.stateDeadline
      set(.reloadNotify, at: now)
      snapshot.stateDeadline = deadline
    } else {
      enterRunning(.success, at: now)
    }
  }
}
