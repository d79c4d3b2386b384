// SPDX-License-Identifier: Apache-2.0
public import EtcdStore
public import EtcdWire
public import Logging
public import Raft
import Synchronization
import Threads

/// One member of a cluster: the local replica of the keyspace, as everything above the store sees it.
///
/// A write goes through the inbox to the replica's thread, is proposed (a follower forwards it to the leader), and is
/// answered once this member has applied it. A plain read takes a short lock on the applied state. A quorum read waits
/// until this member has applied everything acknowledged before it was asked. Nothing is acknowledged before it is
/// durable on a majority.
///
/// Concurrency: all calls may be made from any thread and return at once, but for ``stop()``. Answers come on the
/// replica's thread, or at once on the caller's.
public final class EtcdMember: KeysAPI, Sendable {
  /// What the member was set up with.
  public let configuration: EtcdMemberConfiguration

  let host: ReplicaHost
  let keyspace: Keyspace
  let statistics = ReplicationStatistics()
  let passwords: PasswordDesk
  let databaseBytes: @Sendable () -> UInt64
  let startTime: Timestamp
  let logger: Logger
  /// Nil once the thread has ended, so that the log is closed.
  let loop: ThreadConfined<ReplicaLoop?>
  private let lifecycle = Mutex(Lifecycle.made)

  private enum Lifecycle {
    /// Not started.
    case made
    /// The thread runs; who waits for its end.
    case running([CheckedContinuation<Void, Never>])
    /// The thread has ended.
    case stopped
  }

  /// Opens the log and restores the state from the latest snapshot; nothing runs until ``start()``.
  ///
  /// - Parameters:
  ///   - configuration: The member and its cluster.
  ///   - log: The log; the member is its only user from now on.
  ///   - outbox: The way to the other members.
  ///   - events: What the member tells its surroundings.
  ///   - databaseBytes: The size of the log's file, for the status.
  ///   - logger: Where the member logs.
  /// - Throws: ``EtcdServerError`` for a configuration that makes no sense, or what the log or the snapshot throw.
  public convenience init(
    configuration: EtcdMemberConfiguration,
    log: any LogStore,
    outbox: any PeerOutbox,
    events: EtcdMemberEvents = EtcdMemberEvents(),
    databaseBytes: @escaping @Sendable () -> UInt64 = { 0 },
    logger: Logger
  ) throws {
    try self.init(
      configuration: configuration,
      log: log,
      outbox: outbox,
      events: events,
      databaseBytes: databaseBytes,
      logger: logger,
      surroundings: SteppedMember.Surroundings(
        settings: configuration.raftSettings,
        seed: UInt64.random(in: .min ... .max),
        clocks: .system
      )
    )
  }

  /// Opens a member in the surroundings of a machine or of a simulation.
  init(
    configuration: EtcdMemberConfiguration,
    log: any LogStore,
    outbox: any PeerOutbox,
    events: EtcdMemberEvents,
    databaseBytes: @escaping @Sendable () -> UInt64,
    logger: Logger,
    surroundings: SteppedMember.Surroundings
  ) throws {
    try configuration.validate()
    self.configuration = configuration
    self.databaseBytes = databaseBytes
    passwords = PasswordDesk(logger: logger)
    self.logger = logger
    startTime = surroundings.clocks.wall()
    let counters = MemberCounters()
    keyspace = Keyspace(
      historyCapacity: configuration.historyCapacity,
      clocks: surroundings.clocks,
      brokenRule: surroundings.brokenRule
    )
    let replica = try ReplicaLoop.Replica(
      member: configuration.memberID,
      bootstrap: configuration.bootstrap,
      seed: surroundings.seed,
      settings: surroundings.settings,
      log: ErasedLogStore(base: log, appends: counters.appends),
      outbox: CountingOutbox(base: outbox, statistics: statistics),
      machine: KeyspaceMachine(member: configuration.memberID, keyspace: keyspace, snapshots: counters.snapshots)
    )
    host = ReplicaHost(status: replica.status, clocks: surroundings.clocks, counters: counters)
    loop = ThreadConfined(
      ReplicaLoop(
        host: host,
        keyspace: keyspace,
        statistics: statistics,
        configuration: configuration,
        events: events,
        logger: logger,
        replica: replica
      )
    )
  }

  /// Starts the replica's thread; requests made before wait for it.
  ///
  /// - Throws: ``EtcdServerError`` when the system refuses a thread.
  public func start() throws {
    let isFirst = lifecycle.withLock { lifecycle in
      guard case .made = lifecycle else { return false }
      lifecycle = .running([])
      return true
    }
    precondition(isFirst, "a member is started once")
    do throws(DedicatedThread.Refused) {
      try DedicatedThread.start(name: "etcd-watchdog") { [self] in mindReplica() }
      try DedicatedThread.start(name: "etcd-replica") { [self] in
        loop.value?.run()
        loop.value = nil
        ended()
      }
    } catch {
      throw EtcdServerError(.system, "\(error)")
    }
  }

  /// Takes messages that peers sent.
  public func receive(_ messages: [Message]) {
    host.receive(messages)
  }

  /// Takes the news that a peer's stream to this member broke, so that a leader's end is noticed at once.
  public func lostStream(from peer: MemberID) {
    host.lostStream(from: peer)
  }

  /// Hands leadership over, answers everything that waits with an error, ends all watches, and waits for the thread.
  public func stop() async {
    host.stop()
    await withCheckedContinuation { continuation in
      let isWaiting = lifecycle.withLock { lifecycle in
        switch lifecycle {
        case .made:
          // There is no thread, so the loop may be touched here.
          loop.value?.finish()
          loop.value = nil
          lifecycle = .stopped
          return false
        case .running(let waiting):
          lifecycle = .running(waiting + [continuation])
          return true
        case .stopped: return false
        }
      }
      if !isWaiting { continuation.resume() }
    }
  }

  private var isRunning: Bool {
    lifecycle.withLock { if case .running = $0 { true } else { false } }
  }

  /// Minds the replica's thread: while the disk holds it up, clients are still told that their time is over.
  private func mindReplica() {
    let pause = WakeUp()
    while isRunning {
      pause.wait(nanoseconds: 100_000_000)
      let now = Clocks.monotonicNanoseconds()
      if host.storage.isStalled(at: now, forNanoseconds: 500_000_000) {
        host.answerExpired(at: now, ServerErrors.timedOut)
      }
    }
  }

  private func ended() {
    let waiting = lifecycle.withLock { lifecycle in
      defer { lifecycle = .stopped }
      if case .running(let waiting) = lifecycle { return waiting }
      return []
    }
    for continuation in waiting { continuation.resume() }
  }

  // MARK: KeysAPI

  /// Carries out one request.
  public func perform(_ request: KeysRequest, answer: @escaping @Sendable (Result<KeysReply, EtcdError>) -> Void) {
    perform(request, via: nil, answer: answer)
  }

  /// Carries out one request whose answer is wanted elsewhere than on the replica's thread.
  public func perform(
    _ request: KeysRequest,
    carrier: any AnswerCarrier,
    answer: @escaping @Sendable (Result<KeysReply, EtcdError>) -> Void
  ) {
    perform(request, via: carrier, answer: answer)
  }

  private func perform(
    _ request: KeysRequest,
    via carrier: (any AnswerCarrier)?,
    answer: @escaping @Sendable (Result<KeysReply, EtcdError>) -> Void
  ) {
    switch request {
    case .read(let key, let read):
      guard read.quorum else { return answer(keyspace.read(key, read)) }
      let look: @Sendable (EtcdError?) -> Void = { [keyspace] error in
        answer(error.map { .failure($0) } ?? keyspace.read(key, read))
      }
      submit(host.nextRequestID(), .read, .read(look, carrier: carrier))
    case .write(let key, let write, let patience):
      if let failure = host.storage.refusal { return answer(.failure(EtcdError(.raftInternal, cause: failure))) }
      if patience > .zero, let refresh = KeyRefresh(key, write) {
        return gather(refresh, patience, via: carrier, answer: answer)
      }
      let id = host.nextRequestID()
      let command = ReplicatedCommand.Content.keys(.write(key: key, write))
      let bytes = ReplicatedCommand.encode(command, proposer: configuration.memberID, request: id)
      submit(id, .proposal(.command(bytes)), .write(answer, carrier: carrier))
    }
  }

  /// How long a refresh is kept back that asks for some patience.
  ///
  /// A quarter of the life it gives: most of a life is its owner's, who may lose a refresh and has to try again.
  static func patience(_ asked: Duration, ttlSeconds: UInt64) -> Duration {
    let quarter = Duration.milliseconds(Int64(min(ttlSeconds, 3_600)) * 250)
    return min(asked, KeysPatience.longest, quarter)
  }

  private func gather(
    _ refresh: KeyRefresh,
    _ patience: Duration,
    via carrier: (any AnswerCarrier)?,
    answer: @escaping @Sendable (Result<KeysReply, EtcdError>) -> Void
  ) {
    let due =
      host.clocks.monotonicNanoseconds() + Self.patience(patience, ttlSeconds: refresh.ttlSeconds).wholeNanoseconds
    let deadline = due + configuration.requestTimeoutNanoseconds
    let waiter = RefreshAnswer(answer: answer, carrier: carrier, deadlineNanoseconds: deadline)
    host.gather(PatientRefresh(refresh, dueNanoseconds: due, waiter: waiter))
  }

  /// Watches a key until cancelled or ended.
  public func watch(
    _ watch: KeysWatch,
    deliver: @escaping @Sendable (KeysWatchUpdate) -> Void
  ) -> KeysWatchCancellation {
    keyspace.watch(watch, WatchDelivery(deliver: deliver))
  }

  /// Watches a key; updates are wanted elsewhere than on the replica's thread.
  public func watch(
    _ watch: KeysWatch,
    carrier: any AnswerCarrier,
    deliver: @escaping @Sendable (KeysWatchUpdate) -> Void
  ) -> KeysWatchCancellation {
    keyspace.watch(watch, WatchDelivery(carrier: carrier, deliver: deliver))
  }

  // MARK: The way to the thread

  /// Calls back once the applied state has everything acknowledged before now.
  func submitRead(timeoutNanoseconds: Int64, _ answer: @escaping @Sendable (EtcdError?) -> Void) {
    submit(host.nextRequestID(), .read, .read(answer), timeoutNanoseconds: timeoutNanoseconds)
  }

  func submit(
    _ id: RequestID,
    _ content: ReplicaRequest.Content,
    _ answer: RequestAnswer,
    timeoutNanoseconds: Int64? = nil
  ) {
    let timeout = timeoutNanoseconds ?? configuration.requestTimeoutNanoseconds
    let deadline = host.clocks.monotonicNanoseconds() + timeout
    host.submit(ReplicaRequest(id: id, content: content, answer: answer, deadlineNanoseconds: deadline))
  }
}

extension KeyRefresh {
  /// A write that is a refresh; nil for others, and for keys that could not be read back from the log.
  fileprivate init?(_ key: String, _ write: KeysWrite) {
    let key = NodeKey.cleaned(key)
    guard let seconds = write.refreshedSeconds, NodeKey.isWithinLimits(key) else { return nil }
    self.init(key: key, ttlSeconds: seconds)
  }
}

extension Duration {
  fileprivate var wholeNanoseconds: Int64 {
    let (seconds, attoseconds) = components
    return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
  }
}

/// A value that one thread owns after it was made by another.
///
/// `@unchecked Sendable`: the maker touches `value` only before the thread starts, the thread only after.
final class ThreadConfined<Value>: @unchecked Sendable {
  var value: Value

  init(_ value: Value) {
    self.value = value
  }
}
