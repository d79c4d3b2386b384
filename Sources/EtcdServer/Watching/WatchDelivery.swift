// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import Synchronization

/// The updates of one watch on their way to its consumer, in order.
///
/// Updates are added under the lock of the keyspace, so that their order is right, and delivered outside of it, by
/// whoever comes first; others leave theirs behind for that one to take along.
final class WatchDelivery: Sendable {
  /// The most events that wait for a consumer that is still busy with an earlier one.
  static let maximumWaiting = 100
  /// The most events that wait for a carrier: one turn of the replica may bring many before the other thread looks.
  static let maximumCarried = 4_096

  /// Where updates are delivered; nil for whatever thread comes first.
  let carrier: (any AnswerCarrier)?
  private let deliver: @Sendable (KeysWatchUpdate) -> Void
  private let state = Mutex(State())

  private struct State {
    var waiting: [KeysWatchUpdate] = []
    var isDelivering = false
    /// Nothing more is added: the watch has ended or was cancelled.
    var hasEnded = false
    var isCancelled = false
  }

  init(carrier: (any AnswerCarrier)? = nil, deliver: @escaping @Sendable (KeysWatchUpdate) -> Void) {
    self.carrier = carrier
    self.deliver = deliver
  }

  /// Adds the beginning of a watch; it may hold as many events as the history.
  func begin(_ updates: [KeysWatchUpdate]) {
    state.withLock { $0.waiting += updates }
  }

  /// Adds an event.
  ///
  /// - Returns: False when the consumer was too slow: the watch is over and the caller forgets it.
  func add(_ event: Event, isLast: Bool) -> Bool {
    state.withLock { state in
      if state.hasEnded { return false }
      let isSlow =
        carrier == nil
        ? state.isDelivering && state.waiting.count >= Self.maximumWaiting
        : state.waiting.count >= Self.maximumCarried
      if isSlow {
        state.waiting.append(.closed)
        state.hasEnded = true
        return false
      }
      state.waiting.append(.event(event))
      if isLast {
        state.waiting.append(.closed)
        state.hasEnded = true
      }
      return true
    }
  }

  /// Ends the watch after what waits already.
  func close() {
    state.withLock { state in
      if state.hasEnded { return }
      state.waiting.append(.closed)
      state.hasEnded = true
    }
  }

  /// Ends the watch at once, without a word.
  func cancel() {
    state.withLock { state in
      state.waiting = []
      state.hasEnded = true
      state.isCancelled = true
    }
  }

  /// Delivers what waits, unless someone else is at it.
  func flush() {
    var isContinuing = false
    while true {
      let updates = state.withLock { state -> [KeysWatchUpdate] in
        if state.isDelivering && !isContinuing { return [] }
        let taken = state.waiting
        state.waiting = []
        state.isDelivering = !taken.isEmpty
        return taken
      }
      if updates.isEmpty { return }
      isContinuing = true
      for update in updates where !state.withLock({ $0.isCancelled }) { deliver(update) }
    }
  }
}
