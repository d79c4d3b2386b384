// SPDX-License-Identifier: Apache-2.0
import Meters

/// What a member counts besides its keyspace; any thread counts, `/metrics` reads.
struct MemberCounters: Sendable {
  /// Another leader became known.
  let leaderChanges = Counter()
  /// A request found no room in the inbox.
  let refusedRequests = Counter()
  /// Durable appends to the log.
  let appends = Histogram.disk()
  /// Snapshots of the keyspace.
  let snapshots = Histogram.disk()
}
