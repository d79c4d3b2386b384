// SPDX-License-Identifier: Apache-2.0

/// A member's replica: Raft between a log, a way out and a state machine, in the order persist → send → apply.
///
/// A leader's entries go out to its followers before its own append, so that all members write at the same time.
/// A turn takes everything that arrived since the last one, makes what follows from it durable in one append, and only
/// then sends and applies. Synchronous and without threads of its own: the host runs it on a thread that may block.
public struct RaftReplica<Log: LogStore, Outbox: PeerOutbox, Machine: StateMachine> {
  /// The durable log.
  public internal(set) var log: Log
  /// The way out.
  public var outbox: Outbox
  /// The state machine.
  ///
  /// The host may read it between turns, and change what is not part of the replicated state (watchers).
  public var machine: Machine

  let settings: RaftSettings
  var node: RaftNode
  /// Seeds the node anew each time it begins again from the store.
  var random: SplitMix64
  /// Reads granted, whose index the state machine has not reached.
  var granted: [(reads: [ReadRequest], index: LogIndex)] = []
  /// The stamp of the last entry applied.
  var appliedTimestamp: Int64 = 0
  /// The bytes of entries applied since the last snapshot.
  var appliedBytes: UInt64 = 0
  /// A snapshot of this member's own that is being written.
  var saving: SavingSnapshot?
  /// After a failed snapshot: how far to get before the next attempt.
  var nextSnapshotIndex: LogIndex = .zero
  /// How long an entry behind the latest snapshot is on average, as far as it is known.
  var averageEntryBytes: UInt64 = 64
  /// How far the log is compacted.
  var compactedIndex: LogIndex = .zero
  /// Ticks since the storage was last tried while it fails.
  var failingTicks = 0
  /// The last thing asked of the storage failed.
  var isStorageFailing = false
  /// The node does not know what the store holds; it must be read first.
  var mustReload = false

  /// Opens a replica: reads the log and restores the state machine from the latest snapshot.
  ///
  /// Committed entries behind the snapshot are applied by the first turn.
  ///
  /// - Parameters:
  ///   - member: This member.
  ///   - bootstrap: The beginning of a new cluster, written when the log is empty; nil for a member that joins.
  ///   - seed: Where randomness starts (election timeouts); must differ from member to member and from start to start.
  ///   - settings: Limits and times.
  ///   - log: The log.
  ///   - outbox: The way out.
  ///   - machine: The state machine, empty.
  /// - Throws: What the log or the machine throws: the member cannot start.
  public init(
    member: MemberID,
    bootstrap: Bootstrap?,
    seed: UInt64,
    settings: RaftSettings = RaftSettings(),
    log: Log,
    outbox: Outbox,
    machine: Machine
  ) throws {
    self.log = log
    self.outbox = outbox
    self.machine = machine
    self.settings = settings
    random = SplitMix64(seed: seed)
    var stored = try self.log.load()
    if let bootstrap, stored == StoredLog() {
      try self.log.append(bootstrap.batch)
      stored = try self.log.load()
    }
    node = RaftNode(member: member, settings: settings, seed: random.next(), stored: stored, appliedIndex: .zero)
    try begin(stored, applied: .zero)
  }

  /// Where the replica stands.
  public var status: ReplicaStatus {
    let followers = node.role == .leader ? node.peers.compactMap(followerStatus) : []
    return ReplicaStatus(
      member: node.member,
      role: node.role,
      term: node.term,
      leader: node.leader,
      commitIndex: node.commitIndex,
      appliedIndex: node.appliedIndex,
      lastIndex: node.tail.lastIndex,
      configuration: node.configurations.latest,
      isConfigurationCommitted: node.configurations.latestIndex <= node.commitIndex,
      isSteppedAside: isStorageFailing || node.violation != nil,
      stampLeadNanoseconds: node.role == .leader ? node.stampClock.leadNanoseconds : 0,
      followers: followers
    )
  }

  private func followerStatus(of peer: MemberID) -> FollowerStatus? {
    node.progress[peer].map { progress in
      FollowerStatus(
        member: peer,
        matchIndex: progress.match,
        isActive: progress.isActive(settings),
        isReceivingSnapshot: progress.isReceivingSnapshot,
        isCaughtUp: node.isCaughtUp(peer)
      )
    }
  }

  /// Takes one turn.
  ///
  /// Nothing that leaves here, message or outcome, rests on anything that is not durable. Never throws: when storage
  /// fails, the output says so and the replica steps aside until it works again.
  public mutating func turn(_ input: ReplicaInput) -> ReplicaOutput<Machine.Outcome> {
    var output = ReplicaOutput<Machine.Outcome>(status: status)
    guard node.violation == nil else {
      refuse(input, in: &output)
      output.violation = node.violation
      return output
    }
    do {
      if mustReload {
        guard input.ticks > 0 else {
          refuse(input, in: &output)
          return output
        }
        try reload(in: &output)
      }
      if isStorageFailing, input.ticks > 0 { try tryStorage(ticks: input.ticks) }
      take(input)
      try settle(flushingCommit: input.ticks > 0, in: &output)
      collectNotices(in: &output)
      snapshotIfDue(in: &output)
      if input.ticks > 0 { try maintain() }
    } catch {
      stepAside(input, because: error, in: &output)
    }
    output.violation = node.violation
    output.status = status
    return output
  }

  private mutating func take(_ input: ReplicaInput) {
    node.stampClock.advance(to: input.nowNanoseconds)
    if settings.brokenRule == .frozenStamps { node.stampClock.follow() }
    for peer in input.lostStreams { node.lostStream(from: peer) }
    for message in input.messages { node.step(message) }
    for _ in 0..<input.ticks { node.tick() }
    node.propose(input.proposals)
    node.read(input.reads)
    if let target = input.transfer { node.transferLeadership(to: target) }
  }

  /// Does what the node wants done, until it wants nothing more.
  private mutating func settle(flushingCommit: Bool, in output: inout ReplicaOutput<Machine.Outcome>) throws {
    while node.violation == nil, let ready = node.ready(flushingCommit: flushingCommit) {
      if !ready.early.isEmpty { outbox.send(ready.early) }
      if settings.brokenRule == .acknowledgeBeforeSync {
        try send(ready.outgoing)
        try persist(ready, in: &output)
      } else {
        try persist(ready, in: &output)
        try send(ready.outgoing)
      }
      try applyCommitted(in: &output)
    }
    try applyCommitted(in: &output)
  }

  // MARK: Persist

  private mutating func persist(_ ready: Ready, in output: inout ReplicaOutput<Machine.Outcome>) throws {
    for piece in ready.staged {
      if piece.offset == 0 { saving = nil }
      try log.stageSnapshot(piece.bytes, at: piece.offset)
    }
    if let snapshot = ready.installed {
      try log.installStagedSnapshot(snapshot, hardState: storable(ready.hardState ?? node.hardState))
      try restoreMachine(from: snapshot, in: &output)
      node.applied(through: snapshot.index)
    }
    if ready.hardState != nil || !ready.entries.isEmpty {
      try log.append(LogBatch(hardState: ready.hardState.map(storable), entries: ready.entries))
      isStorageFailing = false
    }
    node.persisted(ready)
  }

  func storable(_ hardState: HardState) -> HardState {
    guard settings.brokenRule == .voteNotPersisted else { return hardState }
    return HardState(term: hardState.term, vote: nil, commitIndex: hardState.commitIndex)
  }

  // MARK: Send

  private mutating func send(_ outgoing: [Ready.Outgoing]) throws {
    var messages: [Message] = []
    messages.reserveCapacity(outgoing.count)
    for item in outgoing {
      switch item {
      case .message(let message):
        messages.append(message)
      case .storedAppend(var message, let last):
        guard case .append(var request) = message.body else { continue }
        let first = request.previousIndex.next
        request.entries = try log.entries(from: first, through: last, maxBytes: settings.messageLimitBytes)
        message.body = .append(request)
        messages.append(message)
      case .snapshotPiece(let peer, let term, let metadata, let offset):
        let limit = settings.snapshotChunkBytes
        guard let chunk = try log.snapshotChunk(index: metadata.index, offset: offset, maxBytes: limit) else {
          continue
        }
        let request = SnapshotChunkRequest(metadata: metadata, offset: offset, chunk: chunk)
        messages.append(Message(from: node.member, to: peer, term: term, body: .snapshotChunk(request)))
      }
    }
    if !messages.isEmpty { outbox.send(messages) }
  }

  // MARK: Apply

  private mutating func applyCommitted(in output: inout ReplicaOutput<Machine.Outcome>) throws {
    while node.violation == nil, node.appliedIndex < node.commitIndex {
      let first = node.appliedIndex.next
      let isCached = first >= node.tail.firstCached
      let entries =
        isCached
        ? node.tail.entries(from: first, through: node.commitIndex, maxBytes: settings.messageLimitBytes)
        : try log.entries(from: first, through: node.commitIndex, maxBytes: settings.messageLimitBytes)
      for entry in entries {
        output.applied.append(Applied(entry: entry, outcome: machine.apply(entry)))
        appliedTimestamp = entry.timestampNanoseconds
        appliedBytes += UInt64(entry.sizeBytes)
        node.applied(through: entry.index)
      }
    }
  }

  /// Passes on what the node noticed; reads once the state machine is far enough for them.
  private mutating func collectNotices(in output: inout ReplicaOutput<Machine.Outcome>) {
    granted += node.notices.granted
    output.droppedReads += node.notices.droppedReads
    output.dropped += node.notices.dropped
    output.refusedChanges += node.notices.refusedChanges
    output.ownRefusedChanges += node.notices.ownRefusedChanges
    node.notices = Notices()
    guard !granted.isEmpty else { return }
    let applied = node.appliedIndex
    for grant in granted where grant.index <= applied { output.releasedReads += grant.reads }
    granted.removeAll { $0.index <= applied }
  }

  private func refuse(_ input: ReplicaInput, in output: inout ReplicaOutput<Machine.Outcome>) {
    output.dropped += input.proposals.map { Dropped(id: $0.id, reason: .refused(.storageFailed)) }
    output.droppedReads += input.reads
  }
}
