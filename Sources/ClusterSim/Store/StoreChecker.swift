// SPDX-License-Identifier: Apache-2.0

import EtcdStore
@_spi(Simulation) import EtcdServer
import Histories
@_spi(Simulation) import Raft

/// Compares every member with one store that applies what is committed, in its order, by itself.
struct StoreChecker {
  /// The whole state is compared at every so many indexes, the store's index at all.
  private static let hashInterval: UInt64 = 16

  private(set) var raft = Checker()
  /// What every member must hold at the newest committed index.
  private(set) var reference: Store
  /// The changes there were.
  private(set) var sequence = EventSequence()
  /// The store's index at each index of the log; the log's first entry is at 1.
  private var etcdIndexes: [EtcdIndex] = [.zero]
  /// The hash of the state at some indexes of the log, as the first member there had it.
  private var hashes: [LogIndex: UInt64] = [:]
  /// The part of a history that shows the violation.
  private(set) var window: [String] = []

  init(historyCapacity: Int) {
    reference = Store(historyCapacity: historyCapacity)
  }

  var violation: Violation? { raft.violation }

  mutating func report(_ rule: String, _ detail: String) {
    raft.report(rule, detail)
  }

  mutating func report(_ violation: HistoryViolation) {
    if raft.violation == nil { window = violation.window }
    raft.report(violation.rule, violation.detail)
  }

  mutating func observeWrite(_ batch: LogBatch, by member: MemberID) {
    raft.observeWrite(batch, by: member)
  }

  /// Takes over what a member applied in a turn, and compares the state that this left it in.
  mutating func observe(_ turn: SteppedMember.Turn, of member: StoreMember) {
    if let violation = turn.violation { report("replica", "member \(member.name): \(violation)") }
    let known = raft.committedIndex
    raft.observeApplied(turn.entries.map { ($0, nil) }, by: turn.status)
    guard violation == nil else { return }
    for entry in turn.entries where entry.index > known { apply(entry) }
    if turn.status.role == .leader { raft.observeLeader(turn.status, log: member.disk.durable) }
    guard !turn.entries.isEmpty || turn.restoredSnapshot != nil else { return }
    if let applied = member.status?.appliedIndex { compare(member, at: applied) }
  }

  private mutating func apply(_ entry: Entry) {
    let stamp = Timestamp(nanosecondsSinceEpoch: entry.timestampNanoseconds)
    if let command = SteppedMember.command(of: entry) {
      for event in reference.apply(command, at: stamp).events {
        sequence.add(event)
        if let violation = ExpiryCheck().checkEarly(event, at: stamp) { report(violation) }
      }
    }
    etcdIndexes.append(reference.etcdIndex)
  }

  /// A member's state equals that of everyone else at the same index, also after a snapshot.
  private mutating func compare(_ member: StoreMember, at index: LogIndex) {
    guard let store = member.process?.store, Int(index.rawValue) < etcdIndexes.count else { return }
    let expected = etcdIndexes[Int(index.rawValue)]
    if store.etcdIndex != expected {
      let detail =
        "member \(member.name) is at index \(store.etcdIndex) at entry \(index), and should be at \(expected)"
      report("equal stores", detail)
    } else if index.rawValue % Self.hashInterval == 0 {
      compareWhole(store, of: member, at: index)
    }
  }

  private mutating func compareWhole(_ store: Store, of member: StoreMember, at index: LogIndex) {
    let hash = store.stateHash
    if index == raft.committedIndex, hash != reference.stateHash {
      report("equal stores", "member \(member.name) does not hold at entry \(index) what the log says")
    }
    if let known = hashes.updateValue(hash, forKey: index), known != hash {
      report("equal stores", "member \(member.name) differs from others at entry \(index)")
    }
  }

  /// A member that has everything holds exactly what the log says.
  mutating func compareFinal(_ member: StoreMember) {
    guard let store = member.process?.store else { return }
    if store.stateHash != reference.stateHash {
      report("equal stores", "member \(member.name) does not hold in the end what the log says")
    }
  }

  /// The changes, with the knowledge that none is missing.
  var completeSequence: EventSequence {
    var complete = sequence
    if reference.etcdIndex > .zero { complete.noteComplete(EtcdIndex(1)...reference.etcdIndex) }
    return complete
  }
}
