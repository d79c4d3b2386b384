// SPDX-License-Identifier: Apache-2.0

/// The order in which nodes expire: a binary heap of slots that knows each node's place, so that changing or clearing
/// one expiration costs a logarithm of their number.
///
/// Ties go by modifiedIndex, which no two expiring nodes share, so every member expires them in the same order.
extension NodeTree {
  /// The node that expires first.
  var nextToExpire: NodeID? { heap.first }

  /// Gives a node an expiration, or makes it permanent.
  ///
  /// The node's modifiedIndex must hold its final number already and may not change while the node is in the heap but
  /// through another call.
  mutating func setExpiration(of id: NodeID, to expiration: Timestamp?) {
    removeFromHeap(id)
    self[id].expiration = expiration
    guard expiration != nil else { return }
    heap.append(id)
    self[id].heapPosition = heap.count - 1
    siftUp(heap.count - 1)
  }

  private mutating func removeFromHeap(_ id: NodeID) {
    guard let position = self[id].heapPosition else { return }
    self[id].heapPosition = nil
    guard let last = heap.popLast(), last != id else { return }
    heap[position] = last
    self[last].heapPosition = position
    siftUp(position)
    if let settled = self[last].heapPosition { siftDown(settled) }
  }

  private mutating func siftUp(_ start: Int) {
    var position = start
    while position > 0 {
      let parent = (position - 1) / 2
      guard expires(heap[position], before: heap[parent]) else { return }
      swapInHeap(position, parent)
      position = parent
    }
  }

  private mutating func siftDown(_ start: Int) {
    var position = start
    while true {
      var earliest = position
      for child in [2 * position + 1, 2 * position + 2] where child < heap.count {
        if expires(heap[child], before: heap[earliest]) { earliest = child }
      }
      guard earliest != position else { return }
      swapInHeap(position, earliest)
      position = earliest
    }
  }

  private mutating func swapInHeap(_ first: Int, _ second: Int) {
    heap.swapAt(first, second)
    self[heap[first]].heapPosition = first
    self[heap[second]].heapPosition = second
  }

  private func expires(_ left: NodeID, before right: NodeID) -> Bool {
    guard let leftTime = self[left].expiration, let rightTime = self[right].expiration else { return false }
    return leftTime == rightTime ? self[left].modifiedIndex < self[right].modifiedIndex : leftTime < rightTime
  }
}
