// SPDX-License-Identifier: Apache-2.0

/// The binary form of a whole store: `CETS`, a format byte, then frames that each carry a checksum.
///
/// The frames hold the index, the nodes parents first with their depth, and the event history; a node or an event lies
/// in one frame. Writing and reading hold one frame in memory. The form says nothing that differs between members:
/// equal stores have equal bytes.
extension Store {
  static let snapshotMagic: [UInt8] = Array("CETS".utf8)
  static let snapshotFormat: UInt8 = 2

  /// Writes the replicated content: tree, index, expirations and history, without the statistics.
  ///
  /// - Parameter write: Takes the next piece.
  /// - Throws: What `write` throws.
  public func writeSnapshot(_ write: ([UInt8]) throws -> Void) throws {
    try write(Self.snapshotMagic + [Self.snapshotFormat])
    _ = try writeFrames(write)
  }

  /// The replicated content as bytes.
  public func encodeSnapshot() -> [UInt8] {
    var bytes: [UInt8] = []
    // Nothing throws but the closure, which does not.
    try? writeSnapshot { bytes += $0 }
    return bytes
  }

  /// A hash of the replicated content, equal on every member that stands at the same index.
  public var stateHash: UInt64 {
    (try? writeFrames { _ in }) ?? 0
  }

  /// Restores a store from a snapshot.
  ///
  /// - Parameter bytes: What ``encodeSnapshot()`` gave; anything else is refused without harm.
  /// - Throws: ``StoreDecodingError``.
  public init(decodingSnapshot bytes: [UInt8]) throws(StoreDecodingError) {
    do {
      var rest: [UInt8]? = bytes
      try self.init(readingSnapshot: {
        defer { rest = nil }
        return rest
      })
    } catch let error as StoreDecodingError {
      throw error
    } catch {
      throw .truncated(atByte: bytes.count)
    }
  }

  /// Restores a store from a snapshot, piece by piece.
  ///
  /// - Parameter read: The next piece of what ``writeSnapshot(_:)`` gave, nil after the last; pieces may be cut anywhere.
  /// - Throws: ``StoreDecodingError``, or what `read` throws.
  public init(readingSnapshot read: () throws -> [UInt8]?) throws {
    try self = withoutActuallyEscaping(read) { read in
      var frames = try SnapshotFrames(read)
      var reader = try frames.next()
      let index = EtcdIndex(try reader.readVariable("etcdIndex"))
      // No store counts that far; above, the next index would not fit.
      guard index.rawValue <= UInt64(Int64.max) else {
        throw StoreDecodingError.malformed(field: "etcdIndex", atByte: 0)
      }
      let tree = try NodeTree(decoding: &reader, from: &frames, lastIndex: index)
      let history = try EventHistory(decoding: &reader, from: &frames, lastIndex: index)
      try reader.expectEnd()
      try frames.expectEnd()
      var store = Store(historyCapacity: history.capacity)
      store.etcdIndex = index
      store.tree = tree
      store.history = history
      return store
    }
  }

  /// Writes the frames.
  ///
  /// - Returns: The hash of the content.
  private func writeFrames(_ write: ([UInt8]) throws -> Void) throws -> UInt64 {
    var frame = ByteWriter()
    var hash = ContentHash()
    func flush(_ frame: inout ByteWriter) throws {
      let checksum = ContentHash.of(frame.bytes)
      hash.add(checksum)
      try write(SnapshotFrames.header(of: frame.bytes.count, checksum: checksum) + frame.bytes)
      frame.removeAll()
    }
    func flushWhenLong(_ frame: inout ByteWriter) throws {
      if frame.bytes.count >= SnapshotFrames.frameBytes { try flush(&frame) }
    }
    frame.write(variable: etcdIndex.rawValue)
    try tree.encode(to: &frame, afterEach: flushWhenLong)
    try history.encode(to: &frame, afterEach: flushWhenLong)
    // An empty frame would be taken for the end.
    if !frame.bytes.isEmpty { try flush(&frame) }
    try write(SnapshotFrames.header(of: 0, checksum: hash.value))
    return hash.value
  }
}
