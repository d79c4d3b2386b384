// SPDX-License-Identifier: Apache-2.0

/// A replicated change of the keyspace, as it stands in the log.
///
/// The moment it happens is not part of it: the leader stamps each entry, and ``Store/apply(_:at:)`` takes the stamp.
public enum StoreCommand: Sendable, Equatable {
  /// A client's write.
  case write(key: String, KeysWrite)
  /// Removes every node whose expiration is at or before a moment of the leader's clock, and not after the entry's stamp:
  /// a proposal that was made under another leader's clock removes nothing early.
  case expire(through: Timestamp)
}
