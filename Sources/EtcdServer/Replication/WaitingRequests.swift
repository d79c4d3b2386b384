// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import Raft
import Synchronization

/// Requests that were taken from the inbox and are not answered yet.
///
/// Concurrency: the replica's thread works with it and never holds it while it writes to the disk, so that the watchdog
/// can tell clients that their time is over while that thread is held up. Each request is answered by whoever takes it
/// out.
final class WaitingRequests: Sendable {
  private struct Waiting {
    var request: ReplicaRequest
    /// The term in which Raft got it; nil while it is held back because no leader is known.
    var term: Term?
  }

  private struct State {
    var waiting: [RequestID: Waiting] = [:]
    var held: [RequestID] = []
    /// Changes of the membership that Raft got, and when: it loses those it refuses at another member, in silence.
    var changes: [(id: RequestID, handedOverNanoseconds: Int64)] = []
    /// How many were answered since the count was taken last, and their bytes.
    var answered = Inbox.Room()
  }

  private let state = Mutex(State())

  /// Whether something is held back.
  var isHolding: Bool { state.withLock { !$0.held.isEmpty } }

  /// Takes a request in, to be held until a leader is known.
  func hold(_ request: ReplicaRequest) {
    state.withLock { state in
      state.waiting[request.id] = Waiting(request: request, term: nil)
      state.held.append(request.id)
    }
  }

  /// Holds a request back that Raft did not take.
  func holdAgain(_ id: RequestID) {
    state.withLock { state in
      guard state.waiting[id] != nil else { return }
      state.waiting[id]?.term = nil
      state.held.append(id)
    }
  }

  /// Hands everything held back over to Raft.
  func handOver(in term: Term, at nanoseconds: Int64, to input: inout ReplicaInput) {
    state.withLock { state in
      for id in state.held {
        guard let request = state.waiting[id]?.request else { continue }
        state.waiting[id]?.term = term
        if request.content.isChange { state.changes.append((id, nanoseconds)) }
        switch request.content {
        case .proposal(let content): input.proposals.append(Proposal(id: id.rawValue, content))
        case .read: input.reads.append(ReadRequest(id: id.rawValue))
        }
      }
      state.held.removeAll(keepingCapacity: true)
    }
  }

  /// Takes a request out to be answered.
  func remove(_ id: RequestID) -> RequestAnswer? {
    state.withLock { Self.remove(id, from: &$0) }
  }

  /// Holds changes of the membership back again that have had no effect for a while.
  ///
  /// Carried out twice they change nothing, so that one may be proposed again that got lost or was too early.
  func holdStaleChanges(since nanoseconds: Int64) {
    state.withLock { state in
      guard !state.changes.isEmpty else { return }
      let stale = state.changes.filter { $0.handedOverNanoseconds <= nanoseconds }
      state.changes.removeAll { $0.handedOverNanoseconds <= nanoseconds }
      for (id, _) in stale where state.waiting[id]?.term != nil {
        state.waiting[id]?.term = nil
        state.held.append(id)
      }
    }
  }

  /// Takes out what has waited too long.
  func removeExpired(at nanoseconds: Int64) -> [RequestAnswer] {
    remove { $0.request.deadlineNanoseconds <= nanoseconds }
  }

  /// Takes out the proposals that a leader of an earlier term may have lost.
  func removeHandedOver(before term: Term) -> [RequestAnswer] {
    remove { waiting in
      guard case .proposal = waiting.request.content, let handedOver = waiting.term else { return false }
      return handedOver < term && !waiting.request.content.isChange
    }
  }

  /// Takes out every proposal.
  func removeProposals() -> [RequestAnswer] {
    remove { if case .proposal = $0.request.content { true } else { false } }
  }

  /// Takes everything out.
  func removeAll() -> [RequestAnswer] {
    remove { _ in true }
  }

  /// What was answered since the last call.
  func takeAnswered() -> Inbox.Room {
    state.withLock { state in
      defer { state.answered = Inbox.Room() }
      return state.answered
    }
  }

  private func remove(where isDue: (Waiting) -> Bool) -> [RequestAnswer] {
    state.withLock { state in
      let due = state.waiting.filter { isDue($0.value) }.keys.sorted { $0.rawValue < $1.rawValue }
      return due.compactMap { Self.remove($0, from: &state) }
    }
  }

  private static func remove(_ id: RequestID, from state: inout State) -> RequestAnswer? {
    guard let found = state.waiting.removeValue(forKey: id) else { return nil }
    // Requests of the thread itself do not count: the inbox never had them.
    if case .none = found.request.answer { return RequestAnswer.none }
    let room = found.request.room
    state.answered.requests += room.requests
    state.answered.bytes += room.bytes
    return found.request.answer
  }
}

extension RequestAnswer {
  /// Answers that it did not work out.
  func fail(_ cause: String) {
    switch self {
    case .write(let answer, _): answer(.failure(EtcdError(.raftInternal, cause: cause)))
    case .refreshes(let answers, _): for answer in answers { answer.fail(cause) }
    case .read(let answer, _): answer(EtcdError(.raftInternal, cause: cause))
    case .change(let answer): answer(.failed(reason: cause))
    case .auth(let answer): answer(.failure(.failed(reason: cause)))
    case .none: break
    }
  }
}

extension ReplicaRequest.Content {
  /// Whether it is a change of the membership that carried out twice is the same as once; of two updates the later one
  /// might be undone.
  fileprivate var isChange: Bool {
    guard case .proposal(.configurationChange(let change)) = self else { return false }
    return change.action == .addLearner || change.action == .remove
  }
}
