// SPDX-License-Identifier: Apache-2.0
import DockerEngine
import Glibc
import Units

/// Carrying out what a unit's machine wants: commands and signals.
extension SupervisionLoop {
  func carryOut(_ directive: UnitDirective, _ name: UnitName) {
    switch directive {
    case .run(let position, let role): launch(position, role, name)
    case .signal(let signal, let scope): send(signal, scope, name)
    case .dropControl: dropControl(name)
    case .findMain(let search): findMain(search, name)
    case .takeNotifiedMain: takeNotifiedMain(name)
    case .watchGroup: watchGroup(name)
    case .removePIDFile: if let path = units[name]?.definition.pidFile { _ = unlink(path) }
    }
  }

  // MARK: Commands

  /// Begins a command again whose beginning was lost with an earlier process, or its container's supervision.
  func launchAgain(_ command: RunningCommand, of name: UnitName) {
    change(name) { unit in
      unit.record.running.removeAll { $0.id == command.id }
      unit.record.reports.removeAll { $0.id == command.id }
    }
    commandUnits[command.id] = nil
    launch(command.position, command.role, name, again: command)
  }

  private func launch(
    _ position: CommandPosition,
    _ role: CommandRole,
    _ name: UnitName,
    again: RunningCommand? = nil
  ) {
    guard let unit = units[name] else { return }
    let definition = unit.definition
    let settings = definition.execution
    let command = definition.commands(position.stage)[position.index]
    let account = settings.user.flatMap { UserAccounts.account($0) }
    var running = RunningCommand(
      id: unit.nextCommandID,
      position: position,
      role: role,
      source: unit.source(of: command),
      carrier: .process(nil)
    )
    if definition.type == .idle, position.stage == .start, again == nil {
      begin(running, command.words, name)
      idleCommands[running.id] = timeSinceBoot() + Self.idleLimit
      return
    }
    let variables: [String: String]
    do {
      variables = try environment.variables(
        settings,
        account: account,
        run: runVariables(unit, running)
      )
    } catch {
      say("\(name): \(error.text)", name)
      begin(running, command.words, name)
      commandEnded(running.id, .notStarted(error.text))
      return
    }
    let words = command.expandedWords(in: variables)
    let identity: UserIdentity?
    do {
      identity = try UserAccounts.identity(for: settings, account: account)
      try surroundings.prepare(settings.directories.items(below: specifiers), owner: identity)
    } catch {
      let problem = Self.problem(error)
      say("\(name): \(problem.text)", name)
      begin(running, words, name)
      commandEnded(running.id, .exited(problem.exitCode))
      return
    }
    if hasContainers, DockerCommandLine.isDocker(program: command.program),
      DockerCommandLine.isCarriedOutHere(Array(words.dropFirst()))
    {
      launchDocker(&running, words, variables, definition, again)
      return
    }
    begin(running, words, name)
    launchProcess(running, command, words, variables, unit, account, identity)
  }

  private static func problem(_ error: any Error) -> (exitCode: Int32, text: String) {
    switch error {
    case let problem as UserAccounts.Problem: (problem.exitCode, problem.text)
    case let problem as UnitSurroundings.Problem: (problem.exitCode, problem.text)
    default: (1, "\(error)")
    }
  }

  /// A run is over: what lasts only as long is removed.
  func leaveSurroundings(_ unit: SupervisedUnit, isRestarting: Bool) {
    surroundings.leave(
      unit.name,
      unit.definition.execution.directories,
      below: specifiers,
      isRestarting: isRestarting
    )
  }

  func begin(_ running: RunningCommand, _ words: [String], _ name: UnitName) {
    commandUnits[running.id] = name
    change(name) { unit in
      unit.record.commandCount += 1
      unit.begin(running, line: words.joined(separator: " "), at: epochMicroseconds() / 1000)
    }
  }

  private func launchProcess(
    _ running: RunningCommand,
    _ command: ExecCommand,
    _ words: [String],
    _ variables: [String: String],
    _ unit: SupervisedUnit,
    _ account: UserAccount?,
    _ identity: UserIdentity?
  ) {
    let settings = unit.definition.execution
    guard let program = programFile(command.program, path: variables["PATH"] ?? "") else {
      say("\(unit.name): there is no program \"\(command.program)\" on the unit's PATH", unit.name)
      commandEnded(running.id, .exited(203))
      return
    }
    let directory = settings.workingDirectory
    let items = settings.directories.items(below: specifiers)
    let sockets = sockets(for: unit, running)?.passing
    // A restarted service ends and begins without its sockets being listened to between, and a new unit-host has none.
    for case let socket? in (sockets?.units ?? []).map({ try? UnitName($0) }) { listen(socket) }
    var ownID = ["SYSTEMD_EXEC_PID"]
    if isWatched(unit, running) { ownID.append("WATCHDOG_PID") }
    if sockets?.isStream == false { ownID.append("LISTEN_PID") }
    var processSettings = ProcessSettings(
      settings,
      isPrivileged: command.hasFullPrivileges,
      places: surroundings.places(of: unit.name, items)
    )
    if sockets == nil { processSettings.leaveSockets() }
    enqueue(
      .spawn(
        ProcessRequest(
          id: running.id,
          unit: unit.name.rawValue,
          source: running.source,
          program: program,
          words: words.isEmpty ? [command.program] : shellLine.words(words, of: program),
          environment: variables.filter { !ownID.contains($0.key) }.map { "\($0.key)=\($0.value)" }.sorted(),
          processIDVariables: ownID,
          directory: directory?.path == "~" ? account?.home ?? specifiers.homeDirectory : directory?.path,
          isDirectoryOptional: directory?.isOptional ?? false,
          identity: command.hasFullPrivileges || command.keepsIdentity ? nil : identity,
          settings: processSettings,
          notifySocket: notifySocket(of: unit),
          invocation: invocation(of: unit.name),
          sockets: sockets
        )
      )
    )
  }

  /// Where shell lines find our programs in place of those that the machine does not have.
  private var shellLine: ShellLine {
    ShellLine(
      directory: environment.shimDirectory,
      programs: Self.personalities.filter { hasContainers || $0 != "docker" },
      isThere: { access($0, F_OK) == 0 }
    )
  }

  /// The file of a program; ours stands in for the `etcdctl` and `fleetctl` a machine does not have.
  private func programFile(_ program: String, path: String) -> String? {
    guard program.hasPrefix("/") else { return UnitEnvironment.program(program, on: path) }
    if access(program, F_OK) != 0, let name = program.split(separator: "/").last,
      Self.personalities.contains(String(name)), hasContainers || name != "docker"
    {
      return executable
    }
    return program
  }

  /// Variables that tell a command about its unit's run.
  private func runVariables(_ unit: SupervisedUnit, _ command: RunningCommand) -> [String: String] {
    var variables = [
      "INVOCATION_ID": unit.record.invocation,
      UnitGroups.marker: unit.name.rawValue,
      UnitVariable.machine: configuration.machineID,
    ]
    variables.merge(unit.definition.execution.directories.variables(below: specifiers)) { $1 }
    variables.merge(notifyVariables(unit, command)) { $1 }
    variables.merge(socketVariables(unit, command)) { $1 }
    let stage = command.position.stage
    if case .process(let process?) = unit.running(.main)?.carrier, stage != .start {
      variables["MAINPID"] = String(process.processID)
    }
    guard stage == .stop || stage == .stopPost else { return variables }
    variables["SERVICE_RESULT"] = unit.activity.result.rawValue
    switch unit.service?.snapshot.mainEnd {
    case .exited(let code):
      variables["EXIT_CODE"] = "exited"
      variables["EXIT_STATUS"] = String(code)
    case .signaled(let signal, let dumpedCore):
      variables["EXIT_CODE"] = dumpedCore ? "dumped" : "killed"
      variables["EXIT_STATUS"] = signal.name
    case .lost, .notStarted, nil: break
    }
    return variables
  }

  // MARK: Ends

  func processStarted(_ id: String, _ process: ProcessIdentity) {
    guard let name = commandUnits[id], let unit = units[name],
      let command = unit.record.running.first(where: { $0.id == id })
    else { return }
    guard command.carrier != .process(process) else { return }
    change(name) { unit in
      unit.change(id) { $0.carrier = .process(process) }
      unit.report(id) { $0.processID = process.processID }
    }
    inputs.append(.started(name, command.role))
  }

  func commandEnded(_ id: String, _ end: ProcessEnd) {
    if let (name, role) = recordEnd(id, end) { inputs.append(.ended(name, role, end)) }
  }

  /// A process of the unit-host has ended; what it told before that has been handled.
  func hostedCommandEnded(_ id: String, _ end: ProcessEnd) {
    acknowledge(id)
    if let (name, role) = recordEnd(id, end) { step(name) { $0.ended(role, end, at: $1) } }
  }

  /// Puts the end of a command on record; nil when nobody knows it any more.
  private func recordEnd(_ id: String, _ end: ProcessEnd) -> (UnitName, CommandRole)? {
    guard let name = commandUnits[id] else { return nil }
    commandUnits[id] = nil
    var ended: RunningCommand?
    change(name) { ended = $0.end(id, end, at: epochMicroseconds() / 1000) }
    guard let ended else { return nil }
    narrate(ended, end, name)
    return (name, ended.role)
  }

  /// The machine has given up on commands that it could not end.
  func dropLeftBehind(_ name: UnitName) {
    guard let unit = units[name] else { return }
    guard let snapshot = unit.service?.snapshot, unit.isDown || snapshot.sub == .autoRestart, snapshot.main == nil,
      snapshot.control == nil
    else { return }
    let ended = Set(inputs.compactMap { if case .ended(name, let role, _) = $0 { role } else { nil } })
    let told = Set(inputs.compactMap { if case .hostedCommandEnded(let id, _) = $0 { id } else { nil } })
    for command in unit.record.running where !ended.contains(command.role) && !told.contains(command.id) {
      say("\(name): \(command.position) did not end and is left behind", name)
      unit.cancellations[command.id]?.cancel()
      commandUnits[command.id] = nil
      change(name) { _ = $0.end(command.id, .lost, at: epochMicroseconds() / 1000) }
    }
  }

  // MARK: Signals

  func send(_ signal: UnixSignal, _ scope: SignalScope, _ name: UnitName) {
    guard let unit = units[name] else { return }
    var ids: [String] = []
    for command in unit.record.running where scope != .main || command.role == .main {
      if idleCommands.removeValue(forKey: command.id) != nil {
        commandEnded(command.id, .signaled(signal, dumpedCore: false))
        continue
      }
      switch command.carrier {
      case .process: ids.append(command.id)
      case .container(let container?) where container.isStarted:
        signalContainer(container.id, signal, command, name)
      case .container(_?): change(name) { $0.change(command.id) { $0.signalWhenStarted = signal } }
      case .container(nil), .engineCommand:
        unit.cancellations[command.id]?.cancel()
        commandEnded(command.id, .signaled(signal, dumpedCore: false))
      }
    }
    guard scope == .group || !ids.isEmpty else { return }
    var token: Int?
    if scope == .group {
      change(name) { $0.groupToken += 1 }
      token = units[name]?.groupToken
    }
    enqueue(.signal(SignalRequest(unit: name.rawValue, signal: signal, ids: ids, groupToken: token)))
  }
}
