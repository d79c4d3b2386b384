// SPDX-License-Identifier: Apache-2.0

/// What to do with a node's time to live in a write.
public enum TTLChange: Sendable, Equatable {
  /// The node becomes, or stays, permanent.
  case permanent
  /// The node expires this many seconds after the leader's stamp on the command.
  case seconds(UInt64)
}

/// The condition of a compare-and-swap or compare-and-delete; both given means both must hold.
public struct Comparison: Sendable, Equatable {
  /// The value the file must have; nil means any.
  public var previousValue: String?
  /// The `modifiedIndex` the node must have; nil means any.
  public var previousIndex: EtcdIndex?

  /// Makes a condition.
  public init(previousValue: String? = nil, previousIndex: EtcdIndex? = nil) {
    self.previousValue = previousValue
    self.previousIndex = previousIndex
  }
}

/// A write, already parsed and checked, as it is proposed.
public enum KeysWrite: Sendable, Equatable {
  /// Creates or replaces. With `refresh` the value is kept and watchers sleep on.
  case set(value: String, isDirectory: Bool, ttl: TTLChange, refresh: Bool)
  /// Creates; fails with 105 when something is there.
  case create(value: String, isDirectory: Bool, ttl: TTLChange)
  /// Creates a child named by the new index (POST).
  case createInOrder(value: String, isDirectory: Bool, ttl: TTLChange)
  /// Changes what is there; fails with 100 when nothing is. A nil value keeps a directory as it is.
  case update(value: String?, ttl: TTLChange, refresh: Bool)
  /// Changes a file when the condition holds.
  case compareAndSwap(value: String, comparison: Comparison, ttl: TTLChange, refresh: Bool)
  /// Removes a file, or with `isDirectory` an empty directory, or with `recursive` a whole tree.
  case delete(isDirectory: Bool, recursive: Bool)
  /// Removes a file when the condition holds.
  case compareAndDelete(comparison: Comparison)
}
