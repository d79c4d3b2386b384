// SPDX-License-Identifier: Apache-2.0

/// The nodes in numbered slots, linked as a tree; a key is found by walking down its elements.
///
/// A value type: a write touches a few slots in place. While a copy is alive it copies the pieces it touches, not the
/// tree (``ChunkedArray``).
///
/// Invariant: slot 0 holds the root, a permanent directory; every other node's parent is a directory in the tree.
struct NodeTree {
  private var slots = ChunkedArray<Node>()
  private var freeSlots: [Int32] = []
  /// The beginning of each chain of the index; see NodeTree+Index.swift.
  var buckets = ChunkedArray<Link>()
  /// How many nodes are in the index: all but the root.
  var enteredCount = 0
  /// The nodes that expire, as a binary heap; see NodeTree+Expiration.swift.
  var heap: [NodeID] = []

  static let rootID = NodeID(slot: 0)

  init() {
    slots.append(Node(name: "", value: nil, index: .zero))
    buckets.append(.none)
  }

  /// How many nodes there are, the root included.
  var count: Int { enteredCount + 1 }

  subscript(id: NodeID) -> Node {
    _read { yield slots[Int(id.slot)] }
    _modify { yield &slots[Int(id.slot)] }
  }

  /// The node with a clean key.
  func find(_ key: String) -> NodeID? {
    let way = walk(key)
    return way.isWhole ? way.id : nil
  }

  /// The key of a node.
  func key(of id: NodeID) -> String {
    guard id != Self.rootID else { return NodeKey.root }
    var length = 0
    var next = id
    while next != Self.rootID {
      length += 1 + self[next].name.utf8.count
      next = self[next].parent ?? Self.rootID
    }
    return String(unsafeUninitializedCapacity: length) { bytes in
      var end = length
      var next = id
      while next != Self.rootID {
        var name = self[next].name
        end -= name.utf8.count
        name.withUTF8 { source in
          for position in source.indices { bytes[end + position] = source[position] }
        }
        end -= 1
        bytes[end] = NodeKey.slash
        next = self[next].parent ?? Self.rootID
      }
      return length
    }
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
    let way = walk(key)
    if !self[way.id].isDirectory { return .file(key: self.key(of: way.id)) }
    let bytes = key.utf8.dropFirst(way.foundBytes + 1)
    let end = bytes.firstIndex(of: NodeKey.slash) ?? key.utf8.endIndex
    return .missing(key: String(key[..<end]))
  }

  /// How far a clean key leads.
  private func walk(_ key: String) -> (id: NodeID, foundBytes: Int, isWhole: Bool) {
    var key = key
    return key.withUTF8 { bytes in
      var id = Self.rootID
      var found = 0
      while found + 1 < bytes.count {
        let start = found + 1
        let end = bytes[start...].firstIndex(of: NodeKey.slash) ?? bytes.count
        guard let child = child(of: id, named: UnsafeBufferPointer(rebasing: bytes[start..<end])) else {
          return (id, found, false)
        }
        id = child
        found = end
      }
      return (id, found, true)
    }
  }

  /// Adds a node below directories that are made where they are missing.
  ///
  /// The caller has checked that neither the key nor a file on the way to it is in the tree.
  mutating func insert(key: String, value: String?, index: EtcdIndex) -> NodeID {
    let way = walk(key)
    var parent = way.id
    let missing = key.utf8.dropFirst(way.foundBytes).split(separator: NodeKey.slash)
    for name in missing.dropLast() {
      parent = insertChild(of: parent, Node(name: String(Substring(name)), value: nil, index: index))
    }
    let name = missing.last.map { String(Substring($0)) } ?? ""
    return insertChild(of: parent, Node(name: name, value: value, index: index))
  }

  /// Adds a node as the last child of a directory.
  mutating func insertChild(of parent: NodeID, _ node: Node) -> NodeID {
    precondition(self[parent].isDirectory, "a parent is a directory")
    precondition(!node.name.isEmpty, "only the root has no name")
    let id: NodeID
    if let slot = freeSlots.popLast() {
      id = NodeID(slot: slot)
      self[id] = node
    } else {
      id = NodeID(slot: Int32(slots.count))
      slots.append(node)
    }
    self[id].parent = parent
    enter(id)
    let last = self[parent].lastChild
    self[id].previousSibling = last
    if let last {
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
    var removed: [String] = []
    var pending = [(id: id, key: key(of: id))]
    unlink(id)
    while let next = pending.popLast() {
      var child = self[next.id].firstChild
      while let current = child {
        let key = NodeKey.child(of: next.key, named: self[current].name)
        removed.append(key)
        pending.append((current, key))
        child = self[current].nextSibling
      }
      free(next.id)
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
    let (parent, previous, next) = (self[id].parent, self[id].previousSibling, self[id].nextSibling)
    if let previous {
      self[previous].nextSibling = next
    } else if let parent {
      self[parent].firstChild = next
    }
    if let next {
      self[next].previousSibling = previous
    } else if let parent {
      self[parent].lastChild = previous
    }
  }

  private mutating func free(_ id: NodeID) {
    setExpiration(of: id, to: nil)
    leave(id)
    self[id] = Node(name: "", value: nil, index: .zero)
    freeSlots.append(id.slot)
  }
}
