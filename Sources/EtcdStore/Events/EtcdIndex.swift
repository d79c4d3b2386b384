// SPDX-License-Identifier: Apache-2.0

/// The store's own index (`X-Etcd-Index`): plus one for each applied mutation, never for reads or failed operations.
///
/// It is also what a node's `createdIndex` and `modifiedIndex` hold. It is unrelated to the Raft log's index.
public struct EtcdIndex: Comparable, Hashable, Sendable, CustomStringConvertible {
  /// The index as a number; 0 means "before the first mutation".
  public var rawValue: UInt64

  /// Makes an index from its number.
  public init(_ rawValue: UInt64) {
    self.rawValue = rawValue
  }

  /// The index before the first mutation.
  public static let zero = EtcdIndex(0)

  /// The index that the next mutation gets.
  public var next: EtcdIndex { EtcdIndex(rawValue + 1) }

  /// The number in decimal.
  public var description: String { String(rawValue) }

  /// Orders by number.
  public static func < (left: EtcdIndex, right: EtcdIndex) -> Bool {
    left.rawValue < right.rawValue
  }
}
