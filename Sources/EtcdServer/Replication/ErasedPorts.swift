// SPDX-License-Identifier: Apache-2.0
import Meters
import Raft

/// Any log store, so that a member is one type whatever it keeps its log in; its durable appends are timed.
struct ErasedLogStore: LogStore {
  var base: any LogStore
  let appends: Histogram

  mutating func load() throws -> StoredLog { try base.load() }

  mutating func append(_ batch: LogBatch) throws {
    let start = Clocks.monotonicNanoseconds()
    try base.append(batch)
    appends.observe(nanoseconds: Clocks.monotonicNanoseconds() - start)
  }

  func entries(from first: LogIndex, through last: LogIndex, maxBytes: Int) throws -> [Entry] {
    try base.entries(from: first, through: last, maxBytes: maxBytes)
  }

  func term(at index: LogIndex) throws -> Term? { try base.term(at: index) }

  mutating func compact(through index: LogIndex) throws { try base.compact(through: index) }

  mutating func maintain() throws { try base.maintain() }

  mutating func beginSnapshot(_ state: any FrozenState) throws { try base.beginSnapshot(state) }

  func isSnapshotWritten() throws -> Bool { try base.isSnapshotWritten() }

  var snapshotBytes: UInt64 { base.snapshotBytes }

  mutating func stageSnapshot(_ bytes: [UInt8], at offset: UInt64) throws {
    try base.stageSnapshot(bytes, at: offset)
  }

  mutating func saveStagedSnapshot(_ metadata: SnapshotMetadata) throws {
    try base.saveStagedSnapshot(metadata)
  }

  mutating func installStagedSnapshot(_ metadata: SnapshotMetadata, hardState: HardState) throws {
    try base.installStagedSnapshot(metadata, hardState: hardState)
  }

  func snapshotChunk(index: LogIndex, offset: UInt64, maxBytes: Int) throws -> SnapshotChunk? {
    try base.snapshotChunk(index: index, offset: offset, maxBytes: maxBytes)
  }
}

/// Any outbox, counting what goes through it.
struct CountingOutbox: PeerOutbox {
  var base: any PeerOutbox
  let statistics: ReplicationStatistics

  mutating func send(_ messages: [Message]) {
    statistics.recordSent(messages)
    base.send(messages)
  }
}
