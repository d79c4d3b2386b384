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
        problems[unit.name] = "a template cannot be loaded, only its instances"
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
      surroundings.writeFragment(record.file, of: unit.name)
      let supervised = SupervisedUnit(
        unit,
        specifiers: specifiers,
        record: record,
        dropIns: dropIns.dropIns(for: unit.name)
      )
      enroll(supervised)
      change(unit.name) { _ in }
      if let problem = supervised.record.problem { say("\(unit.name): \(problem)", unit.name) }
    }
    return problems
  }

  /// Names among these whose loaded file is another one.
  func outdated(_ batch: [UnitToRun]) -> [UnitName] {
    batch.filter { unit in units[unit.name].map { $0.hash != unit.file.hash } ?? false }.map(\.name)
  }

  func start(_ name: UnitName) throws(UnitRunnerError) {
    guard let unit = units[name], !unloading.contains(name) else { throw Self.notLoaded(name) }
    change(name) { $0.record.isStartRequested = true }
    guard unit.canRun else { throw UnitRunnerError(.badUnit, "\(name): \(unit.record.problem ?? "bad setting")") }
    do {
      inputs.append(.jobs(try jobs.requestStart(name)))
    } catch {
      change(name) { $0.record.problem = error.description }
      say("\(error)", name)
      throw UnitRunnerError(.dependency, error.description)
    }
  }

  func stop(_ name: UnitName) throws(UnitRunnerError) {
    guard units[name] != nil else { throw Self.notLoaded(name) }
    change(name) { $0.record.isStartRequested = false }
    inputs.append(.jobs(jobs.requestStop(name)))
  }

  func reload(_ name: UnitName) throws(UnitRunnerError) {
    guard let unit = units[name] else { throw Self.notLoaded(name) }
    guard unit.service?.canReload == true else {
      throw UnitRunnerError(.badUnit, "\(name) cannot be reloaded: it has no ExecReload= and is not Type=notify-reload")
    }
    guard unit.activity.active.isUp else {
      throw UnitRunnerError(.notActive, "\(name) cannot be reloaded: it is \(unit.activity.sub.rawValue)")
    }
    inputs.append(.reload(name))
  }

  /// Stops and starts a unit that is up or on its way; one that is down is started.
  func restart(_ name: UnitName) throws(UnitRunnerError) {
    guard let unit = units[name] else { throw Self.notLoaded(name) }
    guard !unit.isDown else { return try start(name) }
    change(name) { $0.record.isStartRequested = true }
    inputs.append(.restart(name))
  }

  /// Begins to unload a unit; it is gone once it is not among ``units``.
  func unload(_ name: UnitName) {
    guard units[name] != nil else { return }
    unloading.insert(name)
    change(name) { $0.record.isStartRequested = false }
    inputs.append(.jobs(jobs.requestStop(name)))
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
      statusText: unit.service?.snapshot.statusText,
      warnings: unit.warnings,
      journal: []
    )
  }

  private static func notLoaded(_ name: UnitName) -> UnitRunnerError {
    UnitRunnerError(.notLoaded, "unit \(name) is not loaded on this machine")
  }
}
