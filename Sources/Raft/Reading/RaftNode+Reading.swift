// SPDX-License-Identifier: Apache-2.0

extension RaftNode {
  /// Asks for an index to read at.
  mutating func read(_ requests: [ReadRequest]) {
    guard !requests.isEmpty else { return }
    if role == .leader {
      guard reads.count < settings.waitingReads else {
        notices.droppedReads += requests
        return
      }
      admitRead(.own(requests))
      return
    }
    guard let leader, forwardedReads.count + requests.count <= settings.waitingReads else {
      notices.droppedReads += requests
      return
    }
    let number = forwardedReads.nextBatch
    forwardedReads.nextBatch &+= 1
    forwardedReads.batches.append(ForwardedReads.Batch(number: number, reads: requests))
    send(.readIndex(batch: number), to: leader)
  }

  // MARK: On the leader

  mutating func stepReadIndex(_ batch: UInt64, from peer: MemberID, in askedTerm: Term) {
    if isConfirmed(byAsking: peer, in: askedTerm) {
      send(.readIndexResponse(batch: batch, index: commitIndex), to: peer)
      return
    }
    guard role == .leader, reads.count < settings.waitingReads, reads.admit(batch, from: peer) else { return }
    admitRead(.peer(peer, batch: batch))
  }

  /// Whether this leader and the one who asks are a majority that knew of no later term when the reads began.
  ///
  /// The question says what a heartbeat's answer would: that its sender, after the reads began, had voted in no later
  /// term. So nothing later can have been committed before them, and no round is needed.
  private func isConfirmed(byAsking peer: MemberID, in askedTerm: Term) -> Bool {
    guard role == .leader, askedTerm == term, tail.term(at: commitIndex) == term else { return false }
    let configuration = configurations.latest
    return configuration.voters.count { $0 == member || $0 == peer } >= configuration.quorumSize
  }

  private mutating func admitRead(_ origin: LeaderReads.Origin) {
    guard tail.term(at: commitIndex) == term || settings.brokenRule == .unconfirmedRead else {
      reads.held.append(origin)
      return
    }
    // The round that is started when this turn's inputs are all taken.
    reads.waiting.append(LeaderReads.Waiting(origin: origin, round: reads.round + 1, index: commitIndex))
    needsReadRound = true
  }

  /// An entry of this term is committed: reads that waited for it go on.
  mutating func admitHeldReads() {
    guard !reads.held.isEmpty, tail.term(at: commitIndex) == term else { return }
    let held = reads.held
    reads.held = []
    for origin in held { admitRead(origin) }
  }

  mutating func startReadRound() {
    reads.round += 1
    broadcastHeartbeat()
    releaseConfirmedReads()
  }

  mutating func releaseConfirmedReads() {
    let configuration = configurations.latest
    let rounds = configuration.voters.map { $0 == member ? reads.round : progress[$0]?.readRound ?? 0 }.sorted(by: >)
    guard !rounds.isEmpty else { return }
    let confirmed = settings.brokenRule == .unconfirmedRead ? reads.round : rounds[configuration.quorumSize - 1]
    for waiting in reads.takeConfirmed(confirmed) {
      switch waiting.origin {
      case .own(let requests): notices.granted.append((requests, waiting.index))
      case .peer(let peer, let batch): send(.readIndexResponse(batch: batch, index: waiting.index), to: peer)
      }
    }
  }

  // MARK: On a follower

  mutating func stepReadIndexResponse(_ batch: UInt64, index: LogIndex) {
    guard let position = forwardedReads.batches.firstIndex(where: { $0.number == batch }) else { return }
    notices.granted.append((forwardedReads.batches[position].reads, index))
    forwardedReads.batches.remove(at: position)
  }

  /// Reads are idempotent, so a request or an answer that was lost is asked for again.
  mutating func tickForwardedReads() {
    guard let leader else { return }
    for position in forwardedReads.batches.indices {
      forwardedReads.batches[position].waitedTicks += 1
      guard forwardedReads.batches[position].waitedTicks >= settings.heartbeatTicks * 2 else { continue }
      forwardedReads.batches[position].waitedTicks = 0
      send(.readIndex(batch: forwardedReads.batches[position].number), to: leader)
    }
  }

  mutating func dropForwardedReads() {
    notices.droppedReads += forwardedReads.batches.flatMap(\.reads)
    forwardedReads.batches = []
  }
}
