// SPDX-License-Identifier: Apache-2.0

extension RaftReplica {
  /// Begins with what the store holds, as after a start.
  mutating func begin(_ stored: StoredLog, applied: LogIndex) throws {
    var output = ReplicaOutput<Machine.Outcome>(status: status)
    try begin(stored, applied: applied, in: &output)
  }

  private mutating func begin(
    _ stored: StoredLog,
    applied: LogIndex,
    in output: inout ReplicaOutput<Machine.Outcome>
  ) throws {
    var applied = applied
    if let snapshot = stored.snapshot, snapshot.index > applied {
      try restoreMachine(from: snapshot, in: &output)
      applied = snapshot.index
    }
    var fresh = RaftNode(
      member: node.member,
      settings: settings,
      seed: random.next(),
      stored: stored,
      appliedIndex: applied
    )
    fresh.stampClock = node.stampClock
    fresh.stampClock.follow()
    var next = stored.firstIndex
    while next <= stored.lastIndex {
      let entries = try log.entries(from: next, through: stored.lastIndex, maxBytes: settings.cachedBytes)
      guard let last = entries.last else { break }
      fresh.restore(entries)
      next = last.index.next
    }
    fresh.configurations.forget(before: applied)
    node = fresh
  }

  /// Replaces the state machine by the latest snapshot of the store, read piece by piece.
  mutating func restoreMachine(
    from snapshot: SnapshotMetadata,
    in output: inout ReplicaOutput<Machine.Outcome>
  ) throws {
    let log = self.log
    let limit = settings.snapshotChunkBytes
    var offset: UInt64 = 0
    var isComplete = false
    try machine.restore(snapshot) {
      guard !isComplete else { return nil }
      guard let chunk = try log.snapshotChunk(index: snapshot.index, offset: offset, maxBytes: limit) else {
        throw RaftError.malformed("snapshot \(snapshot.index): it is not in the store")
      }
      offset += UInt64(chunk.bytes.count)
      isComplete = chunk.isLast
      return chunk.bytes
    }
    appliedTimestamp = snapshot.timestampNanoseconds
    output.restoredSnapshot = snapshot
  }

  // MARK: When storage fails

  /// Storage failed: forgets everything that may not be durable, and goes on as after a crash.
  ///
  /// The state machine is kept: what it has was durable. No message rested on what is forgotten.
  mutating func stepAside(
    _ input: ReplicaInput,
    because error: any Error,
    in output: inout ReplicaOutput<Machine.Outcome>
  ) {
    isStorageFailing = true
    output.storageFailure = error
    node.notices.droppedReads += node.reads.takeOwn() + granted.flatMap(\.reads)
    node.dropForwardedReads()
    granted = []
    let alreadyDropped = Set(node.notices.dropped.map(\.id))
    output.dropped += input.proposals
      .filter { !alreadyDropped.contains($0.id) }
      .map { Dropped(id: $0.id, reason: .storageFailed) }
    output.dropped += node.notices.dropped
    output.droppedReads += node.notices.droppedReads + node.notices.granted.flatMap(\.reads)
    node.notices = Notices()
    mustReload = true
    do {
      try reload(in: &output)
    } catch {
      // Tried again with the next tick; until then the node takes no part.
      node.role = .follower
      node.leader = nil
    }
  }

  /// Begins again from the store.
  mutating func reload(in output: inout ReplicaOutput<Machine.Outcome>) throws {
    try begin(try log.load(), applied: node.appliedIndex, in: &output)
    mustReload = false
  }

  // MARK: Snapshots of this member's own

  /// Takes a snapshot when enough was applied since the last, and compacts the log behind it.
  ///
  /// While one is being sent the next waits for four times as long, since a newer one makes the transfer start anew.
  /// A failure is reported and tried again later; the log goes on growing meanwhile.
  mutating func snapshotIfDue(in output: inout ReplicaOutput<Machine.Outcome>) {
    let applied = node.appliedIndex
    let previous = node.snapshot?.index ?? .zero
    let due = settings.snapshotEntries * (node.isSendingSnapshot ? 4 : 1)
    guard applied.rawValue >= previous.rawValue + due, applied >= nextSnapshotIndex else { return }
    do {
      try saveSnapshot()
    } catch {
      nextSnapshotIndex = LogIndex(applied.rawValue + max(1, settings.snapshotEntries / 4))
      output.storageFailure = error
    }
  }

  private mutating func saveSnapshot() throws {
    let applied = node.appliedIndex
    guard let term = node.tail.term(at: applied) else { return }
    let metadata = SnapshotMetadata(
      index: applied,
      term: term,
      timestampNanoseconds: appliedTimestamp,
      configuration: node.configurations.configuration(at: applied)
    )
    // What had been received of another snapshot is discarded by staging this one.
    node.staging = nil
    var offset: UInt64 = 0
    try log.stageSnapshot([], at: 0)
    let machine = self.machine
    try machine.writeSnapshot { bytes in
      try log.stageSnapshot(bytes, at: offset)
      offset += UInt64(bytes.count)
    }
    try log.saveStagedSnapshot(metadata)
    let compacted = LogIndex(applied.rawValue - min(applied.rawValue, settings.trailingEntries))
    node.saved(metadata, compacted: compacted)
    try log.compact(through: compacted)
  }
}
