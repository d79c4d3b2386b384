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
    var round = PlacingRound(fresh.union(freer.isEmpty ? [] : refused).union(followersWaiting(on: changed)))
    var newlyRefused: [String] = []
    while !round.isEmpty {
      var next: Set<String> = []
      while let name = round.next() {
        guard let job = jobs[name], needsPlace(name), put[name] == nil else { continue }
        guard put.count < limit else {
          if !fresh.contains(name) { offer(name) }
          continue
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
private struct PlacingRound {
  private let names: [String]
  private var position = 0
  /// The names that were added, the next one last.
  private var added: [String] = []

  init(_ names: Set<String>) {
    self.names = names.sorted()
  }

  var isEmpty: Bool { position == names.count && added.isEmpty }

  mutating func next() -> String? {
    if let last = added.last, position == names.count || last < names[position] { return added.removeLast() }
    guard position < names.count else { return nil }
    defer { position += 1 }
    return names[position]
  }

  /// Adds a name that comes after the last one taken, unless it is still to come.
  mutating func insert(_ name: String) {
    let place = Self.search(names[position...]) { $0 < name }
    guard place == names.count || names[place] != name else { return }
    let late = Self.search(added[...]) { $0 > name }
    guard late == added.count || added[late] != name else { return }
    added.insert(name, at: late)
  }

  /// The first position whose name does not come before.
  private static func search(_ names: ArraySlice<String>, _ isBefore: (String) -> Bool) -> Int {
    var (low, high) = (names.startIndex, names.endIndex)
    while low < high {
      let middle = (low + high) / 2
      if isBefore(names[middle]) { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
