// SPDX-License-Identifier: Apache-2.0

/// A 64-bit checksum of one row: eight bytes a step, rotate and multiply.
///
/// Each step is a bijection, so damage within one word of eight bytes is always found; other damage is missed once in
/// 2^64. It guards against broken disks, not against forgery.
struct RowChecksum {
  private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

  /// Adds a number.
  mutating func add(_ word: UInt64) {
    let mixed = value ^ word
    value = (mixed << 29 | mixed >> 35) &* 0x9E37_79B9_7F4A_7C15
  }

  /// Adds bytes and how many there are.
  mutating func add(_ bytes: [UInt8]) {
    add(UInt64(bytes.count))
    bytes.withUnsafeBytes { buffer in
      var offset = 0
      while offset + 8 <= buffer.count {
        add(UInt64(littleEndian: buffer.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
        offset += 8
      }
      var tail: UInt64 = 0
      while offset < buffer.count {
        tail = tail << 8 | UInt64(buffer[offset])
        offset += 1
      }
      add(tail)
    }
  }

  /// The checksum of some numbers.
  static func of(_ words: UInt64...) -> UInt64 {
    var checksum = RowChecksum()
    for word in words { checksum.add(word) }
    return checksum.value
  }

  /// The checksum of some bytes after two numbers that say what they are.
  static func of(_ first: UInt64, _ second: UInt64, _ bytes: [UInt8]) -> UInt64 {
    var checksum = RowChecksum()
    checksum.add(first)
    checksum.add(second)
    checksum.add(bytes)
    return checksum.value
  }
}
