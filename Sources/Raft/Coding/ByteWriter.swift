// SPDX-License-Identifier: Apache-2.0

/// Writes the binary forms of this module: little-endian integers of fixed size, byte strings with a length in front.
struct ByteWriter {
  /// What is written so far.
  private(set) var bytes: [UInt8] = []

  init(capacity: Int = 64) {
    bytes.reserveCapacity(capacity)
  }

  mutating func write(_ value: UInt8) {
    bytes.append(value)
  }

  mutating func write(_ value: Bool) {
    bytes.append(value ? 1 : 0)
  }

  mutating func write(_ value: UInt32) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  mutating func write(_ value: UInt64) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  mutating func write(_ value: Int64) {
    write(UInt64(bitPattern: value))
  }

  mutating func write(_ value: LogIndex) { write(value.rawValue) }
  mutating func write(_ value: Term) { write(value.rawValue) }
  mutating func write(_ value: MemberID) { write(value.rawValue) }

  mutating func write(_ value: [UInt8]) {
    write(UInt32(value.count))
    bytes.append(contentsOf: value)
  }

  mutating func write(_ members: [MemberID]) {
    write(UInt32(members.count))
    for member in members { write(member) }
  }
}
