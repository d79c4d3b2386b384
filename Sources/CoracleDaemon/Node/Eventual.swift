// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// A value that is there later, such as the store of a node that is still finding its cluster.
///
/// Concurrency: any number of tasks may wait; a cancelled one stops waiting.
final class Eventual<Value: Sendable>: Sendable {
  private struct State {
    var value: Value?
    var waiting: [UInt64: CheckedContinuation<Value, any Error>] = [:]
    var nextWaiter: UInt64 = 0
  }

  private let state = Mutex(State())

  /// Gives the value to everyone who waits and will wait; only the first one counts.
  func fulfil(_ value: Value) {
    let waiting = state.withLock { state in
      guard state.value == nil else { return [CheckedContinuation<Value, any Error>]() }
      state.value = value
      defer { state.waiting = [:] }
      return Array(state.waiting.values)
    }
    for continuation in waiting { continuation.resume(returning: value) }
  }

  /// The value, if it is there already.
  var current: Value? { state.withLock { $0.value } }

  /// Waits for the value.
  ///
  /// - Throws: `CancellationError` when the task is cancelled first.
  func wait() async throws -> Value {
    let waiter = state.withLock { state in
      state.nextWaiter += 1
      return state.nextWaiter
    }
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let value = state.withLock { state -> Value? in
          if state.value == nil { state.waiting[waiter] = continuation }
          return state.value
        }
        if let value {
          continuation.resume(returning: value)
        } else if Task.isCancelled {
          // Cancelled before the continuation was kept: the handler has found nothing.
          cancel(waiter)
        }
      }
    } onCancel: {
      cancel(waiter)
    }
  }

  private func cancel(_ waiter: UInt64) {
    state.withLock { $0.waiting.removeValue(forKey: waiter) }?.resume(throwing: CancellationError())
  }
}
