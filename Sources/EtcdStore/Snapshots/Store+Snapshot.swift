// SPDX-License-Identifier: Apache-2.0

/// The binary form of a whole store: `CETS`, a format byte, the body, and the body's FNV-1a checksum.
///
/// The body holds the index, the nodes parents first with their depth, and the event history. It says nothing that
/// differs between members: equal stores have equal bytes.
extension Store {
  private static let magic: [UInt8] = Array("CETS".utf8)
  private static let format: UInt8 = 1
  private static let checksumBytes = 8

  /// The replicated content as bytes: tree, index, expirations and history, without the statistics.
  public func encodeSnapshot() -> [UInt8] {
    var writer = ByteWriter()
    for byte in Self.magic { writer.write(byte) }
    writer.write(Self.format)
    let bodyStart = writer.bytes.count
    writer.write(variable: etcdIndex.rawValue)
    tree.encode(to: &writer)
    history.encode(to: &writer)
    writer.write(fixed: fnv1a64(writer.bytes[bodyStart...]))
    return writer.bytes
  }

  /// A hash of the replicated content, equal on every member that stands at the same index.
  public var stateHash: UInt64 {
    fnv1a64(encodeSnapshot())
  }

  /// Restores a store from a snapshot.
  ///
  /// - Parameter bytes: What ``encodeSnapshot()`` gave; anything else is refused without harm.
  /// - Throws: ``StoreDecodingError``.
  public init(decodingSnapshot bytes: [UInt8]) throws(StoreDecodingError) {
    let headerBytes = Self.magic.count + 1
    guard bytes.count >= headerBytes + Self.checksumBytes else { throw .truncated(atByte: bytes.count) }
    guard bytes.starts(with: Self.magic) else { throw .malformed(field: "snapshot header", atByte: 0) }
    guard bytes[Self.magic.count] == Self.format else { throw .unsupportedFormat(bytes[Self.magic.count]) }
    let bodyEnd = bytes.count - Self.checksumBytes
    var checksum = ByteReader(bytes[bodyEnd...])
    guard try checksum.readFixed() == fnv1a64(bytes[headerBytes..<bodyEnd]) else { throw .checksumMismatch }

    var reader = ByteReader(bytes[headerBytes..<bodyEnd])
    let index = EtcdIndex(try reader.readVariable("etcdIndex"))
    // No store counts that far; above, the next index would not fit.
    guard index.rawValue <= UInt64(Int64.max) else { throw .malformed(field: "etcdIndex", atByte: headerBytes) }
    let tree = try NodeTree(decoding: &reader, lastIndex: index)
    let history = try EventHistory(decoding: &reader, lastIndex: index)
    try reader.expectEnd()
    self.init(historyCapacity: history.capacity)
    self.etcdIndex = index
    self.tree = tree
    self.history = history
  }
}
