// SPDX-License-Identifier: Apache-2.0

/// The event history in a snapshot; the events' indexes follow from the store's.
extension EventHistory {
  private static let largestCapacity = 1_000_000

  func encode(to writer: inout ByteWriter, afterEach flush: (inout ByteWriter) throws -> Void) rethrows {
    writer.write(variable: UInt64(capacity))
    writer.write(variable: UInt64(count))
    for event in events {
      event.encode(to: &writer)
      try flush(&writer)
    }
  }

  init(decoding reader: inout ByteReader, from frames: inout SnapshotFrames, lastIndex: EtcdIndex) throws {
    try frames.advance(&reader)
    let start = reader.offset
    let capacity = try reader.readVariable("history capacity")
    let count = try reader.readVariable("history count")
    guard (1...UInt64(Self.largestCapacity)).contains(capacity), count <= capacity, count <= lastIndex.rawValue else {
      throw StoreDecodingError.malformed(field: "history", atByte: start)
    }
    self.init(capacity: Int(capacity))
    var index = EtcdIndex(lastIndex.rawValue - count)
    while index < lastIndex {
      index = index.next
      try frames.advance(&reader)
      append(try Event(decoding: &reader, index: index))
    }
  }
}

extension Event {
  private static let actions: [EventAction] = [
    .get, .set, .create, .update, .delete, .compareAndSwap, .compareAndDelete, .expire,
  ]

  fileprivate func encode(to writer: inout ByteWriter) {
    writer.write(UInt8(Self.actions.firstIndex(of: action) ?? 0))
    writer.write(isRefresh ? 1 : 0)
    node.encode(to: &writer)
    writer.write(previousNode == nil ? 0 : 1)
    previousNode?.encode(to: &writer)
  }

  fileprivate init(decoding reader: inout ByteReader, index: EtcdIndex) throws(StoreDecodingError) {
    let start = reader.offset
    let action = Int(try reader.readByte())
    guard Self.actions.indices.contains(action) else { throw .malformed(field: "action", atByte: start) }
    let isRefresh = try reader.readByte() != 0
    let node = try NodeView(decoding: &reader)
    let previous = try reader.readByte() == 0 ? nil : try NodeView(decoding: &reader)
    self.init(
      action: Self.actions[action],
      node: node,
      previousNode: previous,
      etcdIndex: index,
      isRefresh: isRefresh
    )
  }
}

extension NodeView {
  private struct Flags: OptionSet {
    var rawValue: UInt8
    static let directory = Flags(rawValue: 1 << 0)
    static let value = Flags(rawValue: 1 << 1)
    static let expiration = Flags(rawValue: 1 << 2)
    static let ttl = Flags(rawValue: 1 << 3)
  }

  fileprivate func encode(to writer: inout ByteWriter) {
    var flags: Flags = []
    if isDirectory { flags.insert(.directory) }
    if value != nil { flags.insert(.value) }
    if expiration != nil { flags.insert(.expiration) }
    if ttlSeconds != nil { flags.insert(.ttl) }
    writer.write(flags.rawValue)
    writer.write(key)
    if let value { writer.write(value) }
    if let expiration { writer.write(expiration) }
    if let ttlSeconds { writer.write(fixed: UInt64(bitPattern: ttlSeconds)) }
    writer.write(variable: modifiedIndex.rawValue)
    writer.write(variable: createdIndex.rawValue)
  }

  fileprivate init(decoding reader: inout ByteReader) throws(StoreDecodingError) {
    let flags = Flags(rawValue: try reader.readByte())
    self.init(key: try reader.readText("key", limitBytes: NodeKey.maximumBytes))
    isDirectory = flags.contains(.directory)
    if flags.contains(.value) { value = try reader.readText("value", limitBytes: StoreLimits.valueBytes) }
    if flags.contains(.expiration) { expiration = try reader.readMoment() }
    if flags.contains(.ttl) { ttlSeconds = Int64(bitPattern: try reader.readFixed()) }
    modifiedIndex = EtcdIndex(try reader.readVariable("modifiedIndex"))
    createdIndex = EtcdIndex(try reader.readVariable("createdIndex"))
  }
}
