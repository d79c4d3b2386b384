// SPDX-License-Identifier: Apache-2.0

/// The frames of a snapshot that is read: each is checked before anything in it is believed.
///
/// Shape of a frame: its length as 4 bytes and its checksum as 8, little endian, then its bytes. The last frame is
/// empty, and its checksum is the hash of all the others'.
struct SnapshotFrames {
  /// A frame ends after the first element that brings it to this length.
  static let frameBytes = 64 << 10
  private static let headerBytes = 12
  /// No element is longer than a value and two keys.
  private static let longestFrameBytes = frameBytes + 2 * StoreLimits.valueBytes + 4 * NodeKey.maximumBytes

  private let read: () throws -> [UInt8]?
  private var bytes: [UInt8] = []
  private var position = 0
  private var hash = ContentHash()
  /// Bytes of pieces that were passed, for messages.
  private var passed = 0

  static func header(of count: Int, checksum: UInt64) -> [UInt8] {
    var writer = ByteWriter()
    for shift in stride(from: 0, to: 32, by: 8) { writer.write(UInt8(truncatingIfNeeded: count >> shift)) }
    writer.write(fixed: checksum)
    return writer.bytes
  }

  /// Begins to read, and checks what stands before the first frame.
  init(_ read: @escaping () throws -> [UInt8]?) throws {
    self.read = read
    let magic = try take(Store.snapshotMagic.count + 1)
    guard magic.starts(with: Store.snapshotMagic) else {
      throw StoreDecodingError.malformed(field: "snapshot header", atByte: 0)
    }
    guard magic.last == Store.snapshotFormat else {
      throw StoreDecodingError.unsupportedFormat(magic.last ?? 0)
    }
  }

  /// The next frame, which must not be the last.
  mutating func next() throws -> ByteReader {
    let (count, checksum) = try header()
    guard count > 0 else { throw StoreDecodingError.truncated(atByte: passed + position) }
    let frame = try take(count)
    guard ContentHash.of(frame) == checksum else { throw StoreDecodingError.checksumMismatch }
    hash.add(checksum)
    return ByteReader(frame)
  }

  /// Goes on with the next frame when one was read to its end.
  mutating func advance(_ reader: inout ByteReader) throws {
    if reader.isAtEnd { reader = try next() }
  }

  /// Checks that nothing is left but the last frame.
  mutating func expectEnd() throws {
    let (count, checksum) = try header()
    guard count == 0 else { throw StoreDecodingError.trailingBytes(atByte: passed + position) }
    guard checksum == hash.value else { throw StoreDecodingError.checksumMismatch }
    while position == bytes.count {
      guard let piece = try read() else { return }
      passed += bytes.count
      (bytes, position) = (piece, 0)
    }
    throw StoreDecodingError.trailingBytes(atByte: passed + position)
  }

  private mutating func header() throws -> (count: Int, checksum: UInt64) {
    let header = try take(Self.headerBytes)
    let start = header.startIndex
    let count = (0..<4).reduce(0) { $0 | Int(header[start + $1]) << (8 * $1) }
    guard count <= Self.longestFrameBytes else {
      throw StoreDecodingError.tooLarge(field: "frame", limitBytes: Self.longestFrameBytes)
    }
    var reader = ByteReader(header[(start + 4)...])
    return (count, try reader.readFixed())
  }

  /// Takes bytes off the front, joining pieces only where they cut a frame.
  private mutating func take(_ count: Int) throws -> ArraySlice<UInt8> {
    while bytes.count - position < count {
      guard let piece = try read() else {
        throw StoreDecodingError.truncated(atByte: passed + bytes.count)
      }
      passed += position
      bytes = position == bytes.count ? piece : Array(bytes[position...]) + piece
      position = 0
    }
    defer { position += count }
    return bytes[position..<position + count]
  }
}

/// A 64-bit hash of bytes, eight at a time, which guards snapshots against damage and compares members' content.
///
/// Each step is a bijection, so damage within one word is always found. It is no protection against forgery.
struct ContentHash {
  private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

  mutating func add(_ word: UInt64) {
    let mixed = value ^ word
    value = (mixed << 29 | mixed >> 35) &* 0x9E37_79B9_7F4A_7C15
  }

  static func of(_ bytes: some Collection<UInt8>) -> UInt64 {
    var hash = ContentHash()
    let hashed: Void? = bytes.withContiguousStorageIfAvailable { hash.add(UnsafeRawBufferPointer($0)) }
    if hashed == nil { Array(bytes).withUnsafeBytes { hash.add($0) } }
    return hash.value
  }

  private mutating func add(_ bytes: UnsafeRawBufferPointer) {
    add(UInt64(bytes.count))
    var offset = 0
    while offset + 8 <= bytes.count {
      add(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
      offset += 8
    }
    var tail: UInt64 = 0
    while offset < bytes.count {
      tail = tail << 8 | UInt64(bytes[offset])
      offset += 1
    }
    add(tail)
  }
}
