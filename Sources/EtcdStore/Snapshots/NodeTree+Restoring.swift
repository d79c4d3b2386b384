// SPDX-License-Identifier: Apache-2.0

/// The steps by which a snapshot builds a tree, which know the parent and need no look-up by whole key.
extension NodeTree {
  func hasChild(of parent: NodeID, named name: String) -> Bool {
    var name = name
    return name.withUTF8 { child(of: parent, named: $0) } != nil
  }

  mutating func insertChild(of parent: NodeID, named name: String, value: String?, index: EtcdIndex) -> NodeID {
    insertChild(of: parent, Node(name: name, value: value, index: index))
  }
}
