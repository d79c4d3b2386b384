// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import Fleet
import FleetWire
import Units

extension KeysWrite {
  /// Writes a value where nobody has changed anything since an index, or where nothing was.
  init(replacing index: EtcdIndex?, with value: String) {
    if let index {
      let comparison = Comparison(previousIndex: index)
      self = .compareAndSwap(value: value, comparison: comparison, ttl: .permanent, refresh: false)
    } else {
      self = .create(value: value, isDirectory: false, ttl: .permanent)
    }
  }
}

extension Registry {
  // MARK: What the engine decided

  /// Carries a step of a roll out: the roll first, so that whoever goes on knows of it, and then files.
  ///
  /// - Returns: The store's index afterwards; zero when somebody else changed the roll meanwhile.
  func carryOut(_ write: EnginePlanner.RollWrite) async throws(EtcdError) -> EtcdIndex {
    var newest = EtcdIndex.zero
    if write.isChanged {
      guard let index = try await replace(.roll(write.step.roll.name), write.step.roll.json.text, at: write.index)
      else { return .zero }
      newest = index
    }
    let files = write.step.files.filter { change in view.read { $0.files[change.to] != nil } }
    let indexes = await BoundedTasks.run(files, atOnce: Engine.writesAtOnce) { change in
      await changeFile(of: change.unit, from: change.from, to: change.to)
    }
    return max(newest, indexes.max() ?? .zero)
  }

  /// Carries a step of a rebalancing out, unless it was changed meanwhile: what is known of it first, and then its tasks,
  /// each only if its unit is still where it was.
  func carryOut(_ write: EnginePlanner.RebalancingWrite) async throws(EtcdError) -> EtcdIndex {
    var newest = EtcdIndex.zero
    if write.isChanged {
      guard let index = try await replace(.rebalancing, write.step.rebalancing.json.text, at: write.index)
      else { return .zero }
      newest = index
    }
    for task in write.step.tasks { newest = max(newest, try await carryOut(task)) }
    return newest
  }

  /// Removes a roll whose units are gone; failures do not matter.
  func removeRoll(_ name: String, at index: EtcdIndex) async {
    let comparison = Comparison(previousIndex: index)
    _ = try? await store.write(layout.key(.roll(name)), .compareAndDelete(comparison: comparison))
    // The last one closes the door; with others still there the store refuses.
    for directory in [layout.rollDirectory, layout.ownDirectory] {
      _ = try? await store.write(directory, .delete(isDirectory: true, recursive: false))
    }
  }

  /// Gives a unit another file, if it still has the one it is said to have; failures are looked at again.
  private func changeFile(of unit: String, from old: UnitHash, to new: UnitHash) async -> EtcdIndex {
    guard let node = try? await current(.job(unit)).node, node.value.flatMap(JobRecord.init(value:))?.hash == old
    else { return .zero }
    let value = JobRecord(name: unit, hash: new).value
    return (try? await replace(.job(unit), value, at: node.modifiedIndex)) ?? .zero
  }

  // MARK: What users ask for

  /// A value as the store itself has it, and the store's index.
  func current(_ place: RegistryLayout.Place) async throws(EtcdError) -> (node: NodeView?, index: EtcdIndex) {
    do {
      let reply = try await store.perform(.read(key: layout.key(place), KeysRead(quorum: true)))
      return (reply.event.node, reply.event.etcdIndex)
    } catch  where error.code == .keyNotFound {
      return (nil, error.index)
    }
  }

  /// Writes a value that nobody has changed since an index, or that was not there.
  ///
  /// - Returns: The store's index afterwards; nil when somebody was faster.
  func replace(_ place: RegistryLayout.Place, _ value: String, at index: EtcdIndex?) async throws(EtcdError)
    -> EtcdIndex?
  {
    do {
      return try await store.write(layout.key(place), KeysWrite(replacing: index, with: value))
    } catch  where [.nodeExists, .testFailed, .keyNotFound].contains(error.code) {
      return nil
    }
  }

  /// Keeps a file, whoever has it.
  func putFile(_ file: UnitFile) async throws(EtcdError) -> EtcdIndex {
    let value = UnitFileRecord.value(of: file)
    return try await store.write(
      layout.key(.unitFile(file.hash)),
      .set(value: value, isDirectory: false, ttl: .permanent, refresh: false)
    )
  }
}
