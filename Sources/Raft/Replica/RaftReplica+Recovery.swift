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
    appliedBytes = 0
    compactedIndex = snapshot.index
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
    failingTicks = 0
    saving = nil
    output.storageFailure = error
    handOverBlindly()
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

  /// A leader whose storage fails lets the member that is furthest begin an election: the message rests on nothing that
  /// is not durable.
  private mutating func handOverBlindly() {
    guard node.role == .leader else { return }
    let candidates = node.configurations.latest.voters.filter { $0 != node.member && node.isActive($0) }
    let furthest = candidates.max { (node.progress[$0]?.match ?? .zero) < (node.progress[$1]?.match ?? .zero) }
    guard let furthest else { return }
    outbox.send([Message(from: node.member, to: furthest, term: node.term, body: .timeoutNow)])
  }

  /// Writes something now and then, so that a member which has nothing to write learns that the storage works again.
  mutating func tryStorage(ticks: Int) throws {
    failingTicks += ticks
    guard failingTicks >= settings.electionTicks else { return }
    failingTicks = 0
    try log.append(LogBatch(hardState: storable(node.durableHardState)))
    isStorageFailing = false
  }
}
