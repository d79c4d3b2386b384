// SPDX-License-Identifier: Apache-2.0
import DockerEngine
import Logging
import Units

/// Commands that are docker's: carried out by its engine.
extension SupervisionLoop {
  func launchDocker(
    _ running: inout RunningCommand,
    _ words: [String],
    _ variables: [String: String],
    _ definition: ServiceDefinition,
    _ again: RunningCommand?
  ) {
    let name = definition.name
    let line: DockerCommandLine
    do {
      line = try DockerCommandLine(parsing: Array(words.dropFirst()))
    } catch {
      say("\(name): \(error)", name)
      begin(running, words, name)
      commandEnded(running.id, .exited(125))
      return
    }
    let unheeded = definition.execution.directivesForProcesses
    if !unheeded.isEmpty {
      let names = unheeded.map { "\($0)=" }.joined(separator: ", ")
      say("\(name): \(names) cannot hold for a docker command: the engine's own flags do", name)
    }
    for warning in line.warnings { say("\(name): \(warning)", name) }
    if let unit = units[name], sockets(for: unit, running) != nil {
      say("\(name): its sockets cannot be passed to a container", name)
    }
    let caller = DockerCaller(
      environment: variables,
      workingDirectory: definition.execution.workingDirectory?.path ?? "/",
      labels: [ContainerLabel.machine: configuration.machineID, ContainerLabel.unit: name.rawValue]
    )
    let work: ContainerTask.Work
    if line.command.isForeground {
      var existing: RecordedContainer?
      if case .container(let recorded) = again?.carrier { existing = recorded }
      running.carrier = .container(existing)
      running.signalWhenStarted = again?.signalWhenStarted
      work = .foreground(line, caller, existing: existing)
    } else {
      running.carrier = .engineCommand
      work = .execute(line, caller)
    }
    begin(running, words, name)
    let cancellation = Cancellation()
    change(name) { [running] in $0.cancellations[running.id] = cancellation }
    let task = ContainerTask(
      id: running.id,
      unit: name.rawValue,
      source: running.source,
      work: work,
      cancellation: cancellation
    )
    if !dispatch(task) { commandEnded(running.id, .notStarted("too many docker commands at once")) }
  }

  /// A container has been made and is about to be started; false when its command is not wanted any more.
  func containerPrepared(_ id: String, _ container: ForegroundContainer) -> Bool {
    guard let name = commandUnits[id], units[name]?.record.running.contains(where: { $0.id == id }) == true else {
      return false
    }
    let recorded = RecordedContainer(
      id: container.id.rawValue,
      removesOnExit: container.removesOnExit,
      logPositionNanoseconds: container.logPosition?.nanosecondsSinceEpoch
    )
    change(name) { unit in
      unit.change(id) { $0.carrier = .container(recorded) }
      unit.report(id) { $0.containerID = container.id.rawValue }
    }
    writeRecordNow(name)
    return true
  }

  func containerStarted(_ id: String) {
    guard let name = commandUnits[id], let unit = units[name],
      let command = unit.record.running.first(where: { $0.id == id }),
      case .container(var container?) = command.carrier
    else { return }
    container.isStarted = true
    change(name) { unit in
      unit.change(id) {
        $0.carrier = .container(container)
        $0.signalWhenStarted = nil
      }
      unit.report(id) { $0.containerID = container.id }
    }
    inputs.append(.started(name, command.role))
    if let signal = command.signalWhenStarted { signalContainer(container.id, signal, command, name) }
  }

  /// Lines of containers and docker commands.
  func take(_ lines: [SupervisionInbox.Line], dropped: Int) {
    for line in lines {
      write(kept(line), line.unit)
      guard let position = line.position, let name = commandUnits[line.command] else { continue }
      change(name) { unit in
        unit.change(line.command) { command in
          guard case .container(var container?) = command.carrier else { return }
          container.logPositionNanoseconds = position.nanosecondsSinceEpoch
          command.carrier = .container(container)
        }
      }
    }
    if dropped > 0 { logger.warning("output lines dropped", metadata: ["journal.lines": "\(dropped)"]) }
  }

  /// A line as it goes to the journal, after what is said about lines before it; none when it is dropped.
  private func kept(_ line: SupervisionInbox.Line) -> [HostedLine] {
    let name = commandUnits[line.command]
    let rule = name.flatMap { units[$0] }?.definition.execution.lineRule ?? OutputLineRule()
    var hosted = line.line
    guard let (level, text) = rule.kept(Array(hosted.text.utf8)) else { return [] }
    hosted.text = String(decoding: text, as: UTF8.self)
    hosted.level = level
    hosted.invocation = name.flatMap { invocation(of: $0) }
    guard let limit = rule.rateLimit else { return [hosted] }
    let now = epochMicroseconds()
    let verdict = lineCounts[line.unit, default: LineRateLimit.Count()].add(under: limit, atMicroseconds: now)
    let told = verdict.suppressedBefore > 0 ? [Self.suppressed(verdict.suppressedBefore, line.unit, now)] : []
    return told + (verdict.isKept ? [hosted] : [])
  }

  private static func suppressed(_ count: Int, _ unit: String, _ now: Int64) -> HostedLine {
    let text = "Suppressed \(count) messages from \(unit)"
    return HostedLine(epochMicroseconds: now, source: "coracle", text: text, level: 4, stream: .coracle)
  }

  func signalContainer(_ id: String, _ signal: UnixSignal, _ command: RunningCommand, _ name: UnitName) {
    let task = ContainerTask(
      id: "\(command.id)/signal",
      unit: name.rawValue,
      source: command.source,
      work: .signal(signal, ContainerID(id)),
      cancellation: Cancellation()
    )
    if !dispatch(task) { say("\(name): too many docker commands at once to send \(signal)", name) }
  }
}
