// SPDX-License-Identifier: Apache-2.0

/// The time of an operation ran out.
struct TimeoutExpired: Error {}

/// Carries out an operation, cancelling it when it takes longer than `timeout`; nil waits for as long as it takes.
func withTimeout<Value: Sendable>(
  _ timeout: Duration?,
  _ operation: @escaping @Sendable () async throws -> Value
) async throws -> Value {
  guard let timeout else { return try await operation() }
  return try await withThrowingTaskGroup(of: Value.self) { group in
    group.addTask { try await operation() }
    group.addTask {
      try await Task.sleep(for: timeout)
      throw TimeoutExpired()
    }
    defer { group.cancelAll() }
    guard let value = try await group.next() else { throw TimeoutExpired() }
    return value
  }
}

/// Carries out clean-up to its end even when the caller's task has been cancelled already.
func shieldedFromCancellation<Value: Sendable>(_ operation: @escaping @Sendable () async -> Value) async -> Value {
  // A child task would be cancelled from the start. This task is awaited here, so it is never loose.
  await Task { await operation() }.value
}

/// Growing pauses between attempts: doubling from 100 ms to 5 s.
struct BackOff {
  private var next = Duration.milliseconds(100)

  mutating func reset() {
    next = .milliseconds(100)
  }

  /// Waits for the next pause; throws when the task is cancelled.
  mutating func pause() async throws {
    let pause = next
    next = min(next * 2, .seconds(5))
    try await Task.sleep(for: pause)
  }
}
