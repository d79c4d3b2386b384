// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import Meters
import Raft
import Synchronization

/// The way to the replica's thread: an inbox that is swapped out as a whole, and what the thread publishes.
///
/// Concurrency: everything here may be called from any thread and returns at once.
final class ReplicaHost: Sendable {
  private let inbox = Mutex(Inbox())
  private let wakeUp = WakeUp()
  /// What time it is, for everything that depends on it here.
  let clocks: MemberClocks
  private let requestCounter: Atomic<UInt64>
  private let published: Mutex<PublishedStatus>
  /// Requests that the thread has taken.
  let waiting = WaitingRequests()
  /// What keeps this member from writing.
  let storage: StorageConcern
  /// What the member counts.
  let counters: MemberCounters

  /// What the thread publishes after each turn.
  struct PublishedStatus {
    var replica: ReplicaStatus
    /// When the leader became known, by the wall clock and by the monotonic one.
    var leaderSince: (wall: Timestamp, monotonic: Int64)
  }

  init(status: ReplicaStatus, clocks: MemberClocks, counters: MemberCounters) {
    self.clocks = clocks
    storage = StorageConcern(clocks: clocks)
    self.counters = counters
    let now = (clocks.wall(), clocks.monotonicNanoseconds())
    requestCounter = Atomic(UInt64(bitPattern: now.0.nanosecondsSinceEpoch))
    published = Mutex(PublishedStatus(replica: status, leaderSince: now))
  }

  /// A new number for a proposal or a read.
  func nextRequestID() -> RequestID {
    RequestID(requestCounter.wrappingAdd(1, ordering: .relaxed).newValue)
  }

  /// Hands a request to the thread, or answers at once that there is no room or no thread.
  func submit(_ request: ReplicaRequest) {
    switch inbox.withLock({ $0.add(request) }) {
    case .wakeNeeded: wakeUp.ring()
    case .added: break
    case .full:
      counters.refusedRequests.add()
      request.answer.fail(ServerErrors.tooManyRequests)
    case .stopped: request.answer.fail(ServerErrors.stopped)
    }
  }

  /// Keeps a refresh back until the thread takes it with others, or answers at once as ``submit(_:)`` does.
  func gather(_ refresh: PatientRefresh<RefreshAnswer>) {
    switch inbox.withLock({ $0.add(refresh) }) {
    case .wakeNeeded: wakeUp.ring()
    case .added: break
    case .full:
      counters.refusedRequests.add()
      refresh.waiter.fail(ServerErrors.tooManyRequests)
    case .stopped: refresh.waiter.fail(ServerErrors.stopped)
    }
  }

  /// When refreshes that are kept back are to be taken, on the monotonic clock; nil when there are none.
  var refreshesDueNanoseconds: Int64? { inbox.withLock { $0.refreshesDueNanoseconds } }

  /// Hands messages to the thread, or drops them when there is no room.
  func receive(_ messages: [Message]) {
    if inbox.withLock({ $0.add(messages) }) == .wakeNeeded { wakeUp.ring() }
  }

  /// Tells the thread that a member's stream to this one broke.
  func lostStream(from peer: MemberID) {
    if inbox.withLock({ $0.addLostStream(from: peer) }) == .wakeNeeded { wakeUp.ring() }
  }

  /// Asks the thread to end.
  func stop() {
    if inbox.withLock({ $0.stop() }) == .wakeNeeded { wakeUp.ring() }
  }

  /// Where the replica stood after its last turn.
  var status: PublishedStatus { published.withLock { $0 } }

  /// How much waits for the thread, and how many requests are not answered yet.
  var load: Inbox.Load { inbox.withLock { $0.load } }

  // MARK: For the thread

  /// Takes what waits; when that is nothing and `mayBeEmpty` is false, nil, and the thread is to ``sleep(nanoseconds:)``.
  func take(mayBeEmpty: Bool) -> Inbox.Batch? {
    let answered = waiting.takeAnswered()
    let now = clocks.monotonicNanoseconds()
    return inbox.withLock { $0.take(answered: answered, mayBeEmpty: mayBeEmpty, at: now) }
  }

  /// Answers the requests whose time is over, instead of the thread.
  func answerExpired(at nanoseconds: Int64, _ cause: String) {
    let expired = inbox.withLock { $0.takeExpired(at: nanoseconds) } + waiting.removeExpired(at: nanoseconds)
    for answer in expired { answer.fail(cause) }
  }

  /// Sleeps until something comes, at most this long.
  func sleep(nanoseconds: Int64) {
    wakeUp.wait(nanoseconds: nanoseconds)
  }

  /// Takes the last requests; nothing is accepted from now on.
  func finish() -> Inbox.Batch {
    inbox.withLock { $0.finish() }
  }

  /// Publishes where the replica stands.
  func publish(_ status: ReplicaStatus) {
    published.withLock { published in
      if published.replica.leader != status.leader {
        published.leaderSince = (clocks.wall(), clocks.monotonicNanoseconds())
        if status.leader != nil { counters.leaderChanges.add() }
      }
      published.replica = status
    }
  }
}
