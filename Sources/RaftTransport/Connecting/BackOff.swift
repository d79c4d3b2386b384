// SPDX-License-Identifier: Apache-2.0
import NIOCore

/// How long to wait before the next attempt to connect: doubling from 50 ms to 1 s, each time a random half to whole.
struct BackOff {
  static let first = TimeAmount.milliseconds(50)
  static let longest = TimeAmount.milliseconds(1_000)

  private var next = BackOff.first

  /// The wait before the next attempt.
  mutating func delay() -> TimeAmount {
    let upper = next.nanoseconds
    next = min(Self.longest, .nanoseconds(upper * 2))
    return .nanoseconds(Int64.random(in: upper / 2...upper))
  }

  /// Starts over: a stream stood.
  mutating func reset() {
    next = Self.first
  }
}
