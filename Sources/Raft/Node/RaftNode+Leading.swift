// SPDX-License-Identifier: Apache-2.0

extension RaftNode {
  // MARK: Sending

  mutating func broadcastAppend() {
    for peer in peers {
      sendAppend(to: peer, evenIfEmpty: true)
      while sendAppend(to: peer, evenIfEmpty: false) {}
    }
  }

  /// Sends the next entries a member needs, or a snapshot when the log begins later.
  ///
  /// - Returns: Whether entries were sent, so that there may be more.
  @discardableResult
  mutating func sendAppend(to peer: MemberID, evenIfEmpty: Bool) -> Bool {
    guard var state = progress[peer], !state.isPaused(settings) else { return false }
    guard evenIfEmpty || state.next <= tail.lastIndex else { return false }
    let previous = state.next.previous
    guard let previousTerm = tail.term(at: previous) else {
      startSnapshotTransfer(to: peer)
      return false
    }
    var request = AppendRequest(
      previousIndex: previous,
      previousTerm: previousTerm,
      entries: [],
      commitIndex: commitIndex
    )
    if state.next < tail.firstCached {
      let message = Message(from: member, to: peer, term: term, body: .append(request))
      outgoing.append(.storedAppend(message, through: tail.firstCached.previous))
      state.recordSentFromStore()
      progress[peer] = state
      return false
    }
    request.entries = tail.entries(from: state.next, through: tail.lastIndex, maxBytes: settings.messageLimitBytes)
    if let last = request.entries.last {
      state.recordSent(through: last.index, bytes: request.entries.reduce(0) { $0 + $1.sizeBytes })
    } else if state.mode == .probe {
      state.recordSent(through: previous, bytes: 0)
    }
    progress[peer] = state
    send(.append(request), to: peer)
    return !request.entries.isEmpty
  }

  /// Asks a member with a full window what it has: what was on its way may be lost, or the answers to it.
  private mutating func sendEmptyAppend(to peer: MemberID) {
    guard let state = progress[peer], state.mode == .replicate else { return }
    let previous = state.next.previous
    guard let previousTerm = tail.term(at: previous) else {
      // Compacted meanwhile.
      progress[peer]?.becomeProbe()
      sendAppend(to: peer, evenIfEmpty: true)
      return
    }
    let request = AppendRequest(
      previousIndex: previous,
      previousTerm: previousTerm,
      entries: [],
      commitIndex: commitIndex
    )
    send(.append(request), to: peer)
  }

  mutating func broadcastHeartbeat() {
    heartbeatElapsed = 0
    for peer in peers {
      let match = progress[peer]?.match ?? .zero
      send(.heartbeat(commitIndex: min(match, commitIndex), readRound: reads.round), to: peer)
    }
  }

  // MARK: Answers

  mutating func stepAppendResponse(_ response: AppendResponse, from peer: MemberID) {
    guard progress[peer] != nil else { return }
    progress[peer]?.silentTicks = 0
    switch response {
    case .rejected(let previousIndex, let hintIndex, let hintTerm):
      // Skip what cannot agree: entries of ours with a higher term than the member has there.
      let agreed = hintTerm > .zero ? tail.hint(atOrBelow: hintIndex, term: hintTerm).index : hintIndex
      if progress[peer]?.refuse(previousIndex, hint: agreed) == true { sendAppend(to: peer, evenIfEmpty: true) }
    case .accepted(let match):
      guard match <= tail.lastIndex else { return }
      stepAccepted(match, from: peer)
    }
  }

  private mutating func stepAccepted(_ match: LogIndex, from peer: MemberID) {
    guard var state = progress[peer] else { return }
    let wasPaused = state.isPaused(settings)
    let isNews = state.acknowledge(match)
    switch state.mode {
    case .probe:
      // An answer without news is one to a message sent twice, unless nothing was left to send: sending on for each of
      // them would multiply messages.
      guard isNews || match == tail.lastIndex else { return }
      if state.next >= tail.firstCached { state.becomeReplicate() }
    case .replicate:
      state.recordArrival(match, settings)
    case .snapshot(let transfer):
      guard isNews, match >= transfer.index || tail.term(at: match) != nil else { return }
      state.becomeProbe()
    }
    progress[peer] = state
    guard isNews || wasPaused else { return }
    if advanceCommit() {
      needsAppend = true
    } else if wasPaused {
      sendAppend(to: peer, evenIfEmpty: true)
    }
    while sendAppend(to: peer, evenIfEmpty: false) {}
    finishTransferIfReady()
  }

  mutating func stepHeartbeatResponse(_ readRound: UInt64, from peer: MemberID) {
    guard progress[peer] != nil else { return }
    progress[peer]?.silentTicks = 0
    progress[peer]?.resume()
    if let state = progress[peer], state.match < tail.lastIndex || state.mode == .probe {
      if state.isPaused(settings) { sendEmptyAppend(to: peer) } else { sendAppend(to: peer, evenIfEmpty: true) }
    }
    guard let acknowledged = progress[peer]?.readRound, readRound > acknowledged, readRound <= reads.round else {
      return
    }
    progress[peer]?.readRound = readRound
    releaseConfirmedReads()
  }

  // MARK: Commit

  /// Commits what a majority holds durably, provided it is of this term (paper, section 5.4.2).
  ///
  /// The result is whether the commit index moved.
  @discardableResult
  mutating func advanceCommit() -> Bool {
    let voters = configurations.latest.voters
    let matches = voters.map { progress[$0]?.match ?? .zero }.sorted(by: >)
    guard !matches.isEmpty else { return false }
    let index = matches[configurations.latest.quorumSize - 1]
    guard index > commitIndex else { return false }
    guard tail.term(at: index) == term || settings.brokenRule == .commitOlderTerm else { return false }
    releaseUncommitted(through: index)
    commitIndex = index
    needsAppend = true
    admitHeldReads()
    finishRemovalIfCommitted()
    return true
  }

  private mutating func releaseUncommitted(through index: LogIndex) {
    guard uncommittedBytes > 0 else { return }
    let first = max(commitIndex.next, tail.firstCached)
    for entry in tail.entries(from: first, through: index, maxBytes: .max) where entry.kind != .empty {
      uncommittedBytes = max(0, uncommittedBytes - entry.sizeBytes)
    }
    if index == tail.lastIndex { uncommittedBytes = 0 }
  }
}
