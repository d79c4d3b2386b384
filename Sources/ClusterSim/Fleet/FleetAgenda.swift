// SPDX-License-Identifier: Apache-2.0

/// What happens when in a simulated fleet: actions by their time, those of one time in the order they were added.
struct FleetAgenda {
  private struct Entry {
    var time: Int
    var number: Int
    var action: () -> Void

    func isBefore(_ other: Entry) -> Bool { (time, number) < (other.time, other.number) }
  }

  /// A binary heap, the earliest first.
  private var heap: [Entry] = []
  private var count = 0

  /// When the next action is due, in milliseconds; nil when there is none.
  var nextTime: Int? { heap.first?.time }

  mutating func add(at time: Int, _ action: @escaping () -> Void) {
    count += 1
    heap.append(Entry(time: time, number: count, action: action))
    var child = heap.count - 1
    while child > 0, heap[child].isBefore(heap[(child - 1) / 2]) {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  /// Takes the earliest action out.
  mutating func next() -> (() -> Void)? {
    guard let first = heap.first else { return nil }
    let last = heap.removeLast()
    guard !heap.isEmpty else { return first.action }
    heap[0] = last
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child].isBefore(heap[least]) {
        least = child
      }
      guard least != parent else { return first.action }
      heap.swapAt(least, parent)
      parent = least
    }
  }
}
