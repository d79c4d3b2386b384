// SPDX-License-Identifier: Apache-2.0

@_spi(Simulation) import Raft

/// A rule that did not hold.
public struct Violation: Error, Sendable, Equatable, CustomStringConvertible {
  /// Which rule, in the paper's words.
  public var rule: String
  /// What was seen.
  public var detail: String

  /// One line for people.
  public var description: String { "\(rule): \(detail)" }
}

/// Watches the whole cluster at once and compares it with what Raft promises (paper, figure 3) and a store needs.
///
/// Source: properties of the Raft paper, figure 3; specs of etcd's own robustness tests.
struct Checker {
  private(set) var violation: Violation?

  /// The leader of each term (election safety).
  private var leaders: [Term: MemberID] = [:]
  /// Every entry ever made durable, by index and term (log matching).
  private var written: [Slot: WrittenEntry] = [:]
  /// What is committed, as the first member applied it; index 1 is at 0 (state-machine safety).
  private var committed: [CommittedEntry] = []
  /// Ids of writes applied, and where.
  private var appliedWrites: [UInt64: LogIndex] = [:]
  /// Writes that a replica said would never take effect.
  private var refusedWrites: Set<UInt64> = []
  /// The last index of a write acknowledged to a client.
  private(set) var acknowledgedIndex = LogIndex.zero

  private struct Slot: Hashable {
    var index: LogIndex
    var term: Term
  }

  private struct WrittenEntry {
    var digest: Digest
    var previousTerm: Term?
  }

  private struct CommittedEntry {
    var entry: Entry
    /// The term of the first member to apply it: it was committed in this term or before.
    var seenInTerm: Term
    /// Of everything up to here.
    var machineDigest: Digest
  }

  var committedIndex: LogIndex { LogIndex(UInt64(committed.count)) }

  mutating func report(_ rule: String, _ detail: String) {
    if violation == nil { violation = Violation(rule: rule, detail: detail) }
  }

  // MARK: Observations

  /// Two logs that have an entry of equal index and term are equal up to it.
  mutating func observeWrite(_ batch: LogBatch, by member: MemberID) {
    var previousTerm: Term?
    for entry in batch.entries {
      var digest = Digest()
      digest.add(entry.encoded())
      let slot = Slot(index: entry.index, term: entry.term)
      if let known = written[slot] {
        let isSameBefore = known.previousTerm == nil || previousTerm == nil || known.previousTerm == previousTerm
        if known.digest != digest || !isSameBefore {
          report("log matching", "member \(member) has another entry \(entry.index) of term \(entry.term)")
        }
      }
      if written[slot]?.previousTerm == nil {
        written[slot] = WrittenEntry(digest: digest, previousTerm: previousTerm)
      }
      previousTerm = entry.term
    }
  }

  /// At most one leader a term, and it has everything committed before its term.
  mutating func observeLeader(_ status: ReplicaStatus, log: SimulatedDisk.Contents) {
    if let known = leaders[status.term] {
      if known != status.member {
        report("election safety", "members \(known) and \(status.member) both lead term \(status.term)")
      }
      return
    }
    leaders[status.term] = status.member
    for known in committed where known.seenInTerm < status.term {
      let index = known.entry.index
      let isCovered = log.snapshot.map { index <= $0.index } ?? false
      if !isCovered, log.term(at: index) != known.entry.term {
        report("leader completeness", "leader \(status.member) of term \(status.term) lacks entry \(index)")
        return
      }
    }
  }

  /// All members apply the same entry at an index, and each write takes effect at most once.
  mutating func observeApplied(_ applied: [(entry: Entry, write: UInt64?)], by status: ReplicaStatus) {
    for (entry, write) in applied {
      let position = Int(entry.index.rawValue) - 1
      if position < committed.count {
        if committed[position].entry != entry {
          report("state-machine safety", "member \(status.member) applied another entry \(entry.index)")
          return
        }
        continue
      }
      guard position == committed.count else {
        report("state-machine safety", "member \(status.member) applied entry \(entry.index) out of order")
        return
      }
      observeCommitted(entry, in: status.term)
      if let write { observeEffect(of: write, at: entry.index) }
    }
  }

  private mutating func observeCommitted(_ entry: Entry, in term: Term) {
    var digest = committed.last?.machineDigest ?? Digest()
    if let last = committed.last?.entry {
      if entry.timestampNanoseconds < last.timestampNanoseconds {
        report("time", "the stamp of entry \(entry.index) lies before that of the entry before")
      }
      if entry.term < last.term { report("log matching", "the term of entry \(entry.index) went back") }
    }
    digest.add(entry.encoded())
    committed.append(CommittedEntry(entry: entry, seenInTerm: term, machineDigest: digest))
  }

  private mutating func observeEffect(of id: UInt64, at index: LogIndex) {
    if let earlier = appliedWrites[id] {
      report("at most once", "write \(id) took effect at \(earlier) and at \(index)")
    }
    if refusedWrites.contains(id) { report("definite refusals", "write \(id) was refused, and applied at \(index)") }
    appliedWrites[id] = index
  }

  /// A replica's state equals that of everyone else at the same index, also after a snapshot.
  mutating func observeMachine(_ machine: SimulatedMachine, of member: MemberID) {
    guard machine.index > .zero, Int(machine.index.rawValue) <= committed.count else { return }
    if committed[Int(machine.index.rawValue) - 1].machineDigest != machine.digest {
      report("state-machine safety", "the state of member \(member) at \(machine.index) is not that of the others")
    }
  }

  mutating func observeAcknowledged(_ id: UInt64) {
    guard let index = appliedWrites[id] else {
      report("acknowledged writes", "write \(id) was acknowledged and is not committed")
      return
    }
    acknowledgedIndex = max(acknowledgedIndex, index)
  }

  mutating func observeRefused(_ id: UInt64) {
    if let index = appliedWrites[id] { report("definite refusals", "write \(id) was refused, and applied at \(index)") }
    refusedWrites.insert(id)
  }

  /// A quorum read sees every write acknowledged before it was asked.
  mutating func observeRead(at machine: SimulatedMachine, of member: MemberID, acknowledgedBefore index: LogIndex) {
    if machine.index < index {
      report("stale read", "member \(member) answered at \(machine.index), though \(index) was acknowledged before")
    }
  }
}
