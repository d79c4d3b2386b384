// SPDX-License-Identifier: Apache-2.0
import Units

/// The last part of a pass: machines that are being drained give their units away, one after another.
extension ClusterLedger {
  /// Moves the first unit by name off each of some machines that another machine takes.
  ///
  /// Units that must be together with another one are not moved by themselves: they follow it, and it only goes where all
  /// of them can. Global units stay. A unit that nobody takes stays too, and runs on. A oneshot that was started stays to
  /// its end and after it: elsewhere it would be started, and do its work again.
  mutating func drain(_ machineIDs: [String]) {
    for id in machineIDs.sorted() where occupancies[id]?.machine.isDraining ?? false {
      let names = (occupancies[id]?.jobs.keys.sorted() ?? []).filter { canLead($0, awayFrom: id) }
      for name in names {
        guard let job = jobs[name], let refuge = refuge(for: job, from: id), takesFollowers(of: name, on: id, refuge)
        else { continue }
        evict(name, from: id, to: refuge, because: "machine is being drained")
        break
      }
    }
  }

  private func canLead(_ name: String, awayFrom id: String) -> Bool {
    guard let job = jobs[name], job.targetMachineID == id, put[name] == nil, unable[name] == nil else { return false }
    let doesWorkOnce = job.oneshot == .ends && job.targetState == .launched
    return job.isFileKnown && job.requirements.peers.isEmpty && !doesWorkOnce
  }

  /// Whether a machine takes those that must be together with a unit, and with them in turn.
  private func takesFollowers(of name: String, on id: String, _ refuge: String) -> Bool {
    var pending = Array(followers[name] ?? [])
    var seen: Set<String> = []
    while let follower = pending.popLast() {
      guard occupancies[id]?.jobs[follower] != nil, seen.insert(follower).inserted else { continue }
      guard let job = jobs[follower], occupancies[refuge]?.machine.fits(job) ?? false else { return false }
      guard !conflicts.barriers(to: job).keepAway(from: refuge) else { return false }
      pending += followers[follower] ?? []
    }
    return true
  }
}
