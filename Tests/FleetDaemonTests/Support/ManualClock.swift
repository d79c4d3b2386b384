// SPDX-License-Identifier: Apache-2.0
import FleetDaemon
import Synchronization

/// A clock that stands still until it is turned.
final class ManualClock: FleetClock {
  private struct Contents {
    var now: Duration = .zero
    var nextID = 0
    var sleepers: [Int: (deadline: Duration, continuation: CheckedContinuation<Void, any Error>)] = [:]
  }

  private let contents = Mutex(Contents())

  func now() -> Duration { contents.withLock { $0.now } }

  /// Grows with every sleep begun or ended: when it stands still, nobody is doing anything with time.
  var sleepCount: Int { contents.withLock { $0.nextID * 100_000 + $0.sleepers.count } }

  func sleep(for duration: Duration) async throws {
    let id = contents.withLock { contents in
      contents.nextID += 1
      return contents.nextID
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        // Asked under the lock: a cancellation that comes later finds the sleeper.
        let outcome: Result<Void, any Error>? = contents.withLock { contents in
          if Task.isCancelled { return .failure(CancellationError()) }
          if duration <= .zero { return .success(()) }
          contents.sleepers[id] = (contents.now + duration, continuation)
          return nil
        }
        if let outcome { continuation.resume(with: outcome) }
      }
    } onCancel: {
      contents.withLock { $0.sleepers.removeValue(forKey: id) }?.continuation.resume(throwing: CancellationError())
    }
  }

  /// Turns the clock and wakes whose time has come.
  func advance(by duration: Duration) {
    let due = contents.withLock { contents in
      contents.now += duration
      let ids = contents.sleepers.filter { $0.value.deadline <= contents.now }.keys.sorted()
      return ids.compactMap { contents.sleepers.removeValue(forKey: $0)?.continuation }
    }
    for continuation in due { continuation.resume() }
  }
}
