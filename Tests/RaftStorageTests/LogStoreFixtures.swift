// SPDX-License-Identifier: Apache-2.0
import Raft
@testable import RaftStorage

let cluster = ClusterID(0xC0FFEE)
let member = MemberID(0xA)

func openStore(_ directory: ScratchDirectory) throws -> SQLiteLogStore {
  try SQLiteLogStore(directory: directory.path, cluster: cluster, member: member)
}

func entry(_ index: UInt64, term: UInt64 = 1, _ text: String = "x") -> Entry {
  Entry(
    term: Term(term),
    index: LogIndex(index),
    kind: .command,
    timestampNanoseconds: Int64(index) * 1_000,
    data: Array(text.utf8)
  )
}

func entries(_ range: ClosedRange<UInt64>, term: UInt64 = 1) -> [Entry] {
  range.map { entry($0, term: term, "payload \($0)") }
}

func metadata(_ index: UInt64, term: UInt64 = 1) -> SnapshotMetadata {
  SnapshotMetadata(
    index: LogIndex(index),
    term: Term(term),
    timestampNanoseconds: 7,
    configuration: Configuration(voters: [member])
  )
}

/// Everything a store holds, for comparisons; entries that the snapshot covers do not count, since they go bit by bit.
struct Content: Equatable {
  var stored: StoredLog
  var entries: [Entry]

  init(_ store: SQLiteLogStore) throws {
    stored = try store.load()
    if let snapshot = stored.snapshot { stored.firstIndex = max(stored.firstIndex, snapshot.index.next) }
    entries =
      stored.firstIndex > stored.lastIndex
      ? [] : try store.entries(from: stored.firstIndex, through: stored.lastIndex, maxBytes: .max)
  }
}

/// All bytes of the latest snapshot, read in pieces.
func snapshotBytes(_ store: SQLiteLogStore, index: UInt64, maxBytes: Int = 1_000) throws -> [UInt8]? {
  var bytes: [UInt8] = []
  while let chunk = try store.snapshotChunk(index: LogIndex(index), offset: UInt64(bytes.count), maxBytes: maxBytes) {
    bytes += chunk.bytes
    if chunk.isLast { return bytes }
  }
  return nil
}
