// SPDX-License-Identifier: Apache-2.0

/// The identity of one participant of a cluster, never reused; shown as lower-case hexadecimal without padding.
public struct MemberID: Comparable, Hashable, Sendable, CustomStringConvertible {
  /// The number itself.
  public var rawValue: UInt64

  /// Makes one from its number.
  public init(_ rawValue: UInt64) {
    self.rawValue = rawValue
  }

  /// The number in lower-case hexadecimal without padding, as etcd shows it.
  public var description: String { String(rawValue, radix: 16) }

  /// Orders by number.
  public static func < (left: MemberID, right: MemberID) -> Bool {
    left.rawValue < right.rawValue
  }
}

/// The identity of a whole cluster; members of different clusters refuse each other.
public struct ClusterID: Comparable, Hashable, Sendable, CustomStringConvertible {
  /// The number itself.
  public var rawValue: UInt64

  /// Makes one from its number.
  public init(_ rawValue: UInt64) {
    self.rawValue = rawValue
  }

  /// The number in lower-case hexadecimal without padding, as etcd shows it.
  public var description: String { String(rawValue, radix: 16) }

  /// Orders by number.
  public static func < (left: ClusterID, right: ClusterID) -> Bool {
    left.rawValue < right.rawValue
  }
}
