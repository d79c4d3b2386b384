// SPDX-License-Identifier: Apache-2.0
import Units

/// Puts entries of several machines into the order of their times.
///
/// Each machine delivers in the order of its own journal, which is kept. While every open machine has an entry waiting, the
/// earliest is the next; a machine that has none is waited for, when reading live no longer than ``holdBack`` after an
/// entry has arrived. Clocks of machines that differ by more than that show in the order.
///
/// Invariant: at most ``machineEntries`` or ``machineBytes``, and one batch more, wait for each machine, as long as whoever
/// adds asks ``isFull(_:)`` first.
struct JournalMerge {
  /// How long an entry that has arrived waits for earlier ones of other machines.
  static let holdBack = Duration.milliseconds(250)
  /// Entries of a machine after which no more are to be added.
  static let machineEntries = 2_000
  /// The same in bytes of messages.
  static let machineBytes = 1 << 20

  private struct Item {
    var record: JournalRecord
    var arrival: Duration
  }

  private struct Machine {
    var isOpen = true
    var items: ArraySlice<Item> = []
    var bytes = 0
  }

  private var machines: [String: Machine] = [:]

  /// A machine is going to deliver.
  mutating func open(_ machine: String) {
    machines[machine, default: Machine()].isOpen = true
  }

  /// A machine delivers nothing for now; nobody waits for it.
  mutating func close(_ machine: String) {
    machines[machine]?.isOpen = false
    if machines[machine]?.items.isEmpty == true { machines[machine] = nil }
  }

  /// Takes entries of a machine.
  mutating func add(_ records: [JournalRecord], from machine: String, at now: Duration) {
    machines[machine, default: Machine()].items.append(contentsOf: records.map { Item(record: $0, arrival: now) })
    machines[machine]?.bytes += records.reduce(0) { $0 + $1.message.count }
  }

  /// Whether enough of a machine's entries are waiting.
  func isFull(_ machine: String) -> Bool {
    guard let machine = machines[machine] else { return false }
    return machine.items.count >= Self.machineEntries || machine.bytes >= Self.machineBytes
  }

  /// The machines that are waited for, sorted.
  var hungry: [String] { machines.filter { $0.value.isOpen && $0.value.items.isEmpty }.keys.sorted() }

  /// Whether nothing is waiting and no machine is open.
  var isOver: Bool { machines.isEmpty }

  /// The entries whose turn it is.
  ///
  /// - Parameters:
  ///   - now: The time; nil waits for machines for as long as it takes.
  ///   - limit: The most to take.
  /// - Returns: The entries, in the order to be shown.
  mutating func take(at now: Duration?, limit: Int = 1_000) -> [JournalRecord] {
    var taken: [JournalRecord] = []
    while taken.count < limit, let machine = earliest, mayGo(now), let item = machines[machine]?.items.popFirst() {
      machines[machine]?.bytes -= item.record.message.count
      if machines[machine]?.isOpen == false, machines[machine]?.items.isEmpty == true { machines[machine] = nil }
      taken.append(item.record)
    }
    return taken
  }

  /// The machine with the earliest entry; of equals the first by id, so that the order is always the same.
  private var earliest: String? {
    var first: (machine: String, time: Int64)?
    for (id, machine) in machines {
      guard let time = machine.items.first?.record.epochMicroseconds else { continue }
      if first.map({ (time, id) < ($0.time, $0.machine) }) ?? true { first = (id, time) }
    }
    return first?.machine
  }

  private func mayGo(_ now: Duration?) -> Bool {
    if machines.values.allSatisfy({ !$0.isOpen || !$0.items.isEmpty }) { return true }
    guard let now else { return false }
    return machines.values.contains { machine in machine.items.first.map { $0.arrival + Self.holdBack <= now } ?? false
    }
  }
}
