// SPDX-License-Identifier: Apache-2.0
import DockerEngine
import Glibc
import Logging
import Units

/// Taking over what an earlier process left behind.
extension SupervisionLoop {
  /// Programs of ours that units find first on their PATH.
  static let personalities = ["docker", "etcdctl", "fleetctl"]

  func prepareDirectory() throws(UnitRunnerError) {
    let directory = configuration.stateDirectory
    for path in [
      directory, records.directory, "\(directory)/journal", environment.shimDirectory, notifyDirectory,
    ] {
      // Units of any user look for programs there.
      guard makeDirectories(path, mode: 0o755) else {
        throw UnitRunnerError(.storage, "cannot make \(path): \(errorText(errno))")
      }
    }
    for path in [records.directory, "\(directory)/journal"] { chmod(path, 0o700) }
    // Units of any user reach their own socket there, by a name that cannot be guessed.
    chmod(notifyDirectory, 0o711)
    try surroundings.makeOwnDirectories()
    for name in Self.personalities {
      let link = "\(environment.shimDirectory)/\(name)"
      _ = unlink(link)
      guard hasContainers || name != "docker" else { continue }
      guard symlink(executable, link) == 0 || errno == EEXIST else {
        throw UnitRunnerError(.storage, "cannot make \(link): \(errorText(errno))")
      }
    }
  }

  /// Loads every unit on record; what ran in an earlier boot runs no more.
  func readRecords() {
    for record in records.readAll() {
      guard let name = try? UnitName(record.name), let file = try? UnitFile(parsing: record.file) else {
        logger.warning("unit record not understood", metadata: ["unit.name": "\(record.name)"])
        continue
      }
      // A connection is gone with its boot.
      guard record.connection == nil || record.bootID == specifiers.bootID else {
        records.remove(record.name)
        continue
      }
      var current = record
      if record.bootID != specifiers.bootID {
        current = UnitRecord(name: record.name, file: record.file, bootID: specifiers.bootID)
      }
      let unit = makeUnit(UnitToRun(name: name, file: file), current)
      // Its processes went with the earlier boot, what they had of their own did not.
      if record.bootID != specifiers.bootID { leaveSurroundings(unit, isRestarting: false) }
      enroll(unit)
      if current.isWaitingForOthers == true { waitingForOthers.insert(name) }
      for command in current.running { commandUnits[command.id] = name }
      if let search = current.searchID { commandUnits[search] = name }
    }
  }

  func handle(_ event: HostEvent) {
    switch event {
    case .welcome(let version, let processes, let notifications, let logCursors):
      guard version == HostRequest.protocolVersion else {
        fail(
          UnitRunnerError(
            .host,
            "the unit-host in \(configuration.stateDirectory) speaks protocol \(version) and this program"
              + " \(HostRequest.protocolVersion): stop all units with the program that started them"
          )
        )
        return
      }
      if !isTakenOver { takeOver(logCursors ?? [:]) }
      takeOver(processes, notifications)
    case .spawned(let id, let process): processStarted(id, process)
    case .ended(let id, let end, _): inputs.append(.hostedCommandEnded(id: id, end))
    case .notified(let notification): receive(notification)
    case .mainFound(let id, let process):
      if let name = commandUnits[id] {
        inputs.append(.mainFound(name, id: id, process))
      } else {
        enqueue(.release(id: id))
      }
    case .mainMissing(let id, let groupIsEmpty):
      if let name = commandUnits[id] { inputs.append(.mainMissing(name, id: id, groupIsEmpty: groupIsEmpty)) }
    case .mainMoved(let id, let process): mainMoved(from: id, to: process)
    case .groupEmptied(let text, let token):
      guard let name = try? UnitName(text), units[name]?.groupToken == token else { return }
      inputs.append(.groupEmptied(name))
    case .listening(let unit): stepSocket(unit) { $0.opened(at: $1) }
    case .listenFailed(let unit, let text): if let name = try? UnitName(unit) { listenFailed(name, text) }
    case .touched(let unit): stepSocket(unit) { $0.touched(at: $1) }
    case .connected(let unit, let connection): connected(connection, to: unit)
    }
  }

  /// The unit-host writes the journals and knows how far they are; what is on record here may be ahead or behind.
  private func takeOver(_ logCursors: [String: LogCursor]) {
    for name in units.keys.sorted() {
      for command in units[name]?.record.running ?? [] {
        guard case .container(var container?) = command.carrier, let cursor = logCursors[container.id] else { continue }
        container.logCursor = cursor
        change(name) { unit in unit.change(command.id) { $0.carrier = .container(container) } }
      }
    }
  }

  /// Compares what the unit-host has with what is on record; runs once for each connection.
  private func takeOver(_ processes: [HostedProcess], _ notifications: [HostedNotification]) {
    hasWelcome = true
    // What was said was said before what has ended ended.
    notifications.forEach { receive($0) }
    let named = Set(notifications.compactMap(\.main?.id))
    for process in processes where commandUnits[process.id] == nil {
      if let old = process.replaces, commandUnits[old] != nil {
        mainMoved(from: old, to: process)
      } else if !named.contains(process.id) {
        dropUnknown(process)
      }
    }
    let hosted = Dictionary(processes.map { ($0.id, $0) }) { $1 }
    for name in units.keys.sorted() {
      for command in units[name]?.record.running ?? [] {
        takeOver(command, of: name, hosted[command.id])
      }
      for directive in units[name]?.service?.reminders() ?? [] { carryOut(directive, name) }
      if units[name]?.record.isStartWaiting == true { requestAgain(name) }
    }
    if !isTakenOver {
      isTakenOver = true
      inputs.append(.jobs(jobs.loaded()))
      startWhatWaited()
      for name in units.keys.sorted() {
        // A path or socket has to know how its unit is before it looks out anew, a timer what the clock says before that.
        var isTimer = false
        if case .timer? = units[name]?.lifecycle { isTimer = true }
        // One that is down and about to be started counts as on its way: what it is started for must not be dropped.
        if !isTimer, !isTriggeredComing(name) { tellTriggered(to: name) }
        stepPassive(name) { $0.resumed(at: $1) }
        if isTimer { tellTriggered(to: name) }
        if jobs.job(of: name) == nil { endInstance(name) }
      }
    } else {
      // Sockets are the unit-host's, which is a new one.
      for name in units.keys.sorted() { stepSocket(name) { $0.resumed(at: $1) } }
    }
  }

  private func takeOver(_ command: RunningCommand, of name: UnitName, _ hosted: HostedProcess?) {
    switch command.carrier {
    case .process(let identity):
      if let hosted, let end = hosted.end {
        inputs.append(.hostedCommandEnded(id: hosted.id, end))
      } else if let hosted {
        processStarted(hosted.id, hosted.process)
      } else if let identity {
        enqueue(
          .adopt(
            AdoptionRequest(
              id: command.id,
              unit: name.rawValue,
              source: command.source,
              process: identity,
              lineRule: units[name]?.definition.execution.lineRule ?? OutputLineRule(),
              notifySocket: units[name].flatMap { notifySocket(of: $0) },
              pidFile: command.role == .main ? units[name]?.definition.pidFile : nil,
              invocation: invocation(of: name)
            )
          )
        )
      } else if !isQueued(command.id), idleCommands[command.id] == nil {
        launchAgain(command, of: name)
      }
    case .container, .engineCommand:
      // The thread and its tasks live and die together, so tasks only have to be begun again by a new process.
      if units[name]?.cancellations[command.id] == nil { launchAgain(command, of: name) }
    }
  }

  /// A process nobody has on record: its unit is gone, or it is one that was found and is not needed.
  private func dropUnknown(_ process: HostedProcess) {
    if process.end == nil, process.isFound {
      enqueue(.release(id: process.id))
    } else if process.end == nil {
      enqueue(.signal(SignalRequest(unit: process.unit, signal: .kill, ids: [process.id])))
    } else {
      acknowledge(process.id)
    }
  }

  private func isTriggeredComing(_ name: UnitName) -> Bool {
    guard let triggered = units[name]?.lifecycle.passive?.triggered.flatMap({ jobs.unit($0) }),
      units[triggered]?.isDown == true
    else { return false }
    return jobs.job(of: triggered) == .startWaiting || jobs.job(of: triggered) == .startRunning
  }

  private func requestAgain(_ name: UnitName) {
    if let directives = try? jobs.requestStart(name) { inputs.append(.jobs(directives)) }
  }
}

/// What a symbolic link leads to; the path itself when it is none.
func resolvedLink(_ path: String) -> String {
  var buffer = [UInt8](repeating: 0, count: 4096)
  let count = buffer.withUnsafeMutableBytes { bytes in
    bytes.baseAddress.map { readlink(path, $0.assumingMemoryBound(to: CChar.self), bytes.count) } ?? -1
  }
  guard count > 0 else { return path }
  let target = String(decoding: buffer[..<count], as: UTF8.self)
  let suffix = " (deleted)"
  return target.hasSuffix(suffix) ? String(target.dropLast(suffix.count)) : target
}
