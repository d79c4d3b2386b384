// SPDX-License-Identifier: Apache-2.0

extension RaftNode {
  /// Whether this member may campaign: it is a voter, and not waiting for a snapshot to be installed.
  ///
  /// A member whose removal is in its log, but not known to be committed, still may: it can be the only one whose log
  /// is long enough to lead. It does not vote for itself then (dissertation, section 4.2.2).
  var isPromotable: Bool {
    guard installed == nil else { return false }
    return configurations.latest.voters.contains(member)
      || configurations.configuration(at: commitIndex).voters.contains(member)
  }

  /// Takes a message's term into account; false when the message is not to be handled.
  ///
  /// Source: etcd-io/raft `raft.go` `Step`; paper, section 5.1; leases: dissertation, section 4.2.3.
  mutating func adoptTerm(of message: Message) -> Bool {
    if message.term > term { return adoptHigherTerm(of: message) }
    if message.term == term { return true }
    switch message.body {
    case .append, .heartbeat, .snapshotChunk:
      // A leader of an older term, or one that does not know that this member moved on while it was cut off: our term
      // makes it step down, and the next election lets this member back in.
      send(.heartbeatResponse(readRound: 0), to: message.from)
    case .preVoteRequest:
      send(.preVoteResponse(granted: false), to: message.from)
    default: break
    }
    return false
  }

  private mutating func adoptHigherTerm(of message: Message) -> Bool {
    switch message.body {
    case .preVoteRequest(let request), .voteRequest(let request):
      let hasLease = leader != nil && electionElapsed < settings.electionTicks && suspicion == nil
      if hasLease, !request.isTransfer { return false }
      if case .voteRequest = message.body { becomeFollower(term: message.term, leader: nil) }
      return true
    case .preVoteResponse(granted: true):
      // Granted for the term this member would campaign at; no term has begun by it.
      return message.term == term.next
    case .append, .heartbeat, .snapshotChunk:
      becomeFollower(term: message.term, leader: message.from)
      return true
    default:
      becomeFollower(term: message.term, leader: nil)
      return true
    }
  }

  /// A message of this term's leader has come; false when it may not be handled.
  mutating func followLeader(_ from: MemberID) -> Bool {
    guard role != .leader, leader == nil || leader == from else {
      violation = "two leaders in term \(term): \(leader.map(String.init(describing:)) ?? "?") and \(from)"
      return false
    }
    if role != .follower || leader != from { becomeFollower(term: term, leader: from) }
    electionElapsed = 0
    suspicion = nil
    return true
  }

  mutating func becomeFollower(term newTerm: Term, leader newLeader: MemberID?) {
    if newTerm != term {
      term = newTerm
      vote = nil
    }
    leaveLeadership()
    if newLeader != leader { dropForwardedReads() }
    role = .follower
    leader = newLeader
    electionElapsed = 0
    suspicion = nil
    drawElectionTimeout()
  }

  /// Asks for votes, after asking whether they would be given (dissertation, section 9.6).
  mutating func campaign(isTransfer: Bool) {
    dropForwardedReads()
    leader = nil
    electionElapsed = 0
    suspicion = nil
    drawElectionTimeout()
    votes = [member: true]
    if isTransfer {
      becomeCandidate(isTransfer: true)
      return
    }
    role = .preCandidate
    if isWon {
      becomeCandidate(isTransfer: false)
      return
    }
    let request = VoteRequest(lastIndex: tail.lastIndex, lastTerm: tail.lastTerm)
    for voter in configurations.latest.voters where voter != member {
      outgoing.append(.message(Message(from: member, to: voter, term: term.next, body: .preVoteRequest(request))))
    }
  }

  private mutating func becomeCandidate(isTransfer: Bool) {
    term = term.next
    vote = member
    role = .candidate
    votes = [member: true]
    if isWon {
      becomeLeader()
      return
    }
    let request = VoteRequest(lastIndex: tail.lastIndex, lastTerm: tail.lastTerm, isTransfer: isTransfer)
    for voter in configurations.latest.voters where voter != member {
      send(.voteRequest(request), to: voter)
    }
  }

  private mutating func becomeLeader() {
    role = .leader
    leader = member
    electionElapsed = 0
    heartbeatElapsed = 0
    uncommittedBytes = 0
    stampClock.follow()
    progress = [:]
    for peer in configurations.latest.members {
      progress[peer] = Progress(next: tail.lastIndex.next)
    }
    progress[member]?.recordOwn(tail.durableIndex)
    if !configurations.latest.contains(member) {
      // Elected to commit its own removal; it steps down with that.
      leaving = Leaving(member: member, index: configurations.latestIndex)
    }
    // Only an entry of its own term tells a leader what is committed (paper, sections 5.4.2 and 8).
    appendEntry(.empty, data: [])
  }

  /// Forgets what only leaders have.
  private mutating func leaveLeadership() {
    deferredChanges = []
    votes = [:]
    guard role == .leader else { return }
    // What is still to be read from the log speaks for the term that is over; the log may be another's in a moment.
    outgoing.removeAll { if case .message = $0 { false } else { true } }
    progress = [:]
    transfer = nil
    leaving = nil
    notices.droppedReads += reads.takeOwn()
    reads = LeaderReads()
  }

  // MARK: Votes

  mutating func stepVoteRequest(_ message: Message, _ request: VoteRequest) {
    let isPreVote = if case .preVoteRequest = message.body { true } else { false }
    let mayVote = vote == message.from || (vote == nil && leader == nil) || (isPreVote && message.term > term)
    let granted = mayVote && tail.isUpToDate(request.lastIndex, request.lastTerm)
    if isPreVote {
      let answerTerm = granted ? message.term : term
      let body = Message.Body.preVoteResponse(granted: granted)
      outgoing.append(.message(Message(from: member, to: message.from, term: answerTerm, body: body)))
      return
    }
    if granted {
      vote = message.from
      electionElapsed = 0
    }
    send(.voteResponse(granted: granted), to: message.from)
  }

  mutating func countVote(of voter: MemberID, _ granted: Bool) {
    if votes[voter] == nil { votes[voter] = granted }
    if isWon {
      if role == .preCandidate { becomeCandidate(isTransfer: false) } else { becomeLeader() }
    } else if isLost {
      becomeFollower(term: term, leader: nil)
    }
  }

  private func voteCount(_ granted: Bool) -> Int {
    configurations.latest.voters.count { votes[$0] == granted }
  }

  private var isWon: Bool { voteCount(true) >= configurations.latest.quorumSize }

  private var isLost: Bool {
    let voters = configurations.latest.voters
    return voteCount(false) > voters.count - configurations.latest.quorumSize
  }

  // MARK: Time

  mutating func drawElectionTimeout() {
    electionTimeout = Int.random(in: settings.electionTicks..<2 * settings.electionTicks, using: &random)
  }

  mutating func tickLeader() {
    for peer in peers { progress[peer]?.silentTicks += 1 }
    guard hasActiveQuorum else {
      becomeFollower(term: term, leader: nil)
      return
    }
    tickTransfer()
    tickLeaving()
    tickSnapshotTransfers()
    tickDeferredChanges()
    heartbeatElapsed += 1
    if heartbeatElapsed >= settings.heartbeatTicks { broadcastHeartbeat() }
  }

  /// Whether a majority was heard of within an election timeout (dissertation, section 6.2).
  private var hasActiveQuorum: Bool {
    configurations.latest.voters.count { $0 == member || isActive($0) } >= configurations.latest.quorumSize
  }

  /// Whether another member was heard of within an election timeout; only a leader knows.
  func isActive(_ peer: MemberID) -> Bool {
    progress[peer]?.isActive(settings) == true
  }

  // MARK: Messages

  mutating func send(_ body: Message.Body, to peer: MemberID) {
    outgoing.append(.message(Message(from: member, to: peer, term: term, body: body)))
  }

  /// Everyone a leader sends to, sorted.
  var peers: [MemberID] {
    var peers = configurations.latest.members.filter { $0 != member }
    if let leaving, leaving.member != member { peers.append(leaving.member) }
    return peers
  }
}
