// SPDX-License-Identifier: Apache-2.0
import Units

/// Main processes that were not started as such, and commands whose turn comes later or that are given up.
extension SupervisionLoop {
  /// How long the command of an idle service waits for others to have started.
  static let idleLimit = Duration.seconds(5)

  // MARK: Finding and changing the main process

  func findMain(_ search: MainSearch, _ name: UnitName) {
    guard let unit = units[name] else { return }
    let id = unit.record.searchID ?? unit.nextCommandID
    if unit.record.searchID == nil {
      change(name) {
        $0.record.searchID = id
        $0.record.commandCount += 1
      }
    }
    commandUnits[id] = name
    let pidFile = search == .guess ? nil : unit.definition.pidFile
    enqueue(.findMain(MainSearchRequest(id: id, unit: name.rawValue, search: search, pidFile: pidFile)))
  }

  func mainFound(_ id: String, _ process: ProcessIdentity, of name: UnitName) {
    guard let unit = units[name], unit.record.searchID == id else { return }
    change(name) { $0.record.searchID = nil }
    guard unit.service?.snapshot.search != nil else {
      commandUnits[id] = nil
      enqueue(.release(id: id))
      return
    }
    own(id, process, of: name)
    say("\(name): Main process is \(process.processID).", name)
    step(name) { $0.mainFound(at: $1) }
  }

  func mainMissing(_ id: String, groupIsEmpty: Bool, of name: UnitName) {
    guard let unit = units[name], unit.record.searchID == id else { return }
    commandUnits[id] = nil
    change(name) { $0.record.searchID = nil }
    if unit.service?.snapshot.search == .wait {
      say("\(name): The main process never appeared in \(unit.definition.pidFile ?? "a PID file").", name)
    }
    step(name) { $0.mainMissing(groupIsEmpty: groupIsEmpty, at: $1) }
  }

  /// The PID file has named another process by the time the main one ended.
  func mainMoved(from id: String, to process: HostedProcess) {
    guard let name = commandUnits[id], units[name]?.running(.main)?.id == id else {
      enqueue(.release(id: process.id))
      return
    }
    replaceMain(process, of: name)
  }

  func takeNotifiedMain(_ name: UnitName) {
    guard let process = notifiedMain else { return }
    notifiedMain = nil
    replaceMain(process, of: name)
  }

  private func replaceMain(_ process: HostedProcess, of name: UnitName) {
    if let old = units[name]?.running(.main) {
      commandUnits[old.id] = nil
      units[name]?.cancellations[old.id]?.cancel()
      change(name) { unit in
        unit.record.running.removeAll { $0.id == old.id }
        unit.report(old.id) {
          $0.id = process.id
          $0.processID = process.process.processID
        }
      }
    }
    own(process.id, process.process, of: name)
    say("\(name): Main process is \(process.process.processID) now.", name)
  }

  private func own(_ id: String, _ process: ProcessIdentity, of name: UnitName) {
    guard let unit = units[name] else { return }
    let position = CommandPosition(stage: .start, index: 0)
    let command = unit.definition.commands(.start).first
    let running = RunningCommand(
      id: id,
      position: position,
      role: .main,
      source: command.map { unit.source(of: $0) } ?? "command",
      carrier: .process(process)
    )
    commandUnits[id] = name
    change(name) { unit in
      if unit.record.reports.contains(where: { $0.id == id }) {
        unit.record.running.append(running)
      } else {
        unit.begin(running, line: ProcessTable.commandLine(process.processID), at: epochMicroseconds() / 1000)
        unit.report(id) { $0.processID = process.processID }
      }
    }
  }

  func watchGroup(_ name: UnitName) {
    change(name) { $0.groupToken += 1 }
    enqueue(.watchGroup(unit: name.rawValue, token: units[name]?.groupToken ?? 0))
  }

  // MARK: Commands that are given up

  /// Kills the control command; nothing waits for its end.
  func dropControl(_ name: UnitName) {
    guard let unit = units[name] else { return }
    for command in unit.record.running where command.role == .control {
      switch command.carrier {
      case .process: enqueue(.signal(SignalRequest(unit: name.rawValue, signal: .kill, ids: [command.id])))
      case .container(let container?) where container.isStarted:
        signalContainer(container.id, .kill, command, name)
      case .container, .engineCommand: unit.cancellations[command.id]?.cancel()
      }
      commandUnits[command.id] = nil
      say("\(name): \(command.position) is given up", name)
      let end = ProcessEnd.signaled(.kill, dumpedCore: false)
      change(name) { _ = $0.end(command.id, end, at: epochMicroseconds() / 1000) }
    }
  }

  // MARK: Commands whose turn comes later

  /// Begins the commands of idle services once nothing else is being started or they have waited long enough.
  ///
  /// - Returns: Whether there was one.
  func launchIdleCommands() -> Bool {
    let now = timeSinceBoot()
    let due = idleCommands.filter { jobs.isIdle || $0.value <= now }.keys.sorted()
    for id in due {
      idleCommands[id] = nil
      guard let name = commandUnits[id], let command = units[name]?.record.running.first(where: { $0.id == id })
      else { continue }
      launchAgain(command, of: name)
    }
    return !due.isEmpty
  }
}
