// SPDX-License-Identifier: Apache-2.0

extension Entry {
  /// The binary form: term, index, kind, stamp, payload.
  public func encoded() -> [UInt8] {
    var writer = ByteWriter(capacity: sizeBytes)
    write(to: &writer)
    return writer.bytes
  }

  /// Reads the binary form.
  ///
  /// - Parameter bytes: What ``encoded()`` made.
  /// - Throws: ``RaftError/malformed(_:)``.
  public init(decoding bytes: [UInt8]) throws(RaftError) {
    var reader = ByteReader(bytes, of: "entry")
    try self.init(from: &reader)
    try reader.expectEnd()
  }

  func write(to writer: inout ByteWriter) {
    writer.write(term)
    writer.write(index)
    writer.write(kind.rawValue)
    writer.write(timestampNanoseconds)
    writer.write(data)
  }

  init(from reader: inout ByteReader) throws(RaftError) {
    let term = try reader.readTerm()
    let index = try reader.readIndex()
    guard let kind = Kind(rawValue: try reader.readUInt8()) else { throw reader.failure("unknown kind of entry") }
    let timestamp = try reader.readInt64()
    let data = try reader.readBytes()
    self.init(term: term, index: index, kind: kind, timestampNanoseconds: timestamp, data: data)
  }
}
