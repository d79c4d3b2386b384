// SPDX-License-Identifier: Apache-2.0

/// Reading characters from bytes that may be no UTF-8, as Go's strings.
enum UTF8Scalars {
  /// The character at an offset and how many bytes it takes; U+FFFD of one byte where the bytes are no UTF-8.
  static func scalar(in bytes: [UInt8], at offset: Int) -> (value: Unicode.Scalar, length: Int) {
    let first = bytes[offset]
    if first < 0x80 { return (Unicode.Scalar(first), 1) }
    let length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2
    let end = offset + length
    guard first >= 0xc2, first < 0xf5, end <= bytes.count else { return ("\u{FFFD}", 1) }
    var decoder = UTF8()
    var iterator = bytes[offset..<end].makeIterator()
    guard case .scalarValue(let scalar) = decoder.decode(&iterator), scalar.utf8.count == length else {
      return ("\u{FFFD}", 1)
    }
    return (scalar, length)
  }

  /// How many characters the bytes are.
  static func count(_ bytes: [UInt8]) -> Int {
    var count = 0
    var offset = 0
    while offset < bytes.count {
      offset += scalar(in: bytes, at: offset).length
      count += 1
    }
    return count
  }

  /// The bytes of the first characters.
  static func prefix(_ bytes: [UInt8], _ count: Int) -> [UInt8] {
    var offset = 0
    for _ in 0..<max(0, count) where offset < bytes.count { offset += scalar(in: bytes, at: offset).length }
    return Array(bytes[..<offset])
  }
}
