// SPDX-License-Identifier: Apache-2.0

/// The position of an entry in the replicated log, from 1; 0 means "before the log".
///
/// It is unrelated to the index of the store (`EtcdIndex`).
public struct LogIndex: Comparable, Hashable, Sendable, CustomStringConvertible {
  /// The number itself.
  public var rawValue: UInt64

  /// Makes one from its number.
  public init(_ rawValue: UInt64) {
    self.rawValue = rawValue
  }

  /// The position before the first entry.
  public static let zero = LogIndex(0)

  /// The position after this one.
  public var next: LogIndex { LogIndex(rawValue + 1) }

  /// The position before this one; 0 stays 0.
  public var previous: LogIndex { LogIndex(rawValue == 0 ? 0 : rawValue - 1) }

  /// The position this many entries further.
  func advanced(by count: Int) -> LogIndex { LogIndex(rawValue + UInt64(count)) }

  /// The number in decimal.
  public var description: String { String(rawValue) }

  /// Orders by number.
  public static func < (left: LogIndex, right: LogIndex) -> Bool {
    left.rawValue < right.rawValue
  }
}
