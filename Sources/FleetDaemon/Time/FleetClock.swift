// SPDX-License-Identifier: Apache-2.0

/// The clock of the loops, so that tests can turn it by hand.
public protocol FleetClock: Sendable {
  /// Time since any fixed start; never goes back, and counts while the computer sleeps.
  func now() -> Duration

  /// Waits.
  ///
  /// - Throws: `CancellationError` when the task is cancelled meanwhile.
  func sleep(for duration: Duration) async throws
}

/// The clock of the computer.
public struct MonotonicFleetClock: FleetClock {
  private let start = ContinuousClock.now

  /// Makes a clock that starts now.
  public init() {}

  /// Time since the clock was made.
  public func now() -> Duration { ContinuousClock.now - start }

  /// Waits.
  ///
  /// - Throws: `CancellationError` when the task is cancelled meanwhile.
  public func sleep(for duration: Duration) async throws {
    try await Task.sleep(for: duration, clock: .continuous)
  }
}
