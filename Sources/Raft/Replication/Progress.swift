// SPDX-License-Identifier: Apache-2.0

/// What a leader knows about one member's log.
///
/// Source: etcd-io/raft `tracker/progress.go`; snapshots are sent by us in pieces, each acknowledged.
struct Progress: Sendable {
  /// How entries are sent.
  enum Mode: Sendable, Equatable {
    /// Where the logs agree is not known: one message at a time. Can transition to: replicate, snapshot.
    case probe
    /// The logs agree: messages follow each other without waiting. Can transition to: probe, snapshot.
    case replicate
    /// The log begins after what the member needs: a snapshot is sent. Can transition to: probe.
    case snapshot(SnapshotTransfer)
  }

  /// The last entry the member is known to hold durably.
  private(set) var match: LogIndex = .zero
  /// The next entry to send.
  private(set) var next: LogIndex
  private(set) var mode: Mode = .probe
  /// In probe: a message is on its way.
  private(set) var isWaiting = false
  private(set) var inflight = Inflight()
  /// Ticks since the member was heard of.
  var silentTicks = 0
  /// The latest read round it answered.
  var readRound: UInt64 = 0

  init(next: LogIndex) {
    self.next = next
  }

  /// Whether the member was heard of within an election timeout.
  func isActive(_ limits: RaftSettings) -> Bool { silentTicks < limits.electionTicks }

  var isReceivingSnapshot: Bool {
    if case .snapshot = mode { true } else { false }
  }

  func isPaused(_ limits: RaftSettings) -> Bool {
    switch mode {
    case .probe: isWaiting
    case .replicate: inflight.isFull(limits)
    case .snapshot: true
    }
  }

  /// This member's own log is durable up to `index`.
  mutating func recordOwn(_ index: LogIndex) {
    match = max(match, index)
    next = index.next
  }

  /// The member acknowledged `index`; false when that is no news.
  mutating func acknowledge(_ index: LogIndex) -> Bool {
    let isNews = index > match
    if isNews {
      match = index
      isWaiting = false
    }
    next = max(next, index.next)
    return isNews
  }

  /// The member refused entries after `previous`, and its log may agree at `hint` at most; false when that is an answer
  /// to an old message.
  mutating func refuse(_ previous: LogIndex, hint: LogIndex) -> Bool {
    switch mode {
    case .replicate:
      guard previous > match else { return false }
      becomeProbe()
      return true
    case .probe:
      guard next.previous == previous else { return false }
      next = max(min(previous, hint.next), match.next)
      isWaiting = false
      return true
    case .snapshot:
      return false
    }
  }

  mutating func recordSent(through last: LogIndex, bytes: Int) {
    switch mode {
    case .replicate:
      next = last.next
      inflight.add(last, bytes: bytes)
    case .probe, .snapshot:
      isWaiting = true
    }
  }

  /// Entries go out that are not cached: one message at a time until the member has caught up with the cache.
  mutating func recordSentFromStore() {
    mode = .probe
    inflight = Inflight()
    isWaiting = true
  }

  mutating func recordArrival(_ index: LogIndex, _ limits: RaftSettings) {
    inflight.free(through: index, limits)
  }

  /// The member is alive: whatever was on its way may be lost, so one more message may go.
  mutating func resume() {
    isWaiting = false
  }

  mutating func becomeProbe() {
    mode = .probe
    next = match.next
    inflight = Inflight()
    isWaiting = false
  }

  mutating func becomeReplicate() {
    mode = .replicate
    next = match.next
    inflight = Inflight()
    isWaiting = false
  }

  mutating func becomeSnapshot(_ transfer: SnapshotTransfer) {
    mode = .snapshot(transfer)
    inflight = Inflight()
    isWaiting = false
  }
}

/// How far a snapshot has got.
struct SnapshotTransfer: Sendable, Equatable {
  /// The snapshot on its way.
  var index: LogIndex
  /// Bytes the member has staged: where the next piece starts.
  var offset: UInt64 = 0
  /// Ticks since the piece at `offset` was sent.
  var waitedTicks = 0
  /// Ticks since the member staged more.
  var stalledTicks = 0
}
