// SPDX-License-Identifier: Apache-2.0

/// Machines from the least to the most loaded; of equally loaded ones the smaller id comes first.
///
/// A change costs two binary searches and a move of what lies between, not a look at every machine.
struct LoadOrder: Sendable {
  private struct Entry: Sendable, Comparable {
    var load: MachineLoad
    var id: String

    static func < (left: Entry, right: Entry) -> Bool {
      left.load == right.load ? left.id < right.id : left.load < right.load
    }
  }

  private var entries: [Entry] = []
  private var loads: [String: MachineLoad] = [:]

  /// The machines in their order.
  var ids: some Sequence<String> { entries.lazy.map(\.id) }

  /// The machines the other way round.
  var mostLoadedFirst: some Sequence<String> { entries.lazy.reversed().map(\.id) }

  /// Puts a machine at its place, or takes it out when it has no load because it is gone.
  mutating func set(_ load: MachineLoad?, of id: String) {
    let old = loads[id]
    guard old != load else { return }
    if let old { entries.remove(at: position(of: Entry(load: old, id: id))) }
    loads[id] = load
    if let load {
      let entry = Entry(load: load, id: id)
      entries.insert(entry, at: position(of: entry))
    }
  }

  /// The least loaded of some machines that meets a condition.
  func first(of ids: some Sequence<String>, where isMet: (String) -> Bool) -> String? {
    var best: Entry?
    for id in ids {
      guard let load = loads[id] else { continue }
      let entry = Entry(load: load, id: id)
      if best.map({ entry < $0 }) ?? true, isMet(id) { best = entry }
    }
    return best?.id
  }

  /// The least loaded of all machines that meets a condition.
  func first(where isMet: (String) -> Bool) -> String? {
    entries.first { isMet($0.id) }?.id
  }

  /// Where an entry is, or would be.
  private func position(of entry: Entry) -> Int {
    var low = 0
    var high = entries.count
    while low < high {
      let middle = (low + high) / 2
      if entries[middle] < entry { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
