// SPDX-License-Identifier: Apache-2.0

import Histories
@_spi(Simulation) import Raft

/// What happened in a run, one line per transition, and a digest of it all.
struct Trace {
  private(set) var lines: [String] = []
  private(set) var digest = Digest()
  private let keepsLines: Bool

  init(keepsLines: Bool) {
    self.keepsLines = keepsLines
  }

  mutating func add(_ time: Int, _ subject: String, _ what: String) {
    let line = "\(padded(String(time), 6)) ms  \(subject)  \(what)"
    digest.add(line.utf8)
    if keepsLines { lines.append(line) }
  }

  /// Notes what changed in a replica's status.
  mutating func add(_ time: Int, from old: ReplicaStatus?, to new: ReplicaStatus) {
    var changes: [String] = []
    if old?.role != new.role { changes.append("\(old.map { "\($0.role) → " } ?? "")\(new.role)") }
    if old?.term != new.term { changes.append("term \(new.term)") }
    if old?.leader != new.leader { changes.append("leader \(new.leader.map(String.init(describing:)) ?? "none")") }
    if old?.commitIndex != new.commitIndex { changes.append("commit \(new.commitIndex)") }
    if old?.configuration != new.configuration {
      changes.append("voters \(new.configuration.voters) learners \(new.configuration.learners)")
    }
    if old?.isSteppedAside != new.isSteppedAside, old != nil || new.isSteppedAside {
      changes.append(new.isSteppedAside ? "stepped aside" : "storage works again")
    }
    if !changes.isEmpty { add(time, "m\(new.member)", changes.joined(separator: ", ")) }
  }

  /// Notes what a client was answered.
  mutating func note(_ operation: ClientOperation, at time: Int) {
    add(time, "c\(operation.client)", operation.description)
  }

  /// Notes what a watch brought.
  mutating func note(_ watch: RecordedWatch, at time: Int) {
    add(time, "c\(watch.client)", watch.description)
  }

  private func padded(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }
}
