// SPDX-License-Identifier: Apache-2.0

/// Wakes one loop; any number of wakes before it looks count as one.
struct WakeSignal: Sendable {
  /// What the one loop iterates over; it ends when the loop's task is cancelled.
  let wakes: AsyncStream<Void>
  private let continuation: AsyncStream<Void>.Continuation

  init() {
    (wakes, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  func wake() {
    continuation.yield()
  }
}
