// SPDX-License-Identifier: Apache-2.0

/// What decides on a service's life: `Type=`, timeouts, signals, restarts.
extension ServiceReader {
  /// What cannot be judged before the end of the file.
  struct LifecycleOptions {
    var type: ServiceDefinition.ServiceType?
    var hasStartTimeout = false
    /// Without `TimeoutAbortSec=` it is as `TimeoutStopSec=`.
    var hasAbortTimeout = false
    var notifyAccess: ServiceDefinition.NotifyAccess?
    /// The option, for the finding about it.
    var pidFile: UnitOption?
  }

  /// Reads an option, false when it is about something else.
  mutating func readLifecycle(_ option: UnitOption) -> Bool {
    readType(option) || readTiming(option) || readKilling(option) || readRestarting(option)
  }

  private mutating func readType(_ option: UnitOption) -> Bool {
    switch option.name {
    case "Type":
      if let type = ServiceDefinition.ServiceType(rawValue: option.value) {
        lifecycle.type = type
      } else if option.value == "dbus" {
        findings.append(
          .serviceTypeRefused(option.value, "there is no D-Bus here on which the service could get its name")
        )
      } else {
        bad(option, "simple, exec, oneshot, forking, notify, notify-reload or idle")
      }
    case "RemainAfterExit": boolean(option) { $0.remainsAfterExit = $1 }
    case "GuessMainPID": boolean(option) { $0.guessesMain = $1 }
    case "PIDFile":
      let path = expanded(option.value)
      definition.pidFile = path.isEmpty ? nil : path.hasPrefix("/") ? path : "/run/\(path)"
      lifecycle.pidFile = option
    case "NotifyAccess":
      choice(option, "none, main, exec or all") { $0.lifecycle.notifyAccess = $1 }
    default: return false
    }
    return true
  }

  private mutating func readTiming(_ option: UnitOption) -> Bool {
    switch option.name {
    case "TimeoutStartSec":
      lifecycle.hasStartTimeout = true
      timeout(option) { $0.startTimeout = $1 }
    case "TimeoutStopSec": timeout(option) { $0.stopTimeout = $1 }
    case "TimeoutSec":
      lifecycle.hasStartTimeout = true
      timeout(option) {
        $0.startTimeout = $1
        $0.stopTimeout = $1
      }
    case "TimeoutAbortSec":
      lifecycle.hasAbortTimeout = !option.value.isEmpty
      if lifecycle.hasAbortTimeout { timeout(option) { $0.abortTimeout = $1 } }
    case "TimeoutStartFailureMode": choice(option, "terminate, abort or kill") { $0.definition.startTimeoutAction = $1 }
    case "TimeoutStopFailureMode": choice(option, "terminate, abort or kill") { $0.definition.stopTimeoutAction = $1 }
    case "RuntimeMaxSec": timeout(option) { $0.runtimeLimit = $1 }
    case "WatchdogSec": timeout(option) { $0.watchdogInterval = $1 }
    default: return false
    }
    return true
  }

  private mutating func readKilling(_ option: UnitOption) -> Bool {
    switch option.name {
    case "KillMode": choice(option, "control-group, mixed, process or none") { $0.definition.killMode = $1 }
    case "KillSignal": signal(option) { $0.killSignal = $1 }
    case "RestartKillSignal": signal(option) { $0.restartKillSignal = $1 }
    case "FinalKillSignal": signal(option) { $0.finalKillSignal = $1 }
    case "WatchdogSignal": signal(option) { $0.watchdogSignal = $1 }
    case "ReloadSignal": signal(option) { $0.reloadSignal = $1 }
    case "SendSIGKILL": boolean(option) { $0.sendsSigkill = $1 }
    case "SendSIGHUP": boolean(option) { $0.sendsHangUp = $1 }
    default: return false
    }
    return true
  }

  private mutating func readRestarting(_ option: UnitOption) -> Bool {
    switch option.name {
    case "Restart":
      choice(option, "no, always, on-success, on-failure, on-abnormal, on-abort or on-watchdog") {
        $0.definition.restart = $1
      }
    case "RestartSec": span(option) { $0.restartDelay = $1.duration }
    case "StartLimitInterval", "StartLimitBurst": readStartLimit(option)
    case "SuccessExitStatus": exits(option, \.successExits)
    case "RestartPreventExitStatus": exits(option, \.restartPreventingExits)
    case "RestartForceExitStatus": exits(option, \.restartForcingExits)
    default: return false
    }
    return true
  }

  /// Stands in `[Unit]`, and in old files in `[Service]`.
  mutating func readStartLimit(_ option: UnitOption) {
    if option.name == "StartLimitBurst" {
      number(option) { $0.startLimit.burst = $1 }
    } else {
      span(option) { $0.startLimit.interval = $1.duration ?? .seconds(Int64.max / 4) }
    }
  }

  // MARK: Kinds of values

  private mutating func choice<Value: RawRepresentable<String>>(
    _ option: UnitOption,
    _ expected: String,
    _ set: (inout ServiceReader, Value) -> Void
  ) {
    if let value = Value(rawValue: option.value) { set(&self, value) } else { bad(option, expected) }
  }

  private mutating func signal(_ option: UnitOption, _ set: Setter<UnixSignal>) {
    if let signal = UnixSignal(option.value) {
      set(&definition, signal)
    } else {
      bad(option, "a signal such as SIGTERM")
    }
  }

  private mutating func exits(_ option: UnitOption, _ set: WritableKeyPath<ServiceDefinition, ExitSet>) {
    guard !option.value.isEmpty else {
      definition[keyPath: set] = ExitSet()
      return
    }
    if let exits = ExitSet(option.value) {
      definition[keyPath: set].formUnion(exits)
    } else {
      bad(option, "exit codes and signal names separated by blanks")
    }
  }

  // MARK: The whole

  mutating func check() {
    let hasStart = !definition.commands(.start).isEmpty
    definition.type = lifecycle.type ?? (hasStart ? .simple : .oneshot)
    let isOneshot = definition.type == .oneshot
    if isOneshot, !lifecycle.hasStartTimeout { definition.startTimeout = nil }
    if !lifecycle.hasAbortTimeout { definition.abortTimeout = definition.stopTimeout }
    definition.notifyAccess = effectiveNotifyAccess
    if definition.type != .forking, let option = lifecycle.pidFile, definition.pidFile != nil {
      definition.pidFile = nil
      valueNotCarriedOut(option, instead: "only Type=forking has a PID file")
    }
    let mayLackStart = isOneshot && definition.remainsAfterExit && !definition.commands(.stop).isEmpty
    let hasBadCommand = findings.contains { if case .badCommandLine = $0 { true } else { false } }
    if !hasStart, !mayLackStart, !hasBadCommand { findings.append(.missingCommand) }
    if !isOneshot, definition.commands(.start).count > 1 { findings.append(.severalStartCommands) }
    if isOneshot, definition.restart == .always || definition.restart == .onSuccess {
      findings.append(.restartOfOneshot)
    }
  }

  /// Who has to say something is listened to.
  private var effectiveNotifyAccess: ServiceDefinition.NotifyAccess {
    let access = lifecycle.notifyAccess ?? .none
    let isNeeded = definition.type.isNotifying || definition.watchdogInterval != nil
    return access == .none && isNeeded ? .main : access
  }
}
