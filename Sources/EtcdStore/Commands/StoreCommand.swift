// SPDX-License-Identifier: Apache-2.0

/// A replicated change of the keyspace, as it stands in the log.
///
/// The moment it happens is not part of it: the leader stamps each entry, and ``Store/apply(_:at:)`` takes the stamp.
public enum StoreCommand: Sendable, Equatable {
  /// A client's write.
  case write(key: String, KeysWrite)
  /// Gives keys that exist a new time to live, one after another, exactly as that many updates with `refresh` would.
  ///
  /// Invariant: at least one and at most ``KeyRefresh/maximumBatch``.
  case refresh([KeyRefresh])
  /// Removes every node whose expiration is at or before a moment of the leader's clock, and not after the entry's stamp:
  /// a proposal that was made under another leader's clock removes nothing early.
  case expire(through: Timestamp)
}

/// One key that gets a new time to live in a batch; its value and watchers are left alone.
public struct KeyRefresh: Sendable, Equatable {
  /// The most in one command.
  public static let maximumBatch = 1_024

  /// The key.
  public var key: String
  /// The seconds it lives from the leader's stamp on the command.
  public var ttlSeconds: UInt64

  /// Makes a refresh.
  public init(key: String, ttlSeconds: UInt64) {
    self.key = key
    self.ttlSeconds = ttlSeconds
  }
}

extension KeysWrite {
  /// The seconds that a refresh of an existing key asks for; nil for every other write.
  ///
  /// These are the writes that ``StoreCommand/refresh(_:)`` can stand for.
  public var refreshedSeconds: UInt64? {
    if case .update(value: nil, .seconds(let seconds), refresh: true) = self { seconds } else { nil }
  }
}
