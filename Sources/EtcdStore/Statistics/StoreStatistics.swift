// SPDX-License-Identifier: Apache-2.0

/// Counters of `/v2/stats/store`, local to this member and counted since its store was made or restored.
///
/// Source: etcd v2.3.8 `store/stats.go`; specs §12. Differs: refusals of the root and failed compare-and-deletes count
/// as failures, which the original counts as successes (specs §23).
public struct StoreStatistics: Sendable, Equatable {
  /// Reads answered with a node.
  public var getsSuccess: UInt64 = 0
  /// Reads answered with an error.
  public var getsFail: UInt64 = 0
  /// Successful sets.
  public var setsSuccess: UInt64 = 0
  /// Refused sets.
  public var setsFail: UInt64 = 0
  /// Successful deletes.
  public var deleteSuccess: UInt64 = 0
  /// Refused deletes.
  public var deleteFail: UInt64 = 0
  /// Successful updates.
  public var updateSuccess: UInt64 = 0
  /// Refused updates.
  public var updateFail: UInt64 = 0
  /// Successful creates, in-order ones included.
  public var createSuccess: UInt64 = 0
  /// Refused creates.
  public var createFail: UInt64 = 0
  /// Successful compare-and-swaps.
  public var compareAndSwapSuccess: UInt64 = 0
  /// Refused compare-and-swaps.
  public var compareAndSwapFail: UInt64 = 0
  /// Successful compare-and-deletes.
  public var compareAndDeleteSuccess: UInt64 = 0
  /// Refused compare-and-deletes.
  public var compareAndDeleteFail: UInt64 = 0
  /// Expired nodes; a directory counts once.
  public var expireCount: UInt64 = 0

  /// Makes counters that stand at zero.
  public init() {}

  /// Counts a read; ``Store/get(_:recursive:sorted:at:)`` does not change the store, so its caller counts.
  public mutating func countRead(succeeded: Bool) {
    if succeeded { getsSuccess += 1 } else { getsFail += 1 }
  }

  /// Counts an applied write.
  mutating func count(_ write: KeysWrite, succeeded: Bool) {
    switch (write, succeeded) {
    case (.set, true): setsSuccess += 1
    case (.set, false): setsFail += 1
    case (.create, true), (.createInOrder, true): createSuccess += 1
    case (.create, false), (.createInOrder, false): createFail += 1
    case (.update, true): updateSuccess += 1
    case (.update, false): updateFail += 1
    case (.compareAndSwap, true): compareAndSwapSuccess += 1
    case (.compareAndSwap, false): compareAndSwapFail += 1
    case (.delete, true): deleteSuccess += 1
    case (.delete, false): deleteFail += 1
    case (.compareAndDelete, true): compareAndDeleteSuccess += 1
    case (.compareAndDelete, false): compareAndDeleteFail += 1
    }
  }
}
