// SPDX-License-Identifier: Apache-2.0
import Units

/// What the journal of a unit says about the unit itself, worded as systemd words it.
extension SupervisionLoop {
  func say(_ text: String, _ name: UnitName) {
    let line = HostedLine(
      epochMicroseconds: epochMicroseconds(),
      source: "coracle",
      processID: nil,
      text: text,
      stream: .coracle,
      invocation: invocation(of: name)
    )
    write([line], name.rawValue)
  }

  func write(_ lines: [HostedLine], _ unit: String) {
    journal[unit, default: []].append(contentsOf: lines)
  }

  /// The run of a unit; nil before its first.
  func invocation(of name: UnitName) -> String? {
    guard let invocation = units[name]?.record.invocation, !invocation.isEmpty else { return nil }
    return invocation
  }

  func narrate(_ name: UnitName, from before: UnitLifecycle.Snapshot, to after: UnitLifecycle.Snapshot) {
    guard before.sub != after.sub || before.restarts != after.restarts, let unit = units[name] else { return }
    let title = unit.definition.description
    if after.restarts > before.restarts {
      say("\(name): Scheduled restart, restart counter is at \(after.restarts).", name)
    }
    let wasUp = before.sub.active == .active || before.sub.active == .activating && before.sub != .autoRestart
    switch after.sub {
    case .condition, .startPre, .start, .startPost: if !wasUp { say("Starting \(title)...", name) }
    case .running, .exited, .active, .waiting, .elapsed, .listening: narrateUp(name, title, from: before, to: after)
    case .reload, .reloadSignal, .reloadNotify: if before.sub.active == .active { say("Reloading \(title)...", name) }
    case .stopWatchdog, .finalWatchdog:
      if after.result == .watchdog { say("\(name): Watchdog: the service has not said that it is alive!", name) }
    case .stop, .stopSigterm: if before.sub.active.isUp { say("Stopping \(title)...", name) }
    case .stopSigkill, .finalSigkill: say("\(name): Killing what is left with SIGKILL.", name)
    case .dead where after.result == .execCondition:
      say("\(title) was skipped: ExecCondition= is not fulfilled.", name)
    case .dead: if before.sub != .failed { say("Stopped \(title).", name) }
    case .failed, .autoRestart:
      if after.result != .success { say("\(name): Failed with result '\(after.result.rawValue)'.", name) }
    case .stopPost, .finalSigterm: break
    case .startChown, .stopPre, .stopPreSigterm, .stopPreSigkill: break
    }
    if after.result == .timeout, before.result != .timeout {
      say("\(name): State '\(before.sub.rawValue)' timed out.", name)
    }
  }

  private func narrateUp(
    _ name: UnitName,
    _ title: String,
    from before: UnitLifecycle.Snapshot,
    to after: UnitLifecycle.Snapshot
  ) {
    if before.sub.active == .reloading {
      let result = after.reloadResult == .success ? "" : " with result '\(after.reloadResult.rawValue)'"
      say(result.isEmpty ? "Reloaded \(title)." : "\(name): Reload failed\(result).", name)
    } else {
      say("\(after.sub == .running ? "Started" : "Finished") \(title).", name)
    }
  }

  /// What the journal of a unit that is no service says.
  func narrate(_ unit: SupervisedUnit, from before: UnitActivity, to after: UnitActivity) {
    guard before.sub != after.sub else { return }
    let isTarget = unit.name.suffix == "target"
    switch after.active {
    case .active where before.active == .inactive || before.active == .failed || before.active == .activating:
      say("\(isTarget ? "Reached target" : "Started") \(unit.definition.description).", unit.name)
    case .inactive where before.active != .failed:
      say("\(isTarget ? "Stopped target" : "Stopped") \(unit.definition.description).", unit.name)
    case .failed: say("\(unit.name): Failed with result '\(after.result.rawValue)'.", unit.name)
    case .inactive, .activating, .active, .reloading, .deactivating: break
    }
  }

  func narrate(_ command: RunningCommand, _ end: ProcessEnd, _ name: UnitName) {
    guard end != .exited(0) else { return }
    let subject = command.role == .main ? "Main process" : "Control process of \(command.position.stage.rawValue)"
    switch end {
    case .exited: say("\(name): \(subject) exited, code=exited, status=\(end)", name)
    case .signaled(let signal, let dumpedCore):
      say(
        "\(name): \(subject) exited, code=\(dumpedCore ? "dumped" : "killed"), status=\(signal.number)/\(signal.name)",
        name
      )
    case .lost: say("\(name): \(subject) ended while nobody watched", name)
    case .notStarted: say("\(name): \(subject) \(end)", name)
    }
  }
}
