// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import Fleet
public import FleetWire
import Units

extension RegistryClient {
  /// Changes dynamic metadata; all operations are checked before the first is applied.
  ///
  /// - Throws: ``FleetAPIError/badRequest(_:)`` for the first wrong operation.
  public func patchMachines(_ operations: [MachineMetadataOperation]) async throws(FleetAPIError) {
    var changes: [(machineID: String, key: String, value: String)] = []
    for operation in operations { changes.append(try operation.validated()) }
    for change in changes {
      try await put(.machineMetadata(machineID: change.machineID, key: change.key), change.value)
    }
  }

  /// Creates or replaces a unit, or changes its desired state, by the rules of the API.
  ///
  /// - Throws: ``FleetAPIError`` 400 or 409 with fleet's texts.
  public func putUnit(
    named name: String,
    _ request: FleetUnitRequest
  ) async throws(FleetAPIError) -> FleetUnitPutOutcome {
    try UnitPutDecision.validatedName(request, named: name)
    let existing = try await hash(of: name)
    switch try UnitPutDecision(request, named: name, existing: existing) {
    case .create(let file, let targetState):
      try await put(file, as: name, isNew: true, targetState)
    case .replace(let file, let targetState):
      try await put(file, as: name, isNew: false, targetState)
      if let existing { try await removeFileIfUnused(existing) }
    case .setTargetState(let targetState):
      try await put(.targetState(name), targetState.rawValue)
      return .changed
    }
    return .created
  }

  /// Removes a unit and, when no other has it, its file; the machine that runs it stops it.
  ///
  /// - Throws: ``FleetAPIError/notFound(_:)`` when there is none of that name.
  public func destroyUnit(named name: String) async throws(FleetAPIError) {
    guard (try? UnitName(name)) != nil, let hash = try await hash(of: name) else { throw .unitDoesNotExist }
    do throws(EtcdError) {
      try await keys.delete(layout.jobDirectory(name), recursive: true)
    } catch {
      throw FleetAPIError(error)
    }
    try await removeFileIfUnused(hash)
  }

  /// The file is written before the unit, so that the unit is never without one, and once more after it, in case
  /// somebody removed it as unused in between.
  private func put(
    _ file: UnitFile,
    as name: String,
    isNew: Bool,
    _ targetState: JobState
  ) async throws(FleetAPIError) {
    let blob = UnitFileRecord.value(of: file)
    let record = JobRecord(name: name, hash: file.hash).value
    try await put(.unitFile(file.hash), blob)
    do throws(EtcdError) {
      if isNew {
        try await keys.create(layout.key(.job(name)), record)
      } else {
        try await keys.set(layout.key(.job(name)), record)
      }
    } catch {
      if error.code == .nodeExists { throw .conflict("unit was created by somebody else at the same time") }
      throw FleetAPIError(error)
    }
    try await put(.unitFile(file.hash), blob)
    try await put(.targetState(name), targetState.rawValue)
  }

  /// Removes a file that no unit has, and no roll needs; one that is written meanwhile stays.
  private func removeFileIfUnused(_ hash: UnitHash) async throws(FleetAPIError) {
    guard let file = try await leaves("unit/\(hash)", quorum: true).first else { return }
    guard try await !jobs(quorum: true).values.contains(where: { $0.hash == hash }) else { return }
    let rolls = try await leaves("coracle/rolls", quorum: true).compactMap { Roll(value: $0.value) }
    guard !rolls.contains(where: { $0.files.contains(hash) }) else { return }
    let comparison = Comparison(previousIndex: file.index)
    // Whoever was quicker has either removed it or written it anew.
    _ = try? await keys.compareAndDelete(layout.key(.unitFile(hash)), where: comparison)
  }

  private func hash(of name: String) async throws(FleetAPIError) -> UnitHash? {
    try await leaves("job/\(name)/object", quorum: true).first.flatMap { JobRecord(value: $0.value)?.hash }
  }

  private func put(_ place: RegistryLayout.Place, _ value: String) async throws(FleetAPIError) {
    do throws(EtcdError) {
      try await keys.set(layout.key(place), value)
    } catch {
      throw FleetAPIError(error)
    }
  }
}

extension FleetAPIError {
  /// The store's error as an answer of fleet's API.
  init(_ error: EtcdError) {
    switch error.code {
    case .keyNotFound: self = .unitDoesNotExist
    case .raftInternal, .leaderElection:
      self = .unreachable(error.cause.split(separator: "\n").joined(separator: "; "))
    default: self = .failed("\(error)")
    }
  }
}
