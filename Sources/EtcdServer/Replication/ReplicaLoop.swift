// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import Logging
import Raft

/// What the replica's thread does: takes everything that waits, lets the replica make one turn of it, and answers.
///
/// Concurrency: lives on one thread; the host is its only connection to others.
struct ReplicaLoop {
  typealias Replica = RaftReplica<ErasedLogStore, CountingOutbox, KeyspaceMachine>

  let host: ReplicaHost
  let keyspace: Keyspace
  let statistics: ReplicationStatistics
  let configuration: EtcdMemberConfiguration
  let events: EtcdMemberEvents
  let logger: Logger
  var replica: Replica
  let waiting: WaitingRequests
  /// Finds out that this member leads with a disk that is too slow for it.
  var slowness: Slowness
  /// Requests of the thread itself that are under way.
  var ownRequests = OwnRequests()
  /// Answers of the turn at hand.
  var answers = CarriedAnswers()
  var membership = Membership()
  /// Where the replica stood after its last turn.
  var status: ReplicaStatus
  /// A leader became known in the last turn, so that what was held back can go on at once.
  var hasNewLeader = false
  var hasReportedRemoval = false
  var hasFailed = false
  /// Sees what each turn brought before anyone is answered; the simulator's.
  var observer: ((ReplicaOutput<AppliedOutcome>) -> Void)?

  private var tickNanoseconds: Int64 { Int64(configuration.heartbeatMilliseconds) * 1_000_000 }
  /// More ticks than this are not made up for in one turn: a thread that was held up must first hear its peers.
  private var maximumTicks: Int64 { Int64(max(1, configuration.raftSettings.electionTicks / 2)) }

  init(
    host: ReplicaHost,
    keyspace: Keyspace,
    statistics: ReplicationStatistics,
    configuration: EtcdMemberConfiguration,
    events: EtcdMemberEvents,
    logger: Logger,
    replica: Replica
  ) {
    self.host = host
    self.keyspace = keyspace
    self.statistics = statistics
    self.configuration = configuration
    self.events = events
    self.logger = logger
    self.replica = replica
    waiting = host.waiting
    slowness = Slowness(electionMilliseconds: configuration.electionMilliseconds)
    status = replica.status
  }

  /// Runs until the host is asked to stop.
  mutating func run() {
    begin()
    var nextTick = host.clocks.monotonicNanoseconds() + tickNanoseconds
    while true {
      let now = host.clocks.monotonicNanoseconds()
      var ticks: Int64 = 0
      if now >= nextTick {
        ticks = 1 + (now - nextTick) / tickNanoseconds
        nextTick += ticks * tickNanoseconds
      }
      guard let batch = host.take(mayBeEmpty: ticks > 0 || isWorkDue) else {
        host.sleep(nanoseconds: timeToSleep(from: now, nextTick: nextTick))
        continue
      }
      if batch.isStopping {
        hold(batch)
        break
      }
      turn(batch, ticks: Int(min(ticks, maximumTicks)))
      if hasFailed { break }
    }
    handOverLeadership()
    finish()
  }

  /// Says who the peers are, and leads at once where nobody else votes.
  mutating func begin() {
    membershipMayHaveChanged(isFirst: true)
    if status.configuration.voters == [configuration.memberID] {
      // A lone voter has nobody to wait for: it wins its election at once.
      turn(Inbox.Batch(), ticks: 2 * configuration.raftSettings.electionTicks)
    }
  }

  /// Whether a turn has something to do though nothing has come.
  private var isWorkDue: Bool {
    hasNewLeader && waiting.isHolding || ownRequests.isExpiryDue(keyspace, status: status, host.clocks)
  }

  /// Makes one turn of everything that waits, if anything does: the simulator's way of running the loop.
  mutating func step(ticks: Int, transfer: ReplicaInput.TransferTarget?) {
    let mayBeEmpty = ticks > 0 || transfer != nil || isWorkDue
    guard !hasFailed, let batch = host.take(mayBeEmpty: mayBeEmpty) else {
      return
    }
    turn(batch, ticks: ticks, transfer: transfer)
  }

  private func timeToSleep(from now: Int64, nextTick: Int64) -> Int64 {
    let untilTick = nextTick - now
    let untilExpiry = ownRequests.timeToExpiry(keyspace, status: status, host.clocks) ?? untilTick
    let untilRefreshes = host.refreshesDueNanoseconds.map { $0 == .min ? 0 : $0 - now } ?? untilTick
    return max(0, min(untilTick, untilExpiry, untilRefreshes))
  }

  /// Takes the requests of a batch in; refreshes that were gathered become one request.
  private func hold(_ batch: Inbox.Batch) {
    for request in batch.requests { waiting.hold(request) }
    for refreshes in batch.refreshes where !refreshes.isEmpty {
      let id = host.nextRequestID()
      let bytes = ReplicatedCommand.encode(
        .keys(.refresh(refreshes.map(\.refresh))),
        proposer: configuration.memberID,
        request: id
      )
      let room = Inbox.Room(requests: refreshes.count, bytes: refreshes.reduce(0) { $0 + $1.sizeBytes })
      waiting.hold(
        ReplicaRequest(
          id: id,
          content: .proposal(.command(bytes)),
          answer: .refreshes(refreshes.map(\.waiter), room: room),
          deadlineNanoseconds: refreshes.map(\.waiter.deadlineNanoseconds).min() ?? .max
        )
      )
    }
  }

  /// Makes one turn of a batch and passes on what comes of it.
  private mutating func turn(_ batch: Inbox.Batch, ticks: Int, transfer: ReplicaInput.TransferTarget? = nil) {
    let before = status
    hold(batch)
    if ticks > 0 {
      let now = host.clocks.monotonicNanoseconds()
      for answer in waiting.removeExpired(at: now) { answer.fail(ServerErrors.timedOut) }
      waiting.holdStaleChanges(since: now - Int64(configuration.electionMilliseconds) * 1_000_000)
      for request in ownRequests.due(status: before, keyspace: keyspace, configuration, host, at: now) {
        waiting.hold(request)
      }
    } else if let request = ownRequests.expiry(keyspace, status: before, configuration, host) {
      waiting.hold(request)
    }
    var input = ReplicaInput(
      nowNanoseconds: host.clocks.wall().nanosecondsSinceEpoch,
      ticks: ticks,
      messages: batch.messages,
      lostStreams: batch.lostStreams,
      transfer: transfer
    )
    // Without a leader nothing is handed over, since Raft would only hand it back.
    if before.leader != nil {
      waiting.handOver(in: before.term, at: host.clocks.monotonicNanoseconds(), to: &input)
    }
    if !batch.messages.isEmpty { statistics.recordReceived(batch.messages) }
    if slowness.isHandOverDue, before.role == .leader, before.configuration.voters.count > 1 {
      slowness.handedOver(at: host.clocks.monotonicNanoseconds())
      logger.warning("this member's disk is slow: leadership is handed over")
      input.transfer = .any
    }
    host.storage.turnBegan(at: host.clocks.monotonicNanoseconds())
    let output = replica.turn(input)
    slowness.note(
      nanoseconds: host.storage.turnEnded(at: host.clocks.monotonicNanoseconds()),
      at: host.clocks.monotonicNanoseconds()
    )
    passOn(output)
  }

  private mutating func passOn(_ output: ReplicaOutput<AppliedOutcome>) {
    observer?(output)
    noteStorage(output)
    if output.restoredSnapshot != nil {
      // What became of proposals the snapshot covers is not known here.
      for answer in waiting.removeHandedOver(before: Term(.max)) { answer.fail(ServerErrors.timedOut) }
    }
    var hasMembershipChanged = output.restoredSnapshot != nil
    for applied in output.applied {
      switch applied.outcome {
      case .none:
        if applied.entry.kind == .empty { failLost(before: applied.entry.term) }
      case .command(let id, let result): answer(id, result)
      case .refreshes(let id, let results): answer(id, results)
      case .auth(let id, let result):
        if case .auth(let answer)? = waiting.remove(id) { answer(result.mapError { .refused($0) }) }
      case .membership(let id):
        hasMembershipChanged = true
        if let id, case .change(let answer)? = waiting.remove(id) { answer(nil) }
      }
    }
    for dropped in output.dropped { handle(dropped) }
    for refused in output.refusedChanges {
      let change: Logger.MetadataValue = "\(refused.change.action) \(refused.change.member)"
      let metadata: Logger.Metadata = ["raft.change": change, "raft.reason": "\(refused.reason)"]
      logger.warning("membership change of another member refused", metadata: metadata)
    }
    for refused in output.ownRefusedChanges {
      guard let context = MembershipContext(decoding: refused.change.context),
        context.proposer == configuration.memberID
      else { continue }
      fail(context.request, refused.reason.description)
    }
    for read in output.releasedReads {
      if case .read(let answer, let carrier)? = waiting.remove(RequestID(read.id)) {
        answers.add(carrier) { answer(nil) }
      }
    }
    answers.depart()
    for read in output.droppedReads { waiting.holdAgain(RequestID(read.id)) }
    if let violation = output.violation { fail(violation) }
    report(output.status)
    if hasMembershipChanged { membershipMayHaveChanged(isFirst: false) }
  }

  private mutating func answer(_ id: RequestID, _ result: Result<KeysReply, EtcdError>?) {
    ownRequests.finished(id)
    guard let waiter = waiting.remove(id) else { return }
    if case .write(let answer, let carrier) = waiter, let result { answers.add(carrier) { answer(result) } }
  }

  private mutating func answer(_ id: RequestID, _ results: [Result<KeysReply, EtcdError>]) {
    guard case .refreshes(let waiters, _)? = waiting.remove(id) else { return }
    for (waiter, result) in zip(waiters, results) { answers.add(waiter.carrier) { waiter.answer(result) } }
  }

  /// Answers proposals that a former leader may have lost.
  ///
  /// They may still take effect, so they are not proposed again.
  private mutating func failLost(before term: Term) {
    for answer in waiting.removeHandedOver(before: term) { answer.fail(ServerErrors.leaderFailed) }
  }

  private mutating func handle(_ dropped: Dropped) {
    let id = RequestID(dropped.id)
    switch dropped.reason {
    case .noLeader, .transferring, .refused(.notLeader), .refused(.changeInProgress):
      waiting.holdAgain(id)
    case .storageFailed, .refused(.storageFailed): fail(id, storageFailure)
    case .overloaded: fail(id, ServerErrors.tooManyRequests)
    case .tooLarge: fail(id, ServerErrors.tooLarge)
    case .refused(let error): fail(id, error.description)
    }
  }

  private mutating func fail(_ id: RequestID, _ cause: String) {
    ownRequests.finished(id)
    waiting.remove(id)?.fail(cause)
  }

  /// Tells how the storage does; while it fails, nobody waits for a write that this member cannot apply.
  private func noteStorage(_ output: ReplicaOutput<AppliedOutcome>) {
    if let failure = output.storageFailure {
      let metadata: Logger.Metadata = ["raft.error": "\(failure)"]
      if !output.status.isSteppedAside {
        logger.warning("snapshot not taken", metadata: metadata)
      } else if host.storage.failed("\(failure)") {
        logger.error("storage failed", metadata: metadata)
      }
    }
    guard output.status.isSteppedAside else { return host.storage.works() }
    // Some may still be committed by others: the client learns that its outcome is unknown.
    for answer in waiting.removeProposals() { answer.fail(storageFailure) }
  }

  private var storageFailure: String { host.storage.failure ?? ServerErrors.storageFailed }

  private mutating func fail(_ violation: String) {
    logger.critical("raft stopped for good", metadata: ["raft.violation": "\(violation)"])
    hasFailed = true
    events.failed(violation)
  }

  /// Publishes the status, and logs what changed in it.
  private mutating func report(_ status: ReplicaStatus) {
    let before = self.status
    self.status = status
    hasNewLeader = status.leader != nil && before.leader != status.leader
    host.publish(status)
    if before.term != status.term { keyspace.note(status.term) }
    if before.role != status.role || before.leader != status.leader {
      if status.role == .leader { statistics.forgetFollowers() }
      let metadata: Logger.Metadata = [
        "raft.role": "\(status.role)", "raft.term": "\(status.term)",
        "raft.leader": "\(status.leader.map(\.description) ?? "none")",
      ]
      logger.notice("raft role changed", metadata: metadata)
    }
    if before.isSteppedAside != status.isSteppedAside {
      logger.warning("raft participation changed", metadata: ["raft.aside": "\(status.isSteppedAside)"])
    }
  }

  /// Tells the transport whom it may talk to.
  private mutating func membershipMayHaveChanged(isFirst: Bool) {
    let latest = keyspace.membership
    guard isFirst || latest != membership else { return }
    membership = latest
    var urls = latest.peerURLs
    // A joining member knows only what it was told until the log reaches it.
    if !latest.members.contains(where: { $0.id == configuration.memberID.rawValue }) {
      for member in configuration.initialMembers where urls[MemberID(member.id)] == nil {
        urls[MemberID(member.id)] = member.peerURLs
      }
    }
    let removed = Set(latest.removed.map { MemberID($0) })
    for id in removed { urls.removeValue(forKey: id) }
    events.peersChanged(urls, removed)
    if removed.contains(configuration.memberID), !hasReportedRemoval {
      hasReportedRemoval = true
      logger.notice("this member was removed from the cluster")
      events.wasRemoved()
    }
  }

  /// Lets another member lead before this one goes, so that the cluster does not wait for an election.
  private mutating func handOverLeadership() {
    guard status.role == .leader, status.configuration.voters.count > 1, !hasFailed else { return }
    let deadline = host.clocks.monotonicNanoseconds() + Int64(configuration.electionMilliseconds) * 1_000_000
    var input = ReplicaInput(nowNanoseconds: host.clocks.wall().nanosecondsSinceEpoch, transfer: .any)
    while true {
      passOn(replica.turn(input))
      let now = host.clocks.monotonicNanoseconds()
      guard status.role == .leader, now < deadline else { return }
      input = ReplicaInput(nowNanoseconds: host.clocks.wall().nanosecondsSinceEpoch)
      if let batch = host.take(mayBeEmpty: false) {
        input.messages = batch.messages
      } else {
        host.sleep(nanoseconds: min(tickNanoseconds, deadline - now))
      }
    }
  }

  /// Answers everything that waits, and ends all watches.
  mutating func finish() {
    let rest = host.finish()
    for request in rest.requests { request.answer.fail(ServerErrors.stopped) }
    for refresh in rest.refreshes.joined() { refresh.waiter.fail(ServerErrors.stopped) }
    for answer in waiting.removeAll() { answer.fail(ServerErrors.stopped) }
    keyspace.stop()
  }
}
