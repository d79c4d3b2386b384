// SPDX-License-Identifier: Apache-2.0

extension RaftNode {
  /// Appends a membership change on the leader; it is in force at once.
  ///
  /// One at a time, and only after an entry of this term is committed: without that two leaders could each change the
  /// configuration of an older term to ones without a common majority (Ongaro, raft-dev, July 2015).
  mutating func appendChange(_ change: ConfigurationChange) throws(RaftError) {
    guard configurations.latestIndex <= commitIndex, tail.term(at: commitIndex) == term else {
      throw .changeInProgress
    }
    guard change.action != .addVoter else { throw .invalidChange("a member joins as a learner first") }
    let configuration = try configurations.latest.applying(change)
    if change.action == .promote, !isCaughtUp(change.member) { throw .learnerBehind(change.member) }
    if change.action == .remove, settings.guardsQuorum { try guardQuorum(of: configuration, without: change.member) }
    let record = ConfigurationRecord(change: change, configuration: configuration)
    appendEntry(.configuration, data: record.encoded())
    configurations.append(configuration, at: tail.lastIndex)
    switch change.action {
    case .addLearner:
      if leaving?.member == change.member { leaving = nil }
      progress[change.member] = Progress(next: tail.lastIndex)
    case .remove:
      if let earlier = leaving { progress[earlier.member] = nil }
      leaving = Leaving(member: change.member, index: tail.lastIndex)
      if transfer?.target == change.member { transfer = nil }
    case .addVoter, .promote, .update: break
    }
  }

  /// Refuses what would leave the cluster without a majority that answers; a removal that loses nothing is let through.
  private func guardQuorum(of next: Configuration, without leaving: MemberID) throws(RaftError) {
    guard configurations.latest.voters.contains(leaving) else { return }
    let answering = next.voters.filter { $0 == member || isActive($0) }
    guard answering.count >= next.quorumSize else { throw .quorumAtRisk(leaving) }
  }

  /// Whether a learner is close enough to the end of the log to vote (dissertation, section 4.2.1).
  ///
  /// One that has never answered is not, however short the log: it may never start.
  func isCaughtUp(_ peer: MemberID) -> Bool {
    guard let state = progress[peer], state.isActive(settings), !state.isReceivingSnapshot else { return false }
    guard state.match > .zero else { return false }
    return state.match.rawValue + settings.promotionEntries >= tail.lastIndex.rawValue
  }

  /// A leader that removed itself leads until that is committed, then steps down (dissertation, section 4.2.2).
  mutating func finishRemovalIfCommitted() {
    guard let leaving, leaving.member == member, commitIndex >= leaving.index else { return }
    needsAppend = false
    broadcastAppend()
    becomeFollower(term: term, leader: nil)
  }

  mutating func tickLeaving() {
    guard let leaving, leaving.member != member, commitIndex >= leaving.index else { return }
    self.leaving?.elapsedSinceCommit += 1
    guard leaving.elapsedSinceCommit >= settings.electionTicks else { return }
    progress[leaving.member] = nil
    self.leaving = nil
  }

  // MARK: Leadership transfer (dissertation, section 3.10)

  /// Begins to hand leadership over.
  mutating func transferLeadership(to target: ReplicaInput.TransferTarget) {
    guard role == .leader, transfer == nil else { return }
    let candidates = configurations.latest.voters.filter { $0 != member && isActive($0) }
    let chosen: MemberID? =
      switch target {
      case .member(let wanted): candidates.contains(wanted) ? wanted : nil
      case .any: candidates.max { (progress[$0]?.match ?? .zero) < (progress[$1]?.match ?? .zero) }
      }
    guard let chosen else { return }
    transfer = Transfer(target: chosen)
    finishTransferIfReady()
    sendAppend(to: chosen, evenIfEmpty: false)
  }

  mutating func finishTransferIfReady() {
    guard let transfer, progress[transfer.target]?.match == tail.lastIndex else { return }
    send(.timeoutNow, to: transfer.target)
  }

  mutating func tickTransfer() {
    guard transfer != nil else { return }
    transfer?.elapsed += 1
    if let elapsed = transfer?.elapsed, elapsed >= settings.electionTicks { transfer = nil }
  }

  // MARK: Snapshot transfer

  mutating func startSnapshotTransfer(to peer: MemberID) {
    guard let snapshot, isActive(peer) else { return }
    progress[peer]?.becomeSnapshot(SnapshotTransfer(index: snapshot.index))
    sendSnapshotPiece(to: peer)
  }

  mutating func stepSnapshotResponse(_ index: LogIndex, stagedBytes: UInt64, from peer: MemberID) {
    progress[peer]?.silentTicks = 0
    guard case .snapshot(var transfer)? = progress[peer]?.mode, transfer.index == index else { return }
    let isNews = stagedBytes > transfer.offset
    if isNews { transfer.stalledTicks = 0 }
    // Less than before: the member lost what it had staged, or this is an old answer. The next piece is then left to
    // the timer, so that duplicates do not multiply.
    transfer.offset = stagedBytes
    progress[peer]?.becomeSnapshot(transfer)
    if isNews { sendSnapshotPiece(to: peer) }
  }

  mutating func tickSnapshotTransfers() {
    for peer in peers {
      guard case .snapshot(var transfer)? = progress[peer]?.mode else { continue }
      transfer.waitedTicks += 1
      transfer.stalledTicks += 1
      progress[peer]?.becomeSnapshot(transfer)
      if transfer.waitedTicks >= settings.electionTicks, isActive(peer) { sendSnapshotPiece(to: peer) }
    }
  }

  /// Sends the next piece; begins anew when a newer snapshot has replaced the one on its way.
  private mutating func sendSnapshotPiece(to peer: MemberID) {
    guard let snapshot, case .snapshot(var transfer)? = progress[peer]?.mode else { return }
    if transfer.index != snapshot.index { transfer = SnapshotTransfer(index: snapshot.index) }
    transfer.waitedTicks = 0
    progress[peer]?.becomeSnapshot(transfer)
    outgoing.append(.snapshotPiece(to: peer, term: term, metadata: snapshot, offset: transfer.offset))
  }

  /// Whether a member that answers is being sent a snapshot, and gets on with it.
  var isSendingSnapshot: Bool {
    peers.contains { peer in
      guard case .snapshot(let transfer)? = progress[peer]?.mode else { return false }
      return isActive(peer) && transfer.stalledTicks < 10 * settings.electionTicks
    }
  }

  /// The last entry that a member does not need any more: it holds it, or gets it with the snapshot on its way.
  func neededIndex(of peer: MemberID) -> LogIndex {
    guard let state = progress[peer] else { return LogIndex(.max) }
    guard case .snapshot(let transfer) = state.mode else { return state.match }
    return max(state.match, transfer.index)
  }
}
