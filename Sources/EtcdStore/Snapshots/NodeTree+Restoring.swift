// SPDX-License-Identifier: Apache-2.0

// What reading a snapshot asks of a tree.
extension NodeTree {
  func hasChild(of parent: NodeID, named name: String) -> Bool {
    find(NodeKey.child(of: self[parent].key, named: name)) != nil
  }

  mutating func insertChild(of parent: NodeID, named name: String, value: String?, index: EtcdIndex) -> NodeID {
    insertChild(of: parent, Node(key: NodeKey.child(of: self[parent].key, named: name), value: value, index: index))
  }
}
