// SPDX-License-Identifier: Apache-2.0

extension RaftNode {
  mutating func propose(_ proposals: [Proposal]) {
    guard role != .leader else {
      for proposal in proposals {
        if let reason = accept(proposal.content) { notices.dropped.append(Dropped(id: proposal.id, reason: reason)) }
      }
      return
    }
    guard let leader else {
      notices.dropped += proposals.map { Dropped(id: $0.id, reason: .noLeader) }
      return
    }
    forward(proposals, to: leader)
  }

  private mutating func forward(_ proposals: [Proposal], to leader: MemberID) {
    var batch: [ForwardedProposal] = []
    var bytes = 0
    for proposal in proposals {
      guard proposal.content.sizeBytes <= Entry.dataLimitBytes else {
        notices.dropped.append(Dropped(id: proposal.id, reason: .tooLarge))
        continue
      }
      if !batch.isEmpty, bytes + proposal.content.sizeBytes > settings.messageLimitBytes {
        send(.propose(batch), to: leader)
        batch = []
        bytes = 0
      }
      batch.append(proposal.content.forwarded)
      bytes += proposal.content.sizeBytes
    }
    if !batch.isEmpty { send(.propose(batch), to: leader) }
  }

  mutating func stepPropose(_ proposals: [ForwardedProposal], from sender: MemberID) {
    guard role == .leader else { return }
    for proposal in proposals {
      switch proposal {
      case .command(let data): _ = accept(.command(data))
      case .configurationChange(let change): acceptForwarded(DeferredChange(change: change, sender: sender))
      }
    }
  }

  /// Appends a change that another member forwarded, or keeps it until an earlier one is committed.
  private mutating func acceptForwarded(_ forwarded: DeferredChange) {
    let change = forwarded.change
    guard case .refused(let reason)? = accept(.configurationChange(change)) else { return }
    if reason == .changeInProgress, deferredChanges.count < Self.deferredChangesLimit {
      if !deferredChanges.contains(where: { $0.change == change }) { deferredChanges.append(forwarded) }
      return
    }
    notices.refusedChanges.append(RefusedChange(change: change, reason: reason))
    if isFinal(reason, for: change) {
      send(.changeRefused(change, reason: reason.description), to: forwarded.sender)
    }
  }

  /// Whether a change stays refused.
  ///
  /// Others may have been proposed twice, and be in the log already, or become possible with time.
  private func isFinal(_ reason: RaftError, for change: ConfigurationChange) -> Bool {
    if case .quorumAtRisk = reason { return true }
    return change.action == .remove && configurations.latest.voters == [change.member]
  }

  private static let deferredChangesLimit = 64

  mutating func tickDeferredChanges() {
    guard !deferredChanges.isEmpty else { return }
    let changes = deferredChanges
    deferredChanges = []
    for change in changes { acceptForwarded(change) }
  }

  /// Appends a proposal on the leader, or says why not.
  private mutating func accept(_ content: Proposal.Content) -> Dropped.Reason? {
    if transfer != nil { return .transferring }
    if content.sizeBytes > Entry.dataLimitBytes { return .tooLarge }
    if uncommittedBytes > 0, uncommittedBytes + content.sizeBytes > settings.uncommittedLimitBytes {
      return .overloaded
    }
    switch content {
    case .command(let data):
      appendEntry(.command, data: data)
      return nil
    case .configurationChange(let change):
      do throws(RaftError) {
        try appendChange(change)
        return nil
      } catch {
        return .refused(error)
      }
    }
  }

  /// Appends an entry of the leader's own.
  ///
  /// Invariant: stamps never run backwards along the log, whatever the wall clock does.
  mutating func appendEntry(_ kind: Entry.Kind, data: [UInt8]) {
    stampClock.reach(tail.lastTimestamp)
    let entry = Entry(
      term: term,
      index: tail.lastIndex.next,
      kind: kind,
      timestampNanoseconds: stampClock.stampNanoseconds,
      data: data
    )
    tail.append(entry)
    if kind != .empty { uncommittedBytes += entry.sizeBytes }
    needsAppend = true
  }
}

extension Proposal.Content {
  var sizeBytes: Int {
    switch self {
    case .command(let data): data.count
    // Room for the configuration that the entry also carries.
    case .configurationChange(let change): change.context.count + 4_096
    }
  }

  var forwarded: ForwardedProposal {
    switch self {
    case .command(let data): .command(data)
    case .configurationChange(let change): .configurationChange(change)
    }
  }
}
