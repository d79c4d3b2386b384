// SPDX-License-Identifier: Apache-2.0

/// The nodes in numbered slots, found by key in one look-up whatever their depth.
///
/// A value type without references: a write touches one slot and one dictionary entry in place, as long as the tree
/// is not shared with a copy.
///
/// Invariant: slot 0 holds the root, a permanent directory; every other node's parent is a directory in the tree.
struct NodeTree {
  private var slots: [Node]
  private var freeSlots: [Int32] = []
  private var slotsByKey: [ByteString: NodeID]
  /// The nodes that expire, as a binary heap; see NodeTree+Expiration.swift.
  var heap: [NodeID] = []

  static let rootID = NodeID(slot: 0)

  init() {
    slots = [Node(key: NodeKey.root, value: nil, index: .zero)]
    slotsByKey = [ByteString(NodeKey.root): Self.rootID]
  }

  /// How many nodes there are, the root included.
  var count: Int { slotsByKey.count }

  subscript(id: NodeID) -> Node {
    _read { yield slots[Int(id.slot)] }
    _modify { yield &slots[Int(id.slot)] }
  }

  /// Makes room for nodes that are about to be inserted.
  mutating func reserveCapacity(_ count: Int) {
    slots.reserveCapacity(count + 1)
    slotsByKey.reserveCapacity(count + 1)
  }

  /// The node with a key.
  func find(_ key: String) -> NodeID? {
    slotsByKey[ByteString(key)]
  }

  /// Why a key that is not in the tree cannot be reached.
  enum Obstacle: Equatable {
    /// An element on the way is a file; the key is its.
    case file(key: String)
    /// The first element that is missing; the key is its.
    case missing(key: String)
  }

  /// What stands between the root and a missing key.
  func obstacle(onWayTo key: String) -> Obstacle {
    var missing = key
    while let parent = NodeKey.parent(of: missing) {
      if let id = find(parent) {
        return self[id].isDirectory ? .missing(key: missing) : .file(key: parent)
      }
      missing = parent
    }
    return .missing(key: missing)
  }

  /// Adds a node below directories that are made where they are missing.
  ///
  /// The caller has checked that neither the key nor a file on the way to it is in the tree.
  mutating func insert(key: String, value: String?, index: EtcdIndex) -> NodeID {
    var missing: [String] = []
    var parent = Self.rootID
    var rest = key
    while let above = NodeKey.parent(of: rest) {
      if let id = find(above) {
        parent = id
        break
      }
      missing.append(above)
      rest = above
    }
    for directory in missing.reversed() {
      parent = insertChild(of: parent, Node(key: directory, value: nil, index: index))
    }
    return insertChild(of: parent, Node(key: key, value: value, index: index))
  }

  /// Adds a node as the last child of a directory.
  mutating func insertChild(of parent: NodeID, _ node: Node) -> NodeID {
    precondition(self[parent].isDirectory, "a parent is a directory")
    let id: NodeID
    if let slot = freeSlots.popLast() {
      id = NodeID(slot: slot)
      self[id] = node
    } else {
      id = NodeID(slot: Int32(slots.count))
      slots.append(node)
    }
    let previous = slotsByKey.updateValue(id, forKey: ByteString(node.key))
    precondition(previous == nil, "a key is in the tree once")
    self[id].parent = parent
    self[id].previousSibling = self[parent].lastChild
    if let last = self[parent].lastChild {
      self[last].nextSibling = id
    } else {
      self[parent].firstChild = id
    }
    self[parent].lastChild = id
    return id
  }

  /// Removes a node with everything below it.
  ///
  /// - Returns: The keys of the nodes that were below, parents before children.
  mutating func remove(_ id: NodeID) -> [String] {
    precondition(id != Self.rootID, "the root stays")
    unlink(id)
    var removed: [String] = []
    var pending = [id]
    while let next = pending.popLast() {
      var child = self[next].firstChild
      while let current = child {
        removed.append(self[current].key)
        pending.append(current)
        child = self[current].nextSibling
      }
      free(next)
    }
    return removed
  }

  /// The children of a directory in order of creation.
  func children(of id: NodeID) -> some Sequence<NodeID> {
    sequence(state: self[id].firstChild) { next -> NodeID? in
      guard let current = next else { return nil }
      next = self[current].nextSibling
      return current
    }
  }

  private mutating func unlink(_ id: NodeID) {
    let node = self[id]
    if let previous = node.previousSibling {
      self[previous].nextSibling = node.nextSibling
    } else if let parent = node.parent {
      self[parent].firstChild = node.nextSibling
    }
    if let next = node.nextSibling {
      self[next].previousSibling = node.previousSibling
    } else if let parent = node.parent {
      self[parent].lastChild = node.previousSibling
    }
  }

  private mutating func free(_ id: NodeID) {
    setExpiration(of: id, to: nil)
    slotsByKey.removeValue(forKey: ByteString(self[id].key))
    self[id] = Node(key: "", value: nil, index: .zero)
    freeSlots.append(id.slot)
  }
}
