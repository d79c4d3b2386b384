// SPDX-License-Identifier: Apache-2.0

/// The tree in a snapshot: each node after its parent, siblings in order of creation, with its depth and last element.
extension NodeTree {
  private struct Flags: OptionSet {
    var rawValue: UInt8
    static let directory = Flags(rawValue: 1 << 0)
    static let expires = Flags(rawValue: 1 << 1)
    static let all = Flags(rawValue: 0x03)
  }

  func encode(to writer: inout ByteWriter) {
    writer.write(variable: UInt64(count - 1))
    var depth = 1
    var next = self[Self.rootID].firstChild
    while let id = next {
      encode(id, depth: depth, to: &writer)
      if let child = self[id].firstChild {
        next = child
        depth += 1
        continue
      }
      // The next sibling, or that of the nearest ancestor which has one.
      var climbed = id
      while self[climbed].nextSibling == nil, let parent = self[climbed].parent {
        climbed = parent
        depth -= 1
      }
      next = self[climbed].nextSibling
    }
  }

  private func encode(_ id: NodeID, depth: Int, to writer: inout ByteWriter) {
    let node = self[id]
    var flags: Flags = []
    if node.isDirectory { flags.insert(.directory) }
    if node.expiration != nil { flags.insert(.expires) }
    writer.write(flags.rawValue)
    writer.write(variable: UInt64(depth))
    writer.write(node.name)
    writer.write(variable: node.createdIndex.rawValue)
    writer.write(variable: node.modifiedIndex.rawValue)
    if let value = node.value { writer.write(value) }
    if let expiration = node.expiration { writer.write(expiration) }
  }

  init(decoding reader: inout ByteReader, lastIndex: EtcdIndex) throws(StoreDecodingError) {
    self.init()
    let count = try reader.readVariable("node count")
    // The directories from the root down to the last node read; the depth says below which one the next goes.
    var path = [Self.rootID]
    var read: UInt64 = 0
    while read < count {
      let start = reader.offset
      let flags = Flags(rawValue: try reader.readByte())
      let depth = try reader.readVariable("node depth")
      guard Flags.all.isSuperset(of: flags), depth >= 1, depth <= UInt64(path.count) else {
        throw .malformed(field: "node", atByte: start)
      }
      path.removeLast(path.count - Int(depth))
      let id = try decodeNode(below: path[path.count - 1], flags, lastIndex: lastIndex, from: &reader)
      if flags.contains(.directory) { path.append(id) }
      read += 1
    }
  }

  private mutating func decodeNode(
    below parent: NodeID,
    _ flags: Flags,
    lastIndex: EtcdIndex,
    from reader: inout ByteReader
  ) throws(StoreDecodingError) -> NodeID {
    let start = reader.offset
    let name = try reader.readText("node name", limitBytes: NodeKey.maximumBytes)
    let key = NodeKey.child(of: self.key(of: parent), named: name)
    let created = EtcdIndex(try reader.readVariable("createdIndex"))
    let modified = EtcdIndex(try reader.readVariable("modifiedIndex"))
    guard !name.utf8.contains(NodeKey.slash), NodeKey.isClean(key), NodeKey.isWithinLimits(key), find(key) == nil,
      created <= modified, modified <= lastIndex
    else {
      throw .malformed(field: "node", atByte: start)
    }
    let value =
      flags.contains(.directory) ? nil : try reader.readText("value", limitBytes: StoreLimits.valueBytes)
    var node = Node(name: name, value: value, index: created)
    node.modifiedIndex = modified
    let id = insertChild(of: parent, node)
    if flags.contains(.expires) { setExpiration(of: id, to: try reader.readMoment()) }
    return id
  }
}
