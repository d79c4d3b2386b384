// SPDX-License-Identifier: Apache-2.0

/// Reads what ``ByteWriter`` writes and trusts none of it: nothing is allocated beyond the bytes that are there.
struct ByteReader {
  private let bytes: ArraySlice<UInt8>
  private(set) var offset: Int

  init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    offset = bytes.startIndex
  }

  var isAtEnd: Bool { offset == bytes.endIndex }

  mutating func readByte() throws(StoreDecodingError) -> UInt8 {
    guard offset < bytes.endIndex else { throw .truncated(atByte: offset) }
    defer { offset += 1 }
    return bytes[offset]
  }

  mutating func readVariable(_ field: String) throws(StoreDecodingError) -> UInt64 {
    let start = offset
    var number: UInt64 = 0
    for shift in stride(from: 0, to: 70, by: 7) {
      let byte = try readByte()
      let bits = UInt64(byte & 0x7F)
      guard shift < 63 || bits <= 1 else { break }
      number |= bits << UInt64(shift)
      if byte & 0x80 == 0 { return number }
    }
    throw .malformed(field: field, atByte: start)
  }

  mutating func readFixed() throws(StoreDecodingError) -> UInt64 {
    guard bytes.endIndex - offset >= 8 else { throw .truncated(atByte: bytes.endIndex) }
    var number: UInt64 = 0
    for place in 0..<8 {
      number |= UInt64(bytes[offset + place]) << UInt64(8 * place)
    }
    offset += 8
    return number
  }

  mutating func readText(_ field: String, limitBytes: Int) throws(StoreDecodingError) -> String {
    let length = try readVariable(field)
    guard length <= UInt64(limitBytes) else { throw .tooLarge(field: field, limitBytes: limitBytes) }
    guard UInt64(bytes.endIndex - offset) >= length else { throw .truncated(atByte: bytes.endIndex) }
    let start = offset
    offset += Int(length)
    guard let text = String(validating: bytes[start..<offset], as: UTF8.self) else {
      throw .malformed(field: field, atByte: start)
    }
    return text
  }

  mutating func readMoment() throws(StoreDecodingError) -> Timestamp {
    Timestamp(nanosecondsSinceEpoch: Int64(bitPattern: try readFixed()))
  }

  func expectEnd() throws(StoreDecodingError) {
    guard isAtEnd else { throw .trailingBytes(atByte: offset) }
  }
}

/// Limits of the fields of commands and snapshots.
enum StoreLimits {
  /// The largest value; a form body is cut at 10 MiB, the rest is headroom for values from inside.
  static let valueBytes = 16 * 1_024 * 1_024
}
