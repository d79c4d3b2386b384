// SPDX-License-Identifier: Apache-2.0
import Units

/// The second part of a pass: a place for everything that needs one.
extension ClusterLedger {
  /// Offers units to machines in order of their names, round after round, until nothing more fits, so that units that
  /// must be together find each other in one pass.
  ///
  /// - Parameters:
  ///   - changed: Machines that something changed on.
  ///   - freer: Those of them that may take a unit that they refused.
  ///   - limit: How many units get a place at most; the others are offered at the next pass.
  /// - Returns: Units that all machines refused and had not before, by name.
  mutating func place(changed: Set<String>, freer: [String], atMost limit: Int) -> [String] {
    let again = (freer.isEmpty ? [] : refused).union(followersWaiting(on: changed))
    var round = PlacingRound(again.isEmpty ? fresh : fresh.union(again))
    var newlyRefused: [String] = []
    while !round.isEmpty {
      var next: Set<String> = []
      while let name = round.next() {
        guard let job = jobs[name], put[name] == nil, needsPlace(name) else { continue }
        guard put.count < limit else {
          // The fresh ones stay fresh.
          for name in [name] + round.rest where !fresh.contains(name) && put[name] == nil && needsPlace(name) {
            offer(name)
          }
          break
        }
        guard let id = choice(for: job, freer: freer) else {
          if refuse(job) { newlyRefused.append(name) }
          continue
        }
        place(job, on: id)
        for follower in followers[name] ?? [] where waitingForPeers.contains(follower) {
          if follower < name { next.insert(follower) } else { round.insert(follower) }
        }
      }
      round = PlacingRound(next)
    }
    return newlyRefused.filter { put[$0] == nil }.sorted()
  }

  /// Units that wait for a unit which is on one of these machines.
  private func followersWaiting(on machineIDs: Set<String>) -> Set<String> {
    guard !waitingForPeers.isEmpty else { return [] }
    var names: Set<String> = []
    for id in machineIDs {
      for peer in occupancies[id]?.jobs.keys ?? [:].keys {
        for follower in followers[peer] ?? [] where waitingForPeers.contains(follower) { names.insert(follower) }
      }
    }
    return names
  }

  /// The least loaded machine that takes a unit.
  private func choice(for job: Job, freer: [String]) -> String? {
    let barriers = conflicts.barriers(to: job)
    guard !barriers.cover(occupancies.count) else { return nil }
    func isTaken(_ id: String) -> Bool {
      !barriers.keepAway(from: id) && occupancies[id]?.accepts(job) ?? false
    }
    if let peer = job.requirements.peers.first {
      guard let peer = jobs[peer] else { return nil }
      if !peer.requirements.isGlobal {
        guard let id = put[peer.name] ?? peer.targetMachineID else { return nil }
        return isTaken(id) ? id : nil
      }
    } else if !fresh.contains(job.name) {
      return order.first(of: freer, where: isTaken)
    }
    if let candidates = directory.candidates(for: job.requirements), candidates.count < occupancies.count / 4 {
      return order.first(of: candidates, where: isTaken)
    }
    return order.first(where: isTaken)
  }

  /// Notes that all machines refused a unit; returns whether that is new.
  private mutating func refuse(_ job: Job) -> Bool {
    if job.requirements.peers.isEmpty { refused.insert(job.name) } else { waitingForPeers.insert(job.name) }
    return fresh.remove(job.name) != nil
  }

  /// Gives a unit its place until the store says otherwise.
  mutating func place(_ job: Job, on id: String) {
    var newcomer = job
    newcomer.targetMachineID = id
    newcomer.placedAt = .max
    occupancies[id]?.add(newcomer)
    conflicts.count(newcomer, on: id, by: 1)
    order.set(occupancies[id]?.load, of: id)
    put[job.name] = id
    fresh.remove(job.name)
    refused.remove(job.name)
    waitingForPeers.remove(job.name)
  }
}

/// Names in their order, to which later ones may be added while they are gone through.
///
/// A heap: of many names only those are put in order that are taken before the limit of a pass is reached.
private struct PlacingRound {
  /// The least name is first, and none comes before the one at half its position.
  private var heap: [String]

  init(_ names: Set<String>) {
    heap = Array(names)
    for position in stride(from: heap.count / 2 - 1, through: 0, by: -1) { sink(position) }
  }

  var isEmpty: Bool { heap.isEmpty }

  /// What is still to come, in no particular order.
  var rest: [String] { heap }

  mutating func next() -> String? {
    guard let last = heap.popLast() else { return nil }
    guard let first = heap.first else { return last }
    heap[0] = last
    sink(0)
    // A name that was added while it was still to come is there twice.
    if heap.first == first { return next() }
    return first
  }

  /// Adds a name that comes after the last one taken.
  mutating func insert(_ name: String) {
    heap.append(name)
    var child = heap.count - 1
    while child > 0, heap[child] < heap[(child - 1) / 2] {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  private mutating func sink(_ position: Int) {
    var parent = position
    while true {
      var least = parent
      let (left, right) = (2 * parent + 1, 2 * parent + 2)
      if left < heap.count, heap[left] < heap[least] { least = left }
      if right < heap.count, heap[right] < heap[least] { least = right }
      guard least != parent else { return }
      heap.swapAt(least, parent)
      parent = least
    }
  }
}
