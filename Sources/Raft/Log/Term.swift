// SPDX-License-Identifier: Apache-2.0

/// A period with at most one leader, numbered from 1 (Raft paper, section 5.1); 0 means "before any election".
public struct Term: Comparable, Hashable, Sendable, CustomStringConvertible {
  /// The number itself.
  public var rawValue: UInt64

  /// Makes one from its number.
  public init(_ rawValue: UInt64) {
    self.rawValue = rawValue
  }

  /// The term before any election.
  public static let zero = Term(0)

  /// The term after this one.
  var next: Term { Term(rawValue + 1) }

  /// The number in decimal.
  public var description: String { String(rawValue) }

  /// Orders by number.
  public static func < (left: Term, right: Term) -> Bool {
    left.rawValue < right.rawValue
  }
}
