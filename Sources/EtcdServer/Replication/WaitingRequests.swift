// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import Raft

/// Requests that were taken from the inbox and are not answered yet; lives on the replica's thread.
struct WaitingRequests {
  private struct Waiting {
    var request: ReplicaRequest
    /// The term in which Raft got it; nil while it is held back because no leader is known.
    var term: Term?
  }

  private var waiting: [RequestID: Waiting] = [:]
  private var held: [RequestID] = []
  /// How many were answered since the count was taken last.
  private var answeredCount = 0

  /// Whether something is held back.
  var isHolding: Bool { !held.isEmpty }

  /// Takes a request in, to be held until a leader is known.
  mutating func hold(_ request: ReplicaRequest) {
    waiting[request.id] = Waiting(request: request, term: nil)
    held.append(request.id)
  }

  /// Holds a request back that Raft did not take.
  mutating func holdAgain(_ id: RequestID) {
    guard waiting[id] != nil else { return }
    waiting[id]?.term = nil
    held.append(id)
  }

  /// Hands everything held back over to Raft.
  mutating func handOver(in term: Term, to input: inout ReplicaInput) {
    for id in held {
      guard let request = waiting[id]?.request else { continue }
      waiting[id]?.term = term
      switch request.content {
      case .proposal(let content): input.proposals.append(Proposal(id: id.rawValue, content))
      case .read: input.reads.append(ReadRequest(id: id.rawValue))
      }
    }
    held.removeAll(keepingCapacity: true)
  }

  /// Takes a request out to be answered.
  mutating func remove(_ id: RequestID) -> RequestAnswer? {
    guard let found = waiting.removeValue(forKey: id) else { return nil }
    // Requests of the thread itself do not count: the inbox never had them.
    if case .none = found.request.answer { return RequestAnswer.none }
    answeredCount += 1
    return found.request.answer
  }

  /// Takes out what has waited too long.
  mutating func removeExpired(at nanoseconds: Int64) -> [RequestAnswer] {
    remove { $0.request.deadlineNanoseconds <= nanoseconds }
  }

  /// Takes out the proposals that a leader of an earlier term may have lost.
  mutating func removeHandedOver(before term: Term) -> [RequestAnswer] {
    remove { waiting in
      guard case .proposal = waiting.request.content, let handedOver = waiting.term else { return false }
      return handedOver < term
    }
  }

  /// Takes everything out.
  mutating func removeAll() -> [RequestAnswer] {
    remove { _ in true }
  }

  /// The number of requests answered since the last call.
  mutating func takeAnsweredCount() -> Int {
    defer { answeredCount = 0 }
    return answeredCount
  }

  private mutating func remove(where isDue: (Waiting) -> Bool) -> [RequestAnswer] {
    let due = waiting.filter { isDue($0.value) }.keys.sorted { $0.rawValue < $1.rawValue }
    return due.compactMap { remove($0) }
  }
}

extension RequestAnswer {
  /// Answers that it did not work out.
  func fail(_ cause: String) {
    switch self {
    case .write(let answer, _): answer(.failure(EtcdError(.raftInternal, cause: cause)))
    case .read(let answer, _): answer(EtcdError(.raftInternal, cause: cause))
    case .change(let answer): answer(.failed(reason: cause))
    case .none: break
    }
  }
}
