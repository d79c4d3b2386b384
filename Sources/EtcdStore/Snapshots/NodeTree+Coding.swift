// SPDX-License-Identifier: Apache-2.0

/// The tree in a snapshot: each node after its parent, siblings in order of creation, with its depth and last element.
extension NodeTree {
  private struct Flags: OptionSet {
    var rawValue: UInt8
    static let directory = Flags(rawValue: 1 << 0)
    static let expires = Flags(rawValue: 1 << 1)
    static let all = Flags(rawValue: 0x03)
  }

  func encode(to writer: inout ByteWriter, afterEach flush: (inout ByteWriter) throws -> Void) rethrows {
    writer.write(variable: UInt64(count - 1))
    var depth = 1
    var next = self[Self.rootID].firstChild
    while let id = next {
      encode(id, depth: depth, to: &writer)
      try flush(&writer)
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

  /// A directory on the way down to the node read last.
  private struct Step {
    var id: NodeID
    /// The bytes of its key, without a slash at the end.
    var keyBytes: Int
  }

  init(decoding reader: inout ByteReader, from frames: inout SnapshotFrames, lastIndex: EtcdIndex) throws {
    self.init()
    let count = try reader.readVariable("node count")
    // The directories from the root down to the last node read; the depth says below which one the next goes.
    var path = [Step(id: Self.rootID, keyBytes: 0)]
    var read: UInt64 = 0
    while read < count {
      try frames.advance(&reader)
      try decodeNode(&path, lastIndex: lastIndex, from: &reader)
      read += 1
    }
  }

  private mutating func decodeNode(
    _ path: inout [Step],
    lastIndex: EtcdIndex,
    from reader: inout ByteReader
  ) throws(StoreDecodingError) {
    let start = reader.offset
    let flags = Flags(rawValue: try reader.readByte())
    let depth = try reader.readVariable("node depth")
    guard Flags.all.isSuperset(of: flags), depth >= 1, depth <= UInt64(path.count) else {
      throw .malformed(field: "node", atByte: start)
    }
    path.removeLast(path.count - Int(depth))
    let parent = path[path.count - 1]
    let name = try reader.readText("node name", limitBytes: NodeKey.maximumBytes)
    let created = EtcdIndex(try reader.readVariable("createdIndex"))
    let modified = EtcdIndex(try reader.readVariable("modifiedIndex"))
    let keyBytes = parent.keyBytes + 1 + name.utf8.count
    guard NodeKey.isElement(name), keyBytes <= NodeKey.maximumBytes, path.count <= NodeKey.maximumElements,
      !hasChild(of: parent.id, named: name), created <= modified, modified <= lastIndex
    else {
      throw .malformed(field: "node", atByte: start)
    }
    let isDirectory = flags.contains(.directory)
    let value = isDirectory ? nil : try reader.readText("value", limitBytes: StoreLimits.valueBytes)
    let id = insertChild(of: parent.id, named: name, value: value, index: created)
    self[id].modifiedIndex = modified
    if flags.contains(.expires) { setExpiration(of: id, to: try reader.readMoment()) }
    if isDirectory { path.append(Step(id: id, keyBytes: keyBytes)) }
  }
}
