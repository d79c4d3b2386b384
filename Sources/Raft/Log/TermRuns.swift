// SPDX-License-Identifier: Apache-2.0

/// The term of every entry of a log, kept as runs of equal terms: small, however long the log.
///
/// Invariant: runs are in order of index and of term; they cover `first...last` without a gap.
struct TermRuns: Sendable {
  private struct Run {
    var first: LogIndex
    var term: Term
  }

  private var runs: [Run]
  /// The first index whose term is known.
  private(set) var first: LogIndex
  /// The last index whose term is known: the end of the log.
  private(set) var last: LogIndex

  /// Terms of a log that begins after an entry of a known term (index 0 has term 0).
  init(after index: LogIndex, term: Term) {
    runs = [Run(first: index, term: term)]
    first = index
    last = index
  }

  /// Terms of a log of which nothing before `first` is known.
  init(startingAt first: LogIndex) {
    runs = []
    self.first = first
    last = first.previous
  }

  func term(at index: LogIndex) -> Term? {
    guard index >= first, index <= last else { return nil }
    return runs[position(of: index)].term
  }

  mutating func append(_ term: Term) {
    last = last.next
    if runs.last?.term != term { runs.append(Run(first: last, term: term)) }
  }

  /// Forgets `index` and everything after it.
  mutating func truncate(from index: LogIndex) {
    precondition(index > first, "a log is never cut at or before its first known index")
    last = index.previous
    while let run = runs.last, run.first >= index { runs.removeLast() }
  }

  /// Forgets everything before `index`.
  mutating func compact(before index: LogIndex) {
    guard index > first, index <= last else { return }
    runs.removeFirst(position(of: index))
    runs[0].first = index
    first = index
  }

  /// The largest index at or below `index` whose term is at or below `term`, and its term; the index before the first
  /// known one with term 0 when there is none.
  ///
  /// Source: etcd-io/raft `log.go` `findConflictByTerm`.
  func lastIndex(atOrBelow index: LogIndex, term: Term) -> (index: LogIndex, term: Term) {
    guard index >= first, !runs.isEmpty else { return (min(index, first.previous), .zero) }
    let bounded = min(index, last)
    var position = position(of: bounded)
    if runs[position].term <= term { return (bounded, runs[position].term) }
    while position > 0 {
      let end = runs[position].first.previous
      position -= 1
      if runs[position].term <= term { return (end, runs[position].term) }
    }
    return (first.previous, .zero)
  }

  /// The run that holds an index within `first...last`.
  private func position(of index: LogIndex) -> Int {
    var low = 0
    var high = runs.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if runs[middle].first <= index { low = middle } else { high = middle }
    }
    return low
  }
}
