// SPDX-License-Identifier: Apache-2.0

/// A point on the one clock that a history is recorded by: nanoseconds of a monotonic clock, or steps of a simulation.
///
/// It orders what clients did and saw in real time; it is no wall clock and no stamp.
public struct Moment: Comparable, Hashable, Sendable, CustomStringConvertible {
  /// The point as a number.
  public var rawValue: Int64

  /// Makes a moment from its number.
  public init(_ rawValue: Int64) {
    self.rawValue = rawValue
  }

  /// Later than every other moment: when an operation returns that was never answered.
  public static let never = Moment(.max)

  /// The number in decimal.
  public var description: String { self == .never ? "…" : String(rawValue) }

  /// Orders by time.
  public static func < (left: Moment, right: Moment) -> Bool {
    left.rawValue < right.rawValue
  }
}
