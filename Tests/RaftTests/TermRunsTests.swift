// SPDX-License-Identifier: Apache-2.0

import Testing

@_spi(Simulation) @testable import Raft

struct TermRunsTests {
  /// The same, by an array.
  private struct Naive {
    var first: UInt64
    var terms: [Term]

    func term(at index: LogIndex) -> Term? {
      guard index.rawValue >= first, index.rawValue - first < UInt64(terms.count) else { return nil }
      return terms[Int(index.rawValue - first)]
    }
  }

  @Test func `runs of terms answer as an array of terms does`() {
    var random = SplitMix64(seed: 3)
    for _ in 0..<50 {
      var runs = TermRuns(after: .zero, term: .zero)
      var naive = Naive(first: 0, terms: [.zero])
      for _ in 0..<200 {
        let last = naive.terms.last ?? .zero
        switch random.next() % 10 {
        case 0 where runs.last > runs.first:
          let index = LogIndex(runs.first.rawValue + 1 + random.next() % (runs.last.rawValue - runs.first.rawValue))
          runs.truncate(from: index)
          naive.terms.removeSubrange(Int(index.rawValue - naive.first)...)
        case 1:
          let index = LogIndex(runs.first.rawValue + random.next() % (runs.last.rawValue - runs.first.rawValue + 1))
          runs.compact(before: index)
          naive.terms.removeFirst(Int(index.rawValue - naive.first))
          naive.first = index.rawValue
        default:
          let term = Term(last.rawValue + (random.next() % 3) / 2)
          runs.append(term)
          naive.terms.append(term)
        }
        for index in 0...runs.last.rawValue + 1 {
          #expect(runs.term(at: LogIndex(index)) == naive.term(at: LogIndex(index)))
        }
      }
    }
  }

  @Test func `the last index at or below a term`() {
    var runs = TermRuns(after: LogIndex(4), term: Term(1))
    for term in [1, 3, 3, 5] as [UInt64] { runs.append(Term(term)) }
    #expect(runs.lastIndex(atOrBelow: LogIndex(8), term: Term(4)) == (LogIndex(7), Term(3)))
    #expect(runs.lastIndex(atOrBelow: LogIndex(6), term: Term(9)) == (LogIndex(6), Term(3)))
    #expect(runs.lastIndex(atOrBelow: LogIndex(8), term: Term(2)) == (LogIndex(5), Term(1)))
    #expect(runs.lastIndex(atOrBelow: LogIndex(8), term: Term(0)) == (LogIndex(3), .zero))
    #expect(runs.lastIndex(atOrBelow: LogIndex(2), term: Term(9)) == (LogIndex(2), .zero))
  }
}
