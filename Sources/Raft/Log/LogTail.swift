// SPDX-License-Identifier: Apache-2.0

import DequeModule

/// A node's view of its log: the terms of all entries, the newest entries themselves, and how far it is durable.
///
/// Older entries are read from the ``LogStore`` by the replica when they are needed.
/// Invariant: `durableIndex <= lastIndex`; every entry that is not durable is cached.
struct LogTail: Sendable {
  private var cached: Deque<Entry> = []
  private var cachedBytes = 0
  private var terms: TermRuns
  /// The last entry known to be durable.
  private(set) var durableIndex: LogIndex
  /// The stamp of the last entry.
  private(set) var lastTimestamp: Int64

  /// The view of a stored log whose entries follow by ``restore(_:limits:)``.
  init(_ stored: StoredLog) {
    let base = stored.firstIndex.previous
    if let snapshot = stored.snapshot, snapshot.index == base {
      terms = TermRuns(after: base, term: snapshot.term)
    } else if base == .zero {
      terms = TermRuns(after: .zero, term: .zero)
    } else {
      terms = TermRuns(startingAt: stored.firstIndex)
    }
    durableIndex = base
    lastTimestamp = stored.snapshot?.timestampNanoseconds ?? 0
  }

  var lastIndex: LogIndex { terms.last }
  var lastTerm: Term { terms.term(at: terms.last) ?? .zero }

  /// The first cached index; `lastIndex.next` when nothing is cached.
  var firstCached: LogIndex { LogIndex(lastIndex.rawValue + 1 - UInt64(cached.count)) }

  func term(at index: LogIndex) -> Term? { terms.term(at: index) }

  func matches(_ index: LogIndex, _ term: Term) -> Bool { terms.term(at: index) == term }

  func hint(atOrBelow index: LogIndex, term: Term) -> (index: LogIndex, term: Term) {
    terms.lastIndex(atOrBelow: index, term: term)
  }

  /// Whether a log ending at `index` in `term` holds everything this one may have committed (paper, section 5.4.1).
  func isUpToDate(_ index: LogIndex, _ term: Term) -> Bool {
    term > lastTerm || (term == lastTerm && index >= lastIndex)
  }

  /// Entries that are not durable yet.
  var unstable: [Entry] {
    durableIndex == lastIndex ? [] : entries(from: durableIndex.next, through: lastIndex, maxBytes: .max)
  }

  /// Cached entries of a range, at least one, up to a number of bytes.
  func entries(from first: LogIndex, through last: LogIndex, maxBytes: Int) -> [Entry] {
    guard first <= last else { return [] }
    precondition(first >= firstCached && last <= lastIndex, "only cached entries can be taken")
    let start = Int(first.rawValue - firstCached.rawValue)
    let end = Int(last.rawValue - firstCached.rawValue)
    var bytes = 0
    var stop = start
    while stop <= end {
      bytes += cached[stop].sizeBytes
      if bytes > maxBytes, stop > start { break }
      stop += 1
    }
    return Array(cached[start..<stop])
  }

  /// Appends an entry that is not durable yet.
  mutating func append(_ entry: Entry) {
    precondition(entry.index == lastIndex.next, "entry \(entry.index) does not follow \(lastIndex)")
    terms.append(entry.term)
    cached.append(entry)
    cachedBytes += entry.sizeBytes
    lastTimestamp = entry.timestampNanoseconds
  }

  /// Removes `index` and everything after it.
  mutating func truncate(from index: LogIndex) {
    guard index <= lastIndex else { return }
    let removed = min(cached.count, Int(lastIndex.rawValue - index.rawValue) + 1)
    for entry in cached.suffix(removed) { cachedBytes -= entry.sizeBytes }
    cached.removeLast(removed)
    terms.truncate(from: index)
    durableIndex = min(durableIndex, lastIndex)
  }

  /// Everything appended is durable.
  mutating func markDurable() {
    durableIndex = lastIndex
  }

  /// Takes over entries read from the store at start, oldest first.
  mutating func restore(_ entries: [Entry], limits: RaftSettings) {
    for entry in entries { append(entry) }
    markDurable()
    trim(through: lastIndex, limits: limits)
  }

  /// Lets go of the oldest cached entries, up to `index`, while there are more than the limits allow.
  mutating func trim(through index: LogIndex, limits: RaftSettings) {
    while cached.count > limits.cachedEntries || cachedBytes > limits.cachedBytes {
      guard let oldest = cached.first, oldest.index <= min(index, durableIndex) else { return }
      cachedBytes -= oldest.sizeBytes
      cached.removeFirst()
    }
  }

  /// The store has compacted everything up to `index`.
  mutating func compact(through index: LogIndex) {
    while let oldest = cached.first, oldest.index <= index {
      cachedBytes -= oldest.sizeBytes
      cached.removeFirst()
    }
    terms.compact(before: index)
  }

  /// A received snapshot replaces the log.
  mutating func reset(to snapshot: SnapshotMetadata) {
    cached = []
    cachedBytes = 0
    terms = TermRuns(after: snapshot.index, term: snapshot.term)
    durableIndex = snapshot.index
    lastTimestamp = snapshot.timestampNanoseconds
  }
}
