// SPDX-License-Identifier: Apache-2.0

/// A snapshot that is being written.
struct SavingSnapshot: Sendable {
  /// What it stands for.
  var metadata: SnapshotMetadata
  /// The bytes of entries that it covers and the one before did not.
  var bytes: UInt64
}

// Snapshots of this member's own, and what of the log can go after one.
extension RaftReplica {
  /// Begins a snapshot when enough was applied since the last, and compacts the log once it is written.
  ///
  /// A failure is reported and tried again later; the log goes on growing meanwhile.
  mutating func snapshotIfDue(in output: inout ReplicaOutput<Machine.Outcome>) {
    guard saving != nil || isSnapshotDue else { return }
    do {
      if saving == nil { try beginSnapshot() }
      try finishSnapshot()
    } catch {
      saving = nil
      nextSnapshotIndex = LogIndex(node.appliedIndex.rawValue + max(1, settings.snapshotEntries / 4))
      output.storageFailure = error
    }
  }

  /// Whether the log has grown enough: by entries, unless these are little beside the last snapshot, or by bytes.
  ///
  /// While one is being sent the next waits, since a newer one makes the transfer start anew and compacts what the
  /// receiver needs next; only a log that grows out of bounds does not wait.
  private var isSnapshotDue: Bool {
    let applied = node.appliedIndex
    let previous = node.snapshot?.index ?? .zero
    guard applied > previous, applied >= nextSnapshotIndex else { return false }
    let entries = applied.rawValue - previous.rawValue
    let patience: UInt64 = node.isSendingSnapshot ? 16 : 1
    if appliedBytes >= patience * max(settings.snapshotLogBytes, log.snapshotBytes) { return true }
    guard entries >= patience * settings.snapshotEntries else { return false }
    return appliedBytes >= log.snapshotBytes / 4 || entries >= 8 * patience * settings.snapshotEntries
  }

  private mutating func beginSnapshot() throws {
    let applied = node.appliedIndex
    guard let term = node.tail.term(at: applied) else { return }
    // What had been received of another snapshot is discarded by beginning this one.
    node.staging = nil
    try log.beginSnapshot(machine.frozen())
    let metadata = SnapshotMetadata(
      index: applied,
      term: term,
      timestampNanoseconds: appliedTimestamp,
      configuration: node.configurations.configuration(at: applied)
    )
    saving = SavingSnapshot(metadata: metadata, bytes: appliedBytes)
  }

  private mutating func finishSnapshot() throws {
    guard let saving, try log.isSnapshotWritten() else { return }
    try log.saveStagedSnapshot(saving.metadata)
    self.saving = nil
    let entries = saving.metadata.index.rawValue - (node.snapshot?.index.rawValue ?? 0)
    averageEntryBytes = max(64, saving.bytes / max(1, entries))
    appliedBytes -= min(appliedBytes, saving.bytes)
    node.saved(saving.metadata)
    try compact()
  }

  /// Removes the entries that nobody is expected to need: those behind the snapshot but for the newest, and but for
  /// what a member that answers is still to be sent.
  mutating func compact() throws {
    guard let snapshot = node.snapshot else { return }
    let trailing = min(settings.trailingEntries, settings.trailingBytes / averageEntryBytes)
    var target = LogIndex(snapshot.index.rawValue - min(snapshot.index.rawValue, trailing))
    if node.role == .leader {
      let kept = settings.keptForFollowersBytes / averageEntryBytes
      let floor = LogIndex(snapshot.index.rawValue - min(snapshot.index.rawValue, kept))
      for peer in node.peers where node.isActive(peer) {
        target = min(target, max(floor, node.neededIndex(of: peer)))
      }
    }
    guard target > compactedIndex else { return }
    compactedIndex = target
    node.compacted(through: target)
    try log.compact(through: target)
  }

  /// What is done with every tick.
  mutating func maintain() throws {
    if saving == nil { try compact() }
    if !isStorageFailing { try log.maintain() }
  }
}
