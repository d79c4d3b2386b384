// SPDX-License-Identifier: Apache-2.0

/// The number of a transaction as it stands in the file, where ``WriteAheadScan`` finds it without SQLite's help.
///
/// Shape: 8 bytes that nothing else is likely to hold, the number as 8 bytes, big endian.
struct BatchMark: Equatable {
  static let magic: [UInt8] = [0xC0, 0x7A, 0xC1, 0xE5, 0xBA, 0x7C, 0x4E, 0xD1]

  var number: UInt64

  init(number: UInt64) {
    self.number = number
  }

  /// Reads a mark; nil when the bytes are none.
  init?(_ bytes: [UInt8]) {
    guard bytes.count == 16, bytes.starts(with: Self.magic) else { return nil }
    number = bytes[8...].reduce(0) { $0 << 8 | UInt64($1) }
  }

  var bytes: [UInt8] {
    Self.magic + (0..<8).map { UInt8(truncatingIfNeeded: number >> UInt64(56 - 8 * $0)) }
  }

  /// The highest number in some bytes; nil when there is none.
  static func highest(in bytes: UnsafeRawBufferPointer) -> UInt64? {
    var highest: UInt64?
    var start = 0
    while start + 16 <= bytes.count {
      guard bytes[start] == magic[0], magic.indices.allSatisfy({ bytes[start + $0] == magic[$0] }) else {
        start += 1
        continue
      }
      let number = (8..<16).reduce(UInt64(0)) { $0 << 8 | UInt64(bytes[start + $1]) }
      highest = max(highest ?? 0, number)
      start += 16
    }
    return highest
  }
}
