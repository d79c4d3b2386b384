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
    // Whoever carries out one that ends at once says them itself.
    if line.command.isForeground { for warning in line.warnings { say("\(name): \(warning)", name) } }
    if let unit = units[name], sockets(for: unit, running) != nil {
      say("\(name): its sockets cannot be passed to a container", name)
    }
    var caller = DockerCaller(
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
      let key = again?.containerKey ?? running.id
      running.containerKey = key
      caller.labels[ContainerLabel.command] = key
      if case .run(let specification) = line.command, specification.removesOnExit {
        caller.labels[ContainerLabel.removes] = "true"
      }
      work = .foreground(line, caller, existing: existing, isAgain: again != nil)
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
    let recorded = RecordedContainer(container)
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
      let origin = note(line)
      write(kept(line, origin), line.unit)
    }
    if dropped > 0 { logger.warning("output lines dropped", metadata: ["journal.lines": "\(dropped)"]) }
  }

  /// Notes how far the log of a line's container has been read; returns where the line stands in it.
  private func note(_ line: SupervisionInbox.Line) -> LogOrigin? {
    guard line.read.position != nil, let name = commandUnits[line.command],
      let command = units[name]?.record.running.first(where: { $0.id == line.command }),
      case .container(var container?) = command.carrier
    else { return nil }
    var cursor = container.foreground.logCursor ?? LogCursor()
    cursor.pass(line.read)
    container.logCursor = cursor
    change(name) { unit in unit.change(line.command) { $0.carrier = .container(container) } }
    return cursor[line.read.stream].map {
      LogOrigin(container: container.id, stream: line.read.stream, place: $0)
    }
  }

  /// A line as it goes to the journal, after what is said about lines before it; none when it is dropped.
  private func kept(_ line: SupervisionInbox.Line, _ origin: LogOrigin?) -> [HostedLine] {
    let name = commandUnits[line.command]
    let rule = name.flatMap { units[$0] }?.definition.execution.lineRule ?? OutputLineRule()
    var hosted = line.line
    guard let (level, text) = rule.kept(Array(hosted.text.utf8)) else { return [] }
    hosted.text = String(decoding: text, as: UTF8.self)
    hosted.level = level
    hosted.invocation = name.flatMap { invocation(of: $0) }
    hosted.origin = origin
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

  /// What is known of the units, to tell which containers are left over.
  var leftoverUnits: [String: LeftoverContainers.Units.Unit] {
    let known = units.map { name, unit in
      let keys = unit.record.running.map { $0.containerKey ?? $0.id }
      return (
        name.rawValue,
        LeftoverContainers.Units.Unit(
          invocation: unit.record.invocation,
          isRunning: !unit.isDown || !keys.isEmpty,
          containerKeys: Set(keys)
        )
      )
    }
    return Dictionary(known) { $1 }
  }

  /// A container's command has ended, with what is worth saying about it.
  func containerEnded(_ id: String, _ end: ProcessEnd, _ remark: ContainerRemark?) {
    if let remark, let name = commandUnits[id] { say("\(name): \(remark.sentence)", name) }
    commandEnded(id, end)
    guard let remark, let name = remarkable(id) else { return }
    change(name) { unit in
      unit.report(id) { $0.end = $0.end.map { "\($0) (\(remark.rawValue))" } }
    }
  }

  /// The unit of a command that has ended.
  private func remarkable(_ id: String) -> UnitName? {
    units.values.first { unit in unit.record.reports.contains { $0.id == id } }?.name
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
