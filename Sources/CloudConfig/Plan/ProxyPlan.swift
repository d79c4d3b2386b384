// SPDX-License-Identifier: Apache-2.0

/// The times of a worker, in milliseconds (`coreos.etcd2.proxy-…`).
///
/// Source: etcd v2.3.8 `etcdmain/config.go`; specs/etcd-v2.md §16 and §18.
public struct ProxyPlan: Sendable, Equatable {
  /// How long a member that could not be reached is left out.
  public var failureWaitMilliseconds: UInt64 = 5_000
  /// How often the list of members is read anew.
  public var refreshMilliseconds: UInt64 = 30_000
  /// How long connecting to a member may take.
  public var dialMilliseconds: UInt64 = 1_000
  /// How long a member may take none of a request's bytes; 0 means for ever.
  public var writeMilliseconds: UInt64 = 5_000
  /// How long a member may send nothing; 0 means for ever, which watches need.
  public var readMilliseconds: UInt64 = 0

  /// Makes etcd's default times.
  public init() {}
}
