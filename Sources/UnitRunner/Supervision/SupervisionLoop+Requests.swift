// SPDX-License-Identifier: Apache-2.0
import Units

/// What callers of ``UnitSupervision`` ask for.
extension SupervisionLoop {
  /// Loads units, all before anything else happens to them.
  func load(_ batch: [UnitToRun]) -> [UnitName: String] {
    var problems: [UnitName: String] = [:]
    for unit in batch {
      if let loaded = units[unit.name] {
        if loaded.hash != unit.file.hash { problems[unit.name] = "its earlier version is still loaded" }
        continue
      }
      guard !unit.name.isTemplate else {
        keepTemplate(unit, with: batch)
        continue
      }
      let record = UnitRecord(
        name: unit.name.rawValue,
        file: unit.file.serialized(),
        bootID: specifiers.bootID
      )
      do {
        try records.write(record)
      } catch {
        problems[unit.name] = error.message
        continue
      }
      let supervised = makeUnit(unit, record)
      enroll(supervised)
      change(unit.name) { _ in }
      if let problem = supervised.record.problem { say("\(unit.name): \(problem)", unit.name) }
    }
    inputs.append(.jobs(jobs.loaded()))
    startWhatWaited()
    return problems
  }

  /// Starts what was to be started before what it requires had been loaded, as when two units move one after the other.
  func startWhatWaited() {
    for name in waitingForOthers.sorted() {
      guard let directives = try? jobs.requestStart(name) else { continue }
      waitingForOthers.remove(name)
      change(name) { $0.record.problem = nil }
      inputs.append(.jobs(directives))
    }
  }

  /// Names among these whose loaded file is another one.
  func outdated(_ batch: [UnitToRun]) -> [UnitName] {
    batch.filter { unit in units[unit.name].map { $0.hash != unit.file.hash } ?? false }.map(\.name)
  }

  func start(_ name: UnitName) throws(UnitRunnerError) {
    try startByRequest(name) { jobs throws(UnitJobs.Refusal) in try jobs.requestStart(name) }
  }

  private func startByRequest(
    _ name: UnitName,
    _ request: (inout UnitJobs) throws(UnitJobs.Refusal) -> [UnitJobs.Directive]
  ) throws(UnitRunnerError) {
    guard let unit = units[name], !unloading.contains(name) else { throw Self.notLoaded(name) }
    guard !unit.definition.dependencies.refusesManualStart else { throw Self.refused(name, "RefuseManualStart") }
    change(name) { $0.record.isStartRequested = true }
    waitingForOthers.remove(name)
    guard unit.canRun else { throw UnitRunnerError(.badUnit, "\(name): \(unit.record.problem ?? "bad setting")") }
    do {
      inputs.append(.jobs(try request(&jobs)))
    } catch {
      change(name) { $0.record.problem = error.description }
      if case .missing = error { waitingForOthers.insert(name) }
      say("\(error)", name)
      throw UnitRunnerError(.dependency, error.description)
    }
  }

  func stop(_ name: UnitName) throws(UnitRunnerError) {
    guard let unit = units[name] else { throw Self.notLoaded(name) }
    guard !unit.definition.dependencies.refusesManualStop else { throw Self.refused(name, "RefuseManualStop") }
    change(name) { $0.record.isStartRequested = false }
    waitingForOthers.remove(name)
    inputs.append(.jobs(jobs.requestStop(name)))
  }

  func reload(_ name: UnitName) throws(UnitRunnerError) {
    guard let unit = units[name] else { throw Self.notLoaded(name) }
    guard unit.service?.canReload == true || jobs.propagatesReload(name) else {
      throw UnitRunnerError(.badUnit, "\(name) cannot be reloaded: it has no ExecReload= and is not Type=notify-reload")
    }
    guard unit.activity.active.isUp else {
      throw UnitRunnerError(.notActive, "\(name) cannot be reloaded: it is \(unit.activity.sub.rawValue)")
    }
    for other in jobs.unitsToReload(with: name) { inputs.append(.reload(other)) }
  }

  /// Stops and starts a unit that is up or on its way; one that is down is started.
  func restart(_ name: UnitName) throws(UnitRunnerError) {
    guard let unit = units[name] else { throw Self.notLoaded(name) }
    guard unit.isDown || !unit.definition.dependencies.refusesManualStop else {
      throw Self.refused(name, "RefuseManualStop")
    }
    try startByRequest(name) { jobs throws(UnitJobs.Refusal) in try jobs.requestRestart(name) }
  }

  /// Stops everything, whatever asks for it to be up.
  func stopAll() {
    for name in units.keys.sorted() { change(name) { $0.record.isStartRequested = false } }
    waitingForOthers = []
    inputs.append(.jobs(jobs.requestStopAll()))
  }

  /// Begins to unload a unit; it is gone once it is not among ``units``.
  func unload(_ name: UnitName) {
    guard units[name] != nil else { return }
    unloading.insert(name)
    waitingForOthers.remove(name)
    change(name) { $0.record.isStartRequested = false }
    inputs.append(.jobs(jobs.requestLeave(name)))
  }

  func status(of name: UnitName) -> UnitStatus? {
    guard let unit = units[name] else { return nil }
    var processID: Int32?
    var containerID: String?
    switch unit.running(.main)?.carrier {
    case .process(let process?): processID = process.processID
    case .container(let container?): containerID = container.id
    case .process(nil), .container(nil), .engineCommand, nil: break
    }
    return UnitStatus(
      unit: unit.loadedUnit,
      description: unit.definition.description,
      sinceEpochMilliseconds: unit.record.activeSinceEpochMilliseconds,
      mainProcessID: processID,
      containerID: containerID,
      commands: unit.record.reports,
      restarts: unit.service?.snapshot.restarts ?? 0,
      statusText: unit.service?.snapshot.statusText ?? unit.lifecycle.passive?.statusText,
      warnings: unit.warnings,
      journal: []
    )
  }

  private static func refused(_ name: UnitName, _ directive: String) -> UnitRunnerError {
    UnitRunnerError(.refused, "\(name) is started or stopped by dependency only: it has \(directive)=yes")
  }

  private static func notLoaded(_ name: UnitName) -> UnitRunnerError {
    UnitRunnerError(.notLoaded, "unit \(name) is not loaded on this machine")
  }
}
