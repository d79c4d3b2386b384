// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import Fleet
import FleetWire
import Units

extension Registry {
  /// The hash of a unit's file, asked of the store itself; nil when there is no such unit.
  func currentHash(of unit: String) async throws(EtcdError) -> UnitHash? {
    do {
      let reply = try await store.perform(.read(key: layout.key(.job(unit)), KeysRead(quorum: true)))
      return reply.event.node.value.flatMap(JobRecord.init(value:))?.hash
    } catch  where [.keyNotFound, .notDirectory].contains(error.code) {
      return nil
    }
  }

  /// Creates or replaces a unit.
  ///
  /// The file is written before the unit, so that the unit is never without one, and once more after it: then either
  /// whoever removes an unused file sees the unit, or the file is put back (see ``removeFileIfUnused(_:at:)``).
  ///
  /// - Returns: The store's index afterwards.
  /// - Throws: ``EtcdError`` 105 when a unit to be created exists.
  func put(
    _ file: UnitFile,
    as unit: String,
    replacing oldHash: UnitHash?,
    targetState: JobState
  ) async throws(EtcdError) -> EtcdIndex {
    let hash = file.hash
    let fileKey = layout.key(.unitFile(hash))
    let putFile = KeysWrite.set(
      value: UnitFileRecord.value(of: file),
      isDirectory: false,
      ttl: .permanent,
      refresh: false
    )
    if view.read({ $0.files[hash] == nil }) { _ = try await store.write(fileKey, putFile) }
    let record = JobRecord(name: unit, hash: hash).value
    let putJob: KeysWrite =
      oldHash == nil
      ? .create(value: record, isDirectory: false, ttl: .permanent)
      : .set(value: record, isDirectory: false, ttl: .permanent, refresh: false)
    _ = try await store.write(layout.key(.job(unit)), putJob)
    let putTargetState = KeysWrite.set(
      value: targetState.rawValue,
      isDirectory: false,
      ttl: .permanent,
      refresh: false
    )
    let index = try await store.writeAll([
      (fileKey, putFile), (layout.key(.targetState(unit)), putTargetState),
    ])
    if let oldHash, oldHash != hash {
      await view.waitUntil(index, within: store.timeout, clock: store.clock)
      await removeFileIfUnused(oldHash)
    }
    return index
  }

  /// Sets what is wanted of a unit.
  ///
  /// - Returns: The store's index afterwards.
  /// - Throws: ``EtcdError`` 100 when there is no such unit.
  func setTargetState(_ targetState: JobState, of unit: String) async throws(EtcdError) -> EtcdIndex {
    let key = layout.key(.targetState(unit))
    do {
      return try await store.write(
        key,
        .update(value: targetState.rawValue, ttl: .permanent, refresh: false)
      )
    } catch  where error.code == .keyNotFound {
      guard try await currentHash(of: unit) != nil else { throw error }
      return try await store.write(key, .create(value: targetState.rawValue, isDirectory: false, ttl: .permanent))
    }
  }

  /// Removes a unit and, when no other has it, its file.
  ///
  /// - Returns: The store's index afterwards.
  /// - Throws: ``EtcdError`` 100 when there is no such unit.
  func destroy(_ unit: String) async throws(EtcdError) -> EtcdIndex {
    // A unit that was replaced a moment ago leaves its newer file to the engine, which removes what is unused.
    var hash = view.read { $0.jobs[unit]?.hash }
    if hash == nil { hash = try await currentHash(of: unit) }
    let index = try await store.write(layout.jobDirectory(unit), .delete(isDirectory: true, recursive: true))
    if let hash {
      await view.waitUntil(index, within: store.timeout, clock: store.clock)
      await removeFileIfUnused(hash)
    }
    return index
  }

  /// Removes a file that no unit has.
  ///
  /// The view shows every unit written before the own removal. A unit written later writes its file after itself, so
  /// the index of the file no longer fits and it stays, or it is removed first and written again.
  func removeFileIfUnused(_ hash: UnitHash) async {
    let (index, isUsed) = view.read { image in (image.files[hash]?.index, image.isUsed(hash)) }
    guard let index, !isUsed else { return }
    let comparison = Comparison(previousIndex: index)
    _ = try? await store.write(layout.key(.unitFile(hash)), .compareAndDelete(comparison: comparison))
  }
}
