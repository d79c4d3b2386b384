// SPDX-License-Identifier: Apache-2.0

/// Writes the store's own binary forms: variable-length integers, length-prefixed text.
struct ByteWriter {
  private(set) var bytes: [UInt8]

  /// Begins behind what is written already.
  init(after bytes: consuming [UInt8] = []) {
    self.bytes = bytes
  }

  mutating func removeAll() {
    bytes.removeAll(keepingCapacity: true)
  }

  mutating func write(_ byte: UInt8) {
    bytes.append(byte)
  }

  /// Seven bits a byte, least significant first, the high bit saying that more follow (LEB128).
  mutating func write(variable number: UInt64) {
    var rest = number
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  /// Eight bytes, least significant first.
  mutating func write(fixed number: UInt64) {
    for shift in stride(from: 0, to: 64, by: 8) {
      bytes.append(UInt8(truncatingIfNeeded: number >> UInt64(shift)))
    }
  }

  mutating func write(_ text: String) {
    write(variable: UInt64(text.utf8.count))
    bytes.append(contentsOf: text.utf8)
  }

  mutating func write(_ moment: Timestamp) {
    write(fixed: UInt64(bitPattern: moment.nanosecondsSinceEpoch))
  }
}
