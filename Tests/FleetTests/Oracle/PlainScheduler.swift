// SPDX-License-Identifier: Apache-2.0
@testable import Fleet

/// Chooses machines: the least loaded that is able, then by id, with a look at all of them.
///
/// Source: specs/fleet.md §5.4.
struct PlainScheduler {
  private(set) var occupancies: [String: MachineOccupancy]
  /// Machine ids from the least to the most loaded; kept sorted on every change.
  private var order: [String]

  init(_ occupancies: [MachineOccupancy]) {
    self.occupancies = Dictionary(uniqueKeysWithValues: occupancies.map { ($0.machine.id, $0) })
    order = []
    order = self.occupancies.keys.sorted { isLessLoaded($0, $1) }
  }

  /// The machine a unit should go to; nil when none is able.
  func machine(for job: Job) -> String? {
    order.first { occupancies[$0]?.refusal(of: job) == nil }
  }

  /// The machine a replaced unit should go to: able, and with nobody whom it would itself send away.
  ///
  /// So an eviction never causes another, and evictions cannot go round in circles.
  func refuge(for job: Job, from machineID: String) -> String? {
    order.first { candidate in
      guard candidate != machineID, let occupancy = occupancies[candidate] else { return false }
      return occupancy.refusal(of: job) == nil && occupancy.replacedJobs(by: job).isEmpty
    }
  }

  /// Gives a unit its place.
  mutating func place(_ job: Job, on machineID: String) {
    change(machineID) { $0.add(job) }
  }

  /// Takes a unit's place away.
  mutating func remove(_ name: String, from machineID: String) {
    change(machineID) { $0.remove(name) }
  }

  private mutating func change(_ machineID: String, _ body: (inout MachineOccupancy) -> Void) {
    guard var occupancy = occupancies.removeValue(forKey: machineID) else { return }
    body(&occupancy)
    occupancies[machineID] = occupancy
    order.removeAll { $0 == machineID }
    let place = order.firstIndex { isLessLoaded(machineID, $0) } ?? order.endIndex
    order.insert(machineID, at: place)
  }

  private func isLessLoaded(_ left: String, _ right: String) -> Bool {
    let (leftLoad, rightLoad) = (occupancies[left]?.load ?? MachineLoad(), occupancies[right]?.load ?? MachineLoad())
    return leftLoad == rightLoad ? left < right : leftLoad < rightLoad
  }
}
