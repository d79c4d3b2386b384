// SPDX-License-Identifier: Apache-2.0

/// The way from a directory and a name to the node: a hash table whose chains run through the nodes.
///
/// It grows by one bucket a node, so no write pays for moving all the others. Hashes differ from process to process,
/// which nobody sees: the table is only ever asked for one node.
/// Source: Litwin, "Linear Hashing: A New Tool for File and Table Addressing" (VLDB 1980).
extension NodeTree {
  /// The child of a directory with a name.
  func child(of parent: NodeID, named name: UnsafeBufferPointer<UInt8>) -> NodeID? {
    var next = buckets[bucket(of: parent, name)].id
    while let id = next {
      if self[id].parent == parent, haveEqualBytes(self[id].name, name) { return id }
      next = self[id].nextInBucket
    }
    return nil
  }

  /// Enters a node whose parent and name are set.
  mutating func enter(_ id: NodeID) {
    enteredCount += 1
    if enteredCount > buckets.count { splitBucket() }
    let place = bucket(of: id)
    self[id].nextInBucket = buckets[place].id
    buckets[place] = Link(id)
  }

  /// Takes a node out.
  mutating func leave(_ id: NodeID) {
    enteredCount -= 1
    let place = bucket(of: id)
    let following = self[id].nextInBucket
    guard var previous = buckets[place].id, previous != id else {
      buckets[place] = Link(following)
      return
    }
    while let next = self[previous].nextInBucket, next != id { previous = next }
    self[previous].nextInBucket = following
  }

  /// Adds a bucket, and moves into it what now belongs there from the one bucket that can hold such.
  private mutating func splitBucket() {
    let added = buckets.count
    let halved = added ^ Self.highestBit(of: added)
    buckets.append(.none)
    var next = buckets[halved].id
    buckets[halved] = .none
    while let id = next {
      next = self[id].nextInBucket
      let place = bucket(of: id)
      self[id].nextInBucket = buckets[place].id
      buckets[place] = Link(id)
    }
  }

  private func bucket(of id: NodeID) -> Int {
    let parent = self[id].parent ?? Self.rootID
    var name = self[id].name
    return name.withUTF8 { bucket(of: parent, $0) }
  }

  private func bucket(of parent: NodeID, _ name: UnsafeBufferPointer<UInt8>) -> Int {
    var hasher = Hasher()
    hasher.combine(parent.slot)
    hasher.combine(bytes: UnsafeRawBufferPointer(name))
    let hash = hasher.finalize()
    let half = Self.highestBit(of: buckets.count)
    let place = hash & (2 * half - 1)
    return place < buckets.count ? place : place & (half - 1)
  }

  private static func highestBit(of number: Int) -> Int {
    1 << (Int.bitWidth - 1 - number.leadingZeroBitCount)
  }
}

/// Whether a string consists of some bytes.
private func haveEqualBytes(_ text: String, _ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
  guard text.utf8.count == bytes.count else { return false }
  return text.utf8.withContiguousStorageIfAvailable { $0.elementsEqual(bytes) } ?? text.utf8.elementsEqual(bytes)
}
