// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// A number that only grows, counted by any thread without a lock.
///
/// Shape: one relaxed atomic addition a count, so that it may stand on a hot path.
public final class Counter: Sendable {
  private let count = Atomic<UInt64>(0)

  /// Makes a counter that stands at zero.
  public init() {}

  /// Counts.
  public func add(_ amount: UInt64 = 1) {
    count.wrappingAdd(amount, ordering: .relaxed)
  }

  /// How much was counted so far.
  public var value: UInt64 { count.load(ordering: .relaxed) }
}
