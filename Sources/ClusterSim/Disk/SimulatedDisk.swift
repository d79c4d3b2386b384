// SPDX-License-Identifier: Apache-2.0

@_spi(Simulation) import Raft

/// What a simulated disk's errors say.
enum DiskError: Error {
  /// The process died inside the call.
  case crashed
  case inputOutput
  case noSpace
}

/// A disk that outlives the process: keeps what was synced, loses or keeps the rest at a crash, fails and fills up.
///
/// Every call is a series of steps; a crash can be set for any of them.
final class SimulatedDisk: LogStore {
  /// What a disk holds.
  struct Contents {
    var hardState = HardState()
    var snapshot: SnapshotMetadata?
    var snapshotBytes: [UInt8] = []
    var firstIndex = LogIndex(1)
    var entries: [Entry] = []

    var lastIndex: LogIndex { LogIndex(firstIndex.rawValue + UInt64(entries.count) - 1) }

    func term(at index: LogIndex) -> Term? {
      if index >= firstIndex, index <= lastIndex { return entries[position(of: index)].term }
      return index == snapshot?.index ? snapshot?.term : nil
    }

    func position(of index: LogIndex) -> Int { Int(index.rawValue - firstIndex.rawValue) }

    mutating func append(_ batch: LogBatch) {
      if let hardState = batch.hardState { self.hardState = hardState }
      guard let first = batch.entries.first?.index else { return }
      precondition(first >= firstIndex && first <= lastIndex.next, "entries leave a gap in the log")
      entries.removeSubrange(position(of: first)...)
      entries += batch.entries
    }

    mutating func compact(through index: LogIndex) {
      guard index >= firstIndex else { return }
      entries.removeFirst(min(entries.count, position(of: index) + 1))
      firstIndex = index.next
    }
  }

  /// How the disk behaves.
  enum Health {
    case working
    case failing
    case full
  }

  /// What survives a crash.
  private(set) var durable = Contents()
  var health = Health.working
  /// The process dies after this many more steps.
  var stepsUntilCrash: Int?
  private(set) var isCrashed = false

  /// What the running process sees.
  private var written = Contents()
  private var staged: [UInt8] = []
  private var random: SplitMix64
  private let didSync: (LogBatch) -> Void

  init(seed: UInt64, didSync: @escaping (LogBatch) -> Void) {
    random = SplitMix64(seed: seed)
    self.didSync = didSync
  }

  /// The process has died; what it had not synced is gone.
  func restart() {
    written = durable
    staged = []
    stepsUntilCrash = nil
    isCrashed = false
  }

  // MARK: LogStore

  func load() throws -> StoredLog {
    try step()
    if health == .failing, random.chance(50) { throw DiskError.inputOutput }
    written = durable
    staged = []
    return StoredLog(
      hardState: written.hardState,
      snapshot: written.snapshot,
      firstIndex: written.firstIndex,
      lastIndex: written.lastIndex
    )
  }

  func append(_ batch: LogBatch) throws {
    try commit(batch) { $0.append(batch) }
  }

  func entries(from first: LogIndex, through last: LogIndex, maxBytes: Int) throws -> [Entry] {
    precondition(first >= written.firstIndex && last <= written.lastIndex, "reads lie within the log")
    var bytes = 0
    var result: [Entry] = []
    for entry in written.entries[written.position(of: first)...written.position(of: last)] {
      bytes += entry.sizeBytes
      if bytes > maxBytes, !result.isEmpty { break }
      result.append(entry)
    }
    return result
  }

  func term(at index: LogIndex) throws -> Term? { written.term(at: index) }

  func compact(through index: LogIndex) throws {
    try step()
    // Not synced: durable with the next append, if the process lives that long.
    written.compact(through: index)
  }

  func stageSnapshot(_ bytes: [UInt8], at offset: UInt64) throws {
    try step()
    if offset == 0 { staged = [] }
    precondition(offset == UInt64(staged.count), "pieces are staged in order")
    if health == .full { throw DiskError.noSpace }
    staged += bytes
  }

  func saveStagedSnapshot(_ metadata: SnapshotMetadata) throws {
    let bytes = staged
    try commit(LogBatch()) {
      $0.snapshot = metadata
      $0.snapshotBytes = bytes
    }
  }

  func installStagedSnapshot(_ metadata: SnapshotMetadata, hardState: HardState) throws {
    let bytes = staged
    try commit(LogBatch(hardState: hardState)) {
      $0.hardState = hardState
      $0.snapshot = metadata
      $0.snapshotBytes = bytes
      $0.entries = []
      $0.firstIndex = metadata.index.next
    }
  }

  func snapshotChunk(index: LogIndex, offset: UInt64, maxBytes: Int) throws -> SnapshotChunk? {
    guard written.snapshot?.index == index else { return nil }
    let start = min(Int(offset), written.snapshotBytes.count)
    let end = min(start + maxBytes, written.snapshotBytes.count)
    return SnapshotChunk(bytes: Array(written.snapshotBytes[start..<end]), isLast: end == written.snapshotBytes.count)
  }

  // MARK: Steps

  /// Write, then sync; the process may die before, between and after.
  private func commit(_ batch: LogBatch, _ change: (inout Contents) -> Void) throws {
    try step()
    var next = written
    change(&next)
    do {
      try step()
      if health == .full { throw DiskError.noSpace }
      if health == .failing { throw DiskError.inputOutput }
    } catch {
      // Not synced: nobody knows, but all or nothing.
      if !isFull(error), random.chance(50) {
        durable = next
        didSync(batch)
      }
      throw error
    }
    written = next
    durable = next
    didSync(batch)
    try step()
  }

  private func isFull(_ error: any Error) -> Bool {
    if case DiskError.noSpace = error { true } else { false }
  }

  private func step() throws {
    if let steps = stepsUntilCrash {
      stepsUntilCrash = steps - 1
      if steps <= 0 { isCrashed = true }
    }
    if isCrashed { throw DiskError.crashed }
  }
}

extension SplitMix64 {
  /// True this many times in a hundred.
  mutating func chance(_ percent: Int) -> Bool { chance(percent * 10_000, perMillion: ()) }

  /// True this many times in a million.
  mutating func chance(_ count: Int, perMillion: Void) -> Bool {
    count > 0 && Int(next() % 1_000_000) < count
  }

  /// One of the elements.
  mutating func pick<Element>(_ elements: [Element]) -> Element {
    elements[Int(next() % UInt64(elements.count))]
  }
}
