// SPDX-License-Identifier: Apache-2.0

import Raft

/// A log in memory that writes down the order of what happens to it, and fails on demand.
final class MemoryLog: LogStore {
  struct Failure: Error {}

  let journal: Journal
  var failsAppends = false
  var failsLoads = false
  private(set) var stored = StoredLog()
  private(set) var entries: [Entry] = []
  private var staged: [UInt8] = []
  private var snapshotBytes: [UInt8] = []

  init(_ journal: Journal) {
    self.journal = journal
  }

  func load() throws -> StoredLog {
    if failsLoads { throw Failure() }
    return stored
  }

  func append(_ batch: LogBatch) throws {
    if failsAppends {
      journal.note("append fails")
      throw Failure()
    }
    journal.note("append \(batch.entries.map(\.index))")
    if let hardState = batch.hardState { stored.hardState = hardState }
    guard let first = batch.entries.first?.index else { return }
    entries.removeSubrange(Int(first.rawValue - stored.firstIndex.rawValue)...)
    entries += batch.entries
    stored.lastIndex = LogIndex(stored.firstIndex.rawValue + UInt64(entries.count) - 1)
  }

  func entries(from first: LogIndex, through last: LogIndex, maxBytes: Int) throws -> [Entry] {
    let base = stored.firstIndex.rawValue
    return Array(entries[Int(first.rawValue - base)...Int(last.rawValue - base)])
  }

  func term(at index: LogIndex) throws -> Term? { entries.first { $0.index == index }?.term }

  func compact(through index: LogIndex) throws {
    journal.note("compact \(index)")
    entries.removeAll { $0.index <= index }
    stored.firstIndex = max(stored.firstIndex, index.next)
  }

  func stageSnapshot(_ bytes: [UInt8], at offset: UInt64) throws {
    if offset == 0 { staged = [] }
    staged += bytes
  }

  func saveStagedSnapshot(_ metadata: SnapshotMetadata) throws {
    journal.note("snapshot \(metadata.index)")
    stored.snapshot = metadata
    snapshotBytes = staged
  }

  func installStagedSnapshot(_ metadata: SnapshotMetadata, hardState: HardState) throws {
    journal.note("install \(metadata.index)")
    stored = StoredLog(
      hardState: hardState,
      snapshot: metadata,
      firstIndex: metadata.index.next,
      lastIndex: metadata.index
    )
    entries = []
    snapshotBytes = staged
  }

  func snapshotChunk(index: LogIndex, offset: UInt64, maxBytes: Int) throws -> SnapshotChunk? {
    guard stored.snapshot?.index == index else { return nil }
    let start = min(Int(offset), snapshotBytes.count)
    let end = min(start + maxBytes, snapshotBytes.count)
    return SnapshotChunk(bytes: Array(snapshotBytes[start..<end]), isLast: end == snapshotBytes.count)
  }
}

/// What happened, in order.
final class Journal {
  private(set) var lines: [String] = []

  func note(_ line: String) { lines.append(line) }

  func take() -> [String] {
    defer { lines = [] }
    return lines
  }
}

struct JournalOutbox: PeerOutbox {
  let journal: Journal
  var messages: [Message] = []

  mutating func send(_ messages: [Message]) {
    journal.note("send")
    self.messages += messages
  }
}

/// Keeps the payloads applied.
struct ListMachine: StateMachine {
  let journal: Journal
  private(set) var payloads: [[UInt8]] = []

  init(_ journal: Journal) {
    self.journal = journal
  }

  mutating func apply(_ entry: Entry) -> [UInt8] {
    journal.note("apply \(entry.index)")
    if entry.kind == .command { payloads.append(entry.data) }
    return entry.data
  }

  func writeSnapshot(_ write: ([UInt8]) throws -> Void) throws {
    for payload in payloads { try write([UInt8(payload.count)] + payload) }
  }

  mutating func restore(_ metadata: SnapshotMetadata, read: () throws -> [UInt8]?) throws {
    var bytes: [UInt8] = []
    while let piece = try read() { bytes += piece }
    payloads = []
    while let count = bytes.first {
      payloads.append(Array(bytes[1...Int(count)]))
      bytes.removeFirst(Int(count) + 1)
    }
  }
}
