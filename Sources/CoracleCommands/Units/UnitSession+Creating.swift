// SPDX-License-Identifier: Apache-2.0
import Fleet
import FleetWire
import Units

extension UnitSession {
  /// What became of a unit that had to be in the registry.
  enum Presence: Equatable {
    /// It is new, or new in this form.
    case created
    /// It was there, wanted in this state, and is now in that one.
    case present(desiredState: JobState, currentState: JobState?)
    /// It could not be made; the message says why.
    case failed(String)
  }

  /// `submit`.
  func submit(_ arguments: [String], replace: Bool) async -> Int32 {
    guard !arguments.isEmpty else {
      output.errorLine("No units given")
      return Self.done
    }
    guard let references = await resolved(arguments) else { return Self.failed }
    var status = Self.done
    for reference in references {
      switch await ensure(reference, target: .inactive, replace: replace) {
      case .created: output.line("Unit \(reference.name) inactive")
      case .present: break
      case .failed(let message):
        report(message)
        status = Self.failed
      }
    }
    return status
  }

  /// Makes sure that a unit is in the registry, and wanted in the target state if it had to be made.
  func ensure(_ reference: UnitReference, target: JobState, replace: Bool) async -> Presence {
    let name = reference.name
    do {
      guard let unit = try await registered(name) else {
        return try await create(reference, target: target)
      }
      return try await compare(unit, with: reference, target: target, replace: replace)
    } catch let error as UnitNameError {
      return .failed("Error creating units: \(name): \(error)")
    } catch {
      return .failed("Error creating units: \(text(error))")
    }
  }

  /// A unit of the registry; nil when it has none of that name.
  func registered(_ name: String) async throws(FleetAPIError) -> FleetUnit? {
    do {
      return try await fleet.unit(named: name)
    } catch {
      guard case .notFound = error else { throw error }
      return nil
    }
  }

  private func create(_ reference: UnitReference, target: JobState) async throws -> Presence {
    let name = try UnitName(reference.name)
    let file = try await source(of: reference)
    warn(about: file, name)
    guard !name.isTemplate || target == .inactive else {
      throw FleetAPIError.badRequest("cannot activate template \"\(name)\"")
    }
    let request = FleetUnitRequest(name: name.rawValue, options: file.options, desiredState: target.rawValue)
    _ = try await fleet.putUnit(named: name.rawValue, request)
    return .created
  }

  /// Looks for a unit's file: at the path given, as a template in the registry, as a template beside the path.
  private func source(of reference: UnitReference) async throws -> UnitFile {
    let name = reference.name
    for path in reference.filePaths {
      if let file = try localFile(path) { return file }
    }
    guard let template = reference.template, let templatePath = reference.templatePath else {
      throw CommandFailure("unable to find Unit(\(name)) in Registry or on filesystem")
    }
    if let unit = try await registered(template) { return unit.file }
    if let file = try localFile(templatePath) { return file }
    throw CommandFailure(
      "failed getting Unit(\(name)) from template: unable to find template Unit(\(template)) in Registry or on filesystem"
    )
  }

  func localFile(_ path: String) throws -> UnitFile? {
    guard let content = try readFile(path) else { return nil }
    do {
      return try UnitFile(parsing: content)
    } catch {
      throw CommandFailure("\(path):\(error.line): \(error)")
    }
  }

  /// Says what of a unit is not carried out, so that nobody finds out on a machine.
  func warn(about file: UnitFile, _ name: UnitName) {
    for finding in ServiceReading(file, name: name).findings {
      switch finding.severity {
      case .note: break
      case .warning: output.errorLine("WARNING: Unit \(name): \(finding)")
      case .error: output.errorLine("WARNING: Unit \(name) cannot run: \(finding)")
      }
    }
    for option in file.unrecognizedRequirements {
      output.errorLine("WARNING: Unit \(name): \(option)= in [X-Fleet] is unknown and has no effect")
    }
    for problem in UnitAnnouncements(of: file, unitName: name).problems {
      output.errorLine("WARNING: Unit \(name): \(problem)")
    }
  }

  // MARK: Units that are there

  private func compare(
    _ unit: FleetUnit,
    with reference: UnitReference,
    target: JobState,
    replace: Bool
  ) async throws -> Presence {
    let present = Presence.present(desiredState: unit.desiredState, currentState: unit.currentState)
    guard let local = try await localSource(of: reference) else { return present }
    guard local.file.hash != unit.file.hash else {
      if replace { output.line("Found same Unit(\(unit.name)) in Registry, nothing to do") }
      return present
    }
    guard replace else {
      output.errorLine(
        "WARNING: Unit \(unit.name) in registry differs from \(local.description). Add --replace to override."
      )
      return present
    }
    guard unit.desiredState <= target else {
      output.errorLine(
        "Warning: can not replace Unit(\(unit.name)) in state '\(unit.desiredState.rawValue)', use the appropriate command"
      )
      return present
    }
    warn(about: local.file, try UnitName(unit.name))
    let request = FleetUnitRequest(name: unit.name, options: local.file.options, desiredState: target.rawValue)
    _ = try await fleet.putUnit(named: unit.name, request)
    return .created
  }

  private func localSource(of reference: UnitReference) async throws -> (file: UnitFile, description: String)? {
    for path in reference.filePaths {
      if let file = try localFile(path) { return (file, "local unit file \(path)") }
    }
    guard let template = reference.template, let path = reference.templatePath else { return nil }
    // As with a new instance, the registry's template comes before a local one.
    if let unit = try await registered(template) { return (unit.file, "template \(template) in registry") }
    return try localFile(path).map { ($0, "local template unit file \(path)") }
  }
}
