// SPDX-License-Identifier: Apache-2.0

/// A moment of wall-clock time, stamped by the leader when it appends a command.
///
/// Units: nanoseconds since 1970-01-01T00:00:00Z.
public struct Timestamp: Comparable, Hashable, Sendable {
  /// Nanoseconds since the Unix epoch.
  public var nanosecondsSinceEpoch: Int64

  /// Makes a timestamp from nanoseconds since the Unix epoch.
  public init(nanosecondsSinceEpoch: Int64) {
    self.nanosecondsSinceEpoch = nanosecondsSinceEpoch
  }

  /// Orders by time.
  public static func < (left: Timestamp, right: Timestamp) -> Bool {
    left.nanosecondsSinceEpoch < right.nanosecondsSinceEpoch
  }
}
