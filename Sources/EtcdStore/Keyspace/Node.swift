// SPDX-License-Identifier: Apache-2.0

/// Names a slot of the tree; valid until the node in it is removed.
struct NodeID: Hashable {
  var slot: Int32
}

/// A file or directory of the tree, linked to its relatives by slot.
///
/// A store may hold millions of these, so what is absent is a number that cannot be, not an optional beside one.
struct Node {
  /// The last element of the key; those above it are the parents' names.
  private(set) var name: String
  /// The file's value; nil for a directory.
  var value: String?
  var createdIndex: EtcdIndex
  var modifiedIndex: EtcdIndex
  private var expirationNanoseconds = Int64.min
  private var heapSlot = Link.none

  // Children form a list in order of creation, so that listings are the same on every member without sorting.
  private var parentLink = Link.none
  private var firstChildLink = Link.none
  private var lastChildLink = Link.none
  private var previousSiblingLink = Link.none
  private var nextSiblingLink = Link.none
  private var nextInBucketLink = Link.none

  init(name: String, value: String?, index: EtcdIndex) {
    self.name = name
    self.value = value
    createdIndex = index
    modifiedIndex = index
  }

  var isDirectory: Bool { value == nil }
  var isHidden: Bool { name.utf8.first == UInt8(ascii: "_") }

  /// Nil for a permanent node.
  var expiration: Timestamp? {
    get { expirationNanoseconds == .min ? nil : Timestamp(nanosecondsSinceEpoch: expirationNanoseconds) }
    set { expirationNanoseconds = newValue?.nanosecondsSinceEpoch ?? .min }
  }

  /// Where the node stands in the expiration heap; nil for a permanent node.
  var heapPosition: Int? {
    get { heapSlot.id.map { Int($0.slot) } }
    set { heapSlot = Link(newValue.map { NodeID(slot: Int32($0)) }) }
  }

  var parent: NodeID? {
    get { parentLink.id }
    set { parentLink = Link(newValue) }
  }
  var firstChild: NodeID? {
    get { firstChildLink.id }
    set { firstChildLink = Link(newValue) }
  }
  var lastChild: NodeID? {
    get { lastChildLink.id }
    set { lastChildLink = Link(newValue) }
  }
  var previousSibling: NodeID? {
    get { previousSiblingLink.id }
    set { previousSiblingLink = Link(newValue) }
  }
  var nextSibling: NodeID? {
    get { nextSiblingLink.id }
    set { nextSiblingLink = Link(newValue) }
  }
  /// The next node whose name falls into the same bucket of the index.
  var nextInBucket: NodeID? {
    get { nextInBucketLink.id }
    set { nextInBucketLink = Link(newValue) }
  }
}

/// A slot, or none, in four bytes.
struct Link {
  static let none = Link(nil)

  private let slot: Int32

  init(_ id: NodeID?) {
    slot = id?.slot ?? -1
  }

  var id: NodeID? { slot < 0 ? nil : NodeID(slot: slot) }
}
