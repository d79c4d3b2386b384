// SPDX-License-Identifier: Apache-2.0
public import EtcdStore
public import Meters

/// What a member counts, for `/metrics` and `/v2/stats/store`; all of it is this member's own.
public struct MemberMetrics: Sendable, Equatable {
  /// Operations of the keyspace.
  public var store = StoreStatistics()
  /// Watchers that wait.
  public var watcherCount = 0
  /// Watches that were asked for.
  public var watchRequestCount: UInt64 = 0
  /// Nodes of the keyspace, the root included.
  public var nodeCount = 0
  /// How often another leader became known.
  public var leaderChangeCount: UInt64 = 0
  /// Requests that Raft has not answered yet.
  public var pendingRequestCount = 0
  /// Requests and messages that the replica's thread has not taken yet.
  public var inboxDepth = 0
  /// Requests that were refused because too many waited.
  public var refusedRequestCount: UInt64 = 0
  /// How long durable appends to the log took.
  public var durableAppends = HistogramReading()
  /// How long snapshots took to be written.
  public var snapshots = HistogramReading()

  /// Makes metrics of a member that has done nothing yet.
  public init() {}
}
