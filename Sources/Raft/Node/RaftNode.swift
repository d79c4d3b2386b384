// SPDX-License-Identifier: Apache-2.0

/// Raft as a pure machine: inputs change its state, ``ready(flushingCommit:)`` says what has to be done.
///
/// Time is a count of ticks, the network a list of messages, the disk a field of ``Ready``. Configurations are in force
/// as soon as they are in the log (dissertation, section 4.1).
///
/// Source: Raft paper and dissertation; etcd-io/raft `raft.go` for pre-vote, check-quorum and progress.
struct RaftNode: Sendable {
  let member: MemberID
  let settings: RaftSettings

  // Persistent: a change reaches the disk by the next Ready, before any message that follows from it.
  var term: Term
  var vote: MemberID?
  var commitIndex: LogIndex
  var durableHardState: HardState
  var tail: LogTail
  var snapshot: SnapshotMetadata?
  var configurations: ConfigurationHistory

  // Volatile on every member.
  var role: Role = .follower
  var leader: MemberID?
  var appliedIndex: LogIndex
  /// Ticks since the leader was heard of; 0 on a leader.
  var electionElapsed = 0
  var electionTimeout = 0
  /// Ticks until this member campaigns because its leader seems to be gone; nil while there is no such sign.
  var suspicion: Int?
  var staging: Staging?
  var random: SplitMix64
  /// Stamps entries.
  var stampClock = StampClock()
  /// Something that can only be if an invariant of Raft is broken somewhere; the replica stops for good.
  var violation: String?

  // Volatile on candidates.
  var votes: [MemberID: Bool] = [:]

  // Volatile on leaders.
  var progress: [MemberID: Progress] = [:]
  var heartbeatElapsed = 0
  var uncommittedBytes = 0
  var transfer: Transfer?
  var leaving: Leaving?
  /// Changes that other members forwarded while an earlier one was not committed.
  var deferredChanges: [DeferredChange] = []
  var reads = LeaderReads()

  // Volatile on followers.
  var forwardedReads = ForwardedReads()

  // Collected for the next Ready.
  var outgoing: [Ready.Outgoing] = []
  var staged: [Ready.StagedPiece] = []
  var installed: SnapshotMetadata?
  var needsAppend = false
  var needsReadRound = false
  var notices = Notices()

  /// A snapshot being received.
  struct Staging: Sendable {
    var from: MemberID
    var term: Term
    var metadata: SnapshotMetadata
    var bytes: UInt64
  }

  /// Leadership on its way to another member.
  struct Transfer: Sendable {
    var target: MemberID
    var elapsed = 0
  }

  /// A change that has to wait for an earlier one.
  struct DeferredChange: Sendable {
    var change: ConfigurationChange
    var sender: MemberID
  }

  /// A member being removed: still sent the log, so that it learns of it.
  struct Leaving: Sendable {
    var member: MemberID
    var index: LogIndex
    var elapsedSinceCommit = 0
  }

  /// Begins as a follower with what the store holds; its entries follow by ``restore(_:)``.
  init(member: MemberID, settings: RaftSettings, seed: UInt64, stored: StoredLog, appliedIndex: LogIndex) {
    self.member = member
    self.settings = settings
    random = SplitMix64(seed: seed)
    term = stored.hardState.term
    vote = stored.hardState.vote
    durableHardState = stored.hardState
    snapshot = stored.snapshot
    commitIndex = max(stored.hardState.commitIndex, stored.snapshot?.index ?? .zero, appliedIndex)
    self.appliedIndex = appliedIndex
    tail = LogTail(stored)
    configurations = ConfigurationHistory(stored.snapshot)
    forwardedReads.nextBatch = random.next()
    drawElectionTimeout()
  }

  /// Takes over stored entries, oldest first, before anything else is asked of the node.
  mutating func restore(_ entries: [Entry]) {
    for entry in entries { adoptConfiguration(of: entry) }
    tail.restore(entries, limits: settings)
  }

  // MARK: Inputs

  mutating func tick() {
    if role == .leader {
      tickLeader()
      return
    }
    electionElapsed += 1
    tickForwardedReads()
    if let ticks = suspicion { suspicion = ticks - 1 }
    let isLeaderGone = electionElapsed >= electionTimeout || suspicion.map { $0 <= 0 } ?? false
    if isLeaderGone, isPromotable { campaign(isTransfer: false) }
  }

  /// The stream from another member broke: if it leads, an election may begin sooner than its timeout says.
  ///
  /// Only when this member asks for votes changes, and whether it grants them; a word from the leader takes it back.
  /// Members that still hear the leader refuse, so a follower that has lost its link alone disturbs nobody.
  mutating func lostStream(from peer: MemberID) {
    guard role == .follower, leader == peer, suspicion == nil else { return }
    suspicion = Int.random(in: 1...max(1, min(3, settings.electionTicks / 2)), using: &random)
  }

  mutating func step(_ message: Message) {
    guard message.to == member, message.from != member, violation == nil else { return }
    switch message.body {
    // These carry no claim about terms.
    case .propose(let proposals):
      stepPropose(proposals, from: message.from)
      return
    case .changeRefused(let change, let reason):
      notices.ownRefusedChanges.append(RefusedChange(change: change, reason: .refusedByLeader(reason)))
      return
    case .readIndex(let batch):
      stepReadIndex(batch, from: message.from, in: message.term)
      return
    case .readIndexResponse(let batch, let index):
      stepReadIndexResponse(batch, index: index)
      return
    default: break
    }
    guard adoptTerm(of: message) else { return }
    switch message.body {
    case .preVoteRequest(let request), .voteRequest(let request):
      stepVoteRequest(message, request)
    case .preVoteResponse(let granted):
      if role == .preCandidate { countVote(of: message.from, granted) }
    case .voteResponse(let granted):
      if role == .candidate { countVote(of: message.from, granted) }
    case .append(let request):
      if followLeader(message.from) { stepAppend(request, from: message.from) }
    case .heartbeat(let commitIndex, let readRound):
      if followLeader(message.from) { stepHeartbeat(commitIndex, readRound: readRound, from: message.from) }
    case .snapshotChunk(let request):
      if followLeader(message.from) { stepSnapshotChunk(request, from: message.from) }
    case .appendResponse(let response):
      if role == .leader { stepAppendResponse(response, from: message.from) }
    case .heartbeatResponse(let readRound):
      if role == .leader { stepHeartbeatResponse(readRound, from: message.from) }
    case .snapshotResponse(let index, let stagedBytes):
      if role == .leader { stepSnapshotResponse(index, stagedBytes: stagedBytes, from: message.from) }
    case .timeoutNow:
      if role == .follower, isPromotable { campaign(isTransfer: true) }
    case .propose, .changeRefused, .readIndex, .readIndexResponse:
      break
    }
  }

  // MARK: Ready

  var hardState: HardState { HardState(term: term, vote: vote, commitIndex: commitIndex) }

  /// What has to be done now; nil when there is nothing.
  ///
  /// A commit index that moved is written with `flushingCommit` only: a member that forgets it learns it anew from its
  /// leader, and every batch would pay for a second page.
  mutating func ready(flushingCommit: Bool = false) -> Ready? {
    if role == .leader {
      if needsReadRound { startReadRound() }
      if needsAppend { broadcastAppend() }
    }
    needsReadRound = false
    needsAppend = false
    var ready = Ready()
    swap(&ready.outgoing, &outgoing)
    swap(&ready.staged, &staged)
    ready.installed = installed
    ready.entries = tail.unstable
    let hasClaim = term != durableHardState.term || vote != durableHardState.vote
    let hasCommit = commitIndex != durableHardState.commitIndex
    if hasClaim || (hasCommit && (flushingCommit || installed != nil)) { ready.hardState = hardState }
    // A term that is not durable could be led a second time after a crash, with another log.
    if role == .leader, !hasClaim, installed == nil, ready.staged.isEmpty { ready.separateEarly() }
    return ready.isEmpty ? nil : ready
  }

  /// Everything the latest Ready asked to be durable is.
  mutating func persisted(_ ready: Ready) {
    if let hardState = ready.hardState { durableHardState = hardState }
    installed = nil
    guard !ready.entries.isEmpty else { return }
    tail.markDurable()
    guard role == .leader, configurations.latest.voters.contains(member) else { return }
    progress[member]?.recordOwn(tail.lastIndex)
    advanceCommit()
  }

  /// The state machine has everything up to `index`.
  mutating func applied(through index: LogIndex) {
    appliedIndex = index
    configurations.forget(before: index)
    tail.trim(through: index, limits: settings)
  }
}
