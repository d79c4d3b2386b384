// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Carries one result from a callback to one waiting task, whichever comes first.
final class SingleResult<Value: Sendable>: Sendable {
  private enum Progress {
    case empty
    case waiting(CheckedContinuation<Value?, Never>)
    case fulfilled(Value)
    case finished
  }

  private let progress = Mutex(Progress.empty)

  /// Gives the result; only the first counts.
  func fulfil(_ value: Value) {
    let waiter: CheckedContinuation<Value?, Never>? = progress.withLock { progress in
      switch progress {
      case .empty:
        progress = .fulfilled(value)
        return nil
      case .waiting(let continuation):
        progress = .finished
        return continuation
      case .fulfilled, .finished:
        return nil
      }
    }
    waiter?.resume(returning: value)
  }

  /// Waits for the result; nil when the waiting task is cancelled first.
  ///
  /// Called once.
  func value() async -> Value? {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let ready: Value?? = progress.withLock { progress in
          switch progress {
          case .empty:
            progress = .waiting(continuation)
            return .none
          case .fulfilled(let value):
            progress = .finished
            return .some(value)
          case .waiting, .finished:
            return .some(nil)
          }
        }
        if let ready { continuation.resume(returning: ready) }
      }
    } onCancel: {
      let waiter: CheckedContinuation<Value?, Never>? = progress.withLock { progress in
        defer { progress = .finished }
        if case .waiting(let continuation) = progress { return continuation }
        return nil
      }
      waiter?.resume(returning: nil)
    }
  }
}
