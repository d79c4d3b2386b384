// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import Raft

/// How the waiting client of a request is answered; called once, on the replica's thread.
enum RequestAnswer: Sendable {
  /// A write of the keyspace.
  case write(@Sendable (Result<KeysReply, EtcdError>) -> Void, carrier: (any AnswerCarrier)? = nil)
  /// Refreshes that are one command, answered one by one; and the room they took in the inbox.
  case refreshes([RefreshAnswer], room: Inbox.Room)
  /// A read may look now, or why not.
  case read(@Sendable (EtcdError?) -> Void, carrier: (any AnswerCarrier)? = nil)
  /// A change of the membership.
  case change(@Sendable (ClusterChangeError?) -> Void)
  /// A change of users or roles.
  case auth(@Sendable (Result<AuthOutcome, AuthFailure>) -> Void)
  /// Nobody waits.
  case none
}

/// How whoever waits for a refresh is answered.
struct RefreshAnswer: Sendable {
  var answer: @Sendable (Result<KeysReply, EtcdError>) -> Void
  var carrier: (any AnswerCarrier)?
  /// When the client is told that its time is over, on the monotonic clock.
  var deadlineNanoseconds: Int64

  /// Answers that it did not work out.
  func fail(_ cause: String) {
    answer(.failure(EtcdError(.raftInternal, cause: cause)))
  }
}

extension PatientRefresh<RefreshAnswer> {
  /// About as many bytes it takes.
  var sizeBytes: Int { 256 + refresh.key.utf8.count }
}

/// Something a client wants of the replica.
struct ReplicaRequest: Sendable {
  /// What Raft is asked for.
  enum Content: Sendable {
    case proposal(Proposal.Content)
    case read
  }

  var id: RequestID
  var content: Content
  var answer: RequestAnswer
  /// When the client is told that its time is over, on the monotonic clock.
  var deadlineNanoseconds: Int64

  /// The room that it took in the inbox.
  var room: Inbox.Room {
    if case .refreshes(_, let room) = answer { room } else { Inbox.Room(requests: 1, bytes: sizeBytes) }
  }

  /// About as many bytes it takes.
  var sizeBytes: Int {
    switch content {
    case .proposal(.command(let bytes)): 256 + bytes.count
    case .proposal(.configurationChange(let change)): 256 + change.context.count
    case .read: 256
    }
  }
}

/// What waits for the replica's thread; swapped out as a whole.
///
/// Invariant: at most ``maximumRequests`` requests of ``maximumRequestBytes`` are here or not answered yet, and at most
/// ``maximumMessages`` messages of ``maximumMessageBytes`` are here; what does not fit is refused (requests) or dropped
/// (messages, which Raft sends again). A lone request or message always fits.
struct Inbox {
  static let maximumRequests = 16_384
  static let maximumRequestBytes = 128 << 20
  static let maximumMessages = 16_384
  static let maximumMessageBytes = 128 << 20

  /// How much room some requests take.
  struct Room: Equatable {
    var requests = 0
    var bytes = 0
  }

  /// What the thread takes in one go.
  struct Batch {
    var requests: [ReplicaRequest] = []
    var messages: [Message] = []
    var lostStreams: [MemberID] = []
    /// Refreshes that have been kept back long enough, each batch to be one command.
    var refreshes: [[PatientRefresh<RefreshAnswer>]] = []
    var isStopping = false
  }

  /// What the thread has to be told.
  enum Added: Equatable {
    /// It sleeps and must be woken.
    case wakeNeeded
    /// It will come by.
    case added
    /// There is no room.
    case full
    /// It takes nothing more.
    case stopped
  }

  /// How full it is.
  struct Load {
    /// Requests and messages that wait here.
    var waiting: Int
    /// Requests that are here or not answered yet.
    var outstanding: Int
  }

  private var batch = Batch()
  private var gathered = GatheredRefreshes<RefreshAnswer>()
  private var outstanding = Room()
  private var messageBytes = 0
  private var isSleeping = false
  private var hasDeliveredStop = false
  private var hasStopped = false

  var load: Load { Load(waiting: batch.requests.count + batch.messages.count, outstanding: outstanding.requests) }

  mutating func add(_ request: ReplicaRequest) -> Added {
    if hasStopped || batch.isStopping { return .stopped }
    guard takesRoom(for: request.sizeBytes) else { return .full }
    batch.requests.append(request)
    return woken()
  }

  /// Keeps a refresh back; the thread is woken only when that changes for how long it may sleep.
  mutating func add(_ refresh: PatientRefresh<RefreshAnswer>) -> Added {
    if hasStopped || batch.isStopping { return .stopped }
    guard takesRoom(for: refresh.sizeBytes) else { return .full }
    return gathered.add(refresh) ? woken() : .added
  }

  private mutating func takesRoom(for bytes: Int) -> Bool {
    guard outstanding.requests < Self.maximumRequests,
      outstanding.requests == 0 || outstanding.bytes + bytes <= Self.maximumRequestBytes
    else { return false }
    outstanding.requests += 1
    outstanding.bytes += bytes
    return true
  }

  /// When refreshes that are kept back are to be taken, on the monotonic clock; nil when there are none.
  var refreshesDueNanoseconds: Int64? { gathered.dueNanoseconds }

  mutating func add(_ messages: [Message]) -> Added {
    if hasStopped { return .stopped }
    let bytes = messages.reduce(0) { $0 + $1.approximateBytes }
    guard batch.messages.count + messages.count <= Self.maximumMessages,
      batch.messages.isEmpty || messageBytes + bytes <= Self.maximumMessageBytes
    else { return .full }
    batch.messages += messages
    messageBytes += bytes
    return woken()
  }

  /// Adds the news that a member's stream broke; told at most once a turn, so that there is room.
  mutating func addLostStream(from peer: MemberID) -> Added {
    if hasStopped { return .stopped }
    if !batch.lostStreams.contains(peer) { batch.lostStreams.append(peer) }
    return woken()
  }

  /// Asks the thread to end.
  mutating func stop() -> Added {
    batch.isStopping = true
    return woken()
  }

  /// Takes what waits.
  ///
  /// - Parameters:
  ///   - answered: What has been answered, which makes room for others.
  ///   - mayBeEmpty: Whether the thread has work anyway. If not and nothing waits, it is put down as sleeping.
  ///   - nanoseconds: The monotonic clock.
  /// - Returns: What waited; nil when the thread is to sleep.
  mutating func take(answered: Room, mayBeEmpty: Bool, at nanoseconds: Int64) -> Batch? {
    outstanding.requests -= answered.requests
    outstanding.bytes -= answered.bytes
    batch.refreshes = batch.isStopping ? gathered.takeAll() : gathered.takeDue(at: nanoseconds)
    let isStopNews = batch.isStopping && !hasDeliveredStop
    let hasRequests = !batch.requests.isEmpty || !batch.refreshes.isEmpty
    if !hasRequests, batch.messages.isEmpty, batch.lostStreams.isEmpty, !isStopNews, !mayBeEmpty {
      isSleeping = true
      return nil
    }
    isSleeping = false
    hasDeliveredStop = batch.isStopping
    let taken = batch
    batch.requests = []
    batch.refreshes = []
    batch.messages = []
    batch.lostStreams = []
    messageBytes = 0
    return taken
  }

  /// Takes out the requests whose time is over, for a thread that does not come by.
  mutating func takeExpired(at nanoseconds: Int64) -> [RequestAnswer] {
    let due = batch.requests.filter { $0.deadlineNanoseconds <= nanoseconds }
    let refreshes = gathered.remove { $0.waiter.deadlineNanoseconds <= nanoseconds }
    guard !due.isEmpty || !refreshes.isEmpty else { return [] }
    batch.requests.removeAll { $0.deadlineNanoseconds <= nanoseconds }
    outstanding.requests -= due.count + refreshes.count
    outstanding.bytes -= due.reduce(0) { $0 + $1.sizeBytes } + refreshes.reduce(0) { $0 + $1.sizeBytes }
    return due.map(\.answer) + [.refreshes(refreshes.map(\.waiter), room: Room())]
  }

  /// Takes the rest; nothing is accepted from now on.
  mutating func finish() -> Batch {
    hasStopped = true
    batch.refreshes = gathered.takeAll()
    defer { batch = Batch(isStopping: true) }
    return batch
  }

  private mutating func woken() -> Added {
    if !isSleeping { return .added }
    isSleeping = false
    return .wakeNeeded
  }
}
