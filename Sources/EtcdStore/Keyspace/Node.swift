// SPDX-License-Identifier: Apache-2.0

/// Names a slot of the tree; valid until the node in it is removed.
struct NodeID: Hashable {
  var slot: Int32
}

/// A file or directory of the tree, linked to its relatives by slot.
struct Node {
  /// The absolute, clean key.
  var key: String
  /// The file's value; nil for a directory.
  var value: String?
  var createdIndex: EtcdIndex
  var modifiedIndex: EtcdIndex
  /// Nil for a permanent node.
  var expiration: Timestamp?
  /// Where the node stands in the expiration heap; nil for a permanent node.
  var heapPosition: Int?

  // Children form a list in order of creation, so that listings are the same on every member without sorting.
  var parent: NodeID?
  var firstChild: NodeID?
  var lastChild: NodeID?
  var previousSibling: NodeID?
  var nextSibling: NodeID?

  var isDirectory: Bool { value == nil }
  var isHidden: Bool { NodeKey.isHidden(key) }

  init(key: String, value: String?, index: EtcdIndex) {
    self.key = key
    self.value = value
    createdIndex = index
    modifiedIndex = index
  }
}
