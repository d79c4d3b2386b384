// SPDX-License-Identifier: Apache-2.0
import Raft

/// The row that says which snapshot is the latest.
struct StoredSnapshot {
  /// Which pieces belong to it.
  var generation: UInt64
  /// How many bytes its pieces have together.
  var sizeBytes: UInt64
  /// What it stands for.
  var metadata: SnapshotMetadata
}
