// SPDX-License-Identifier: Apache-2.0

/// Reads the data types of SSH from bytes.
///
/// Source: RFC 4251, section 5.
struct SSHReader {
  private var rest: ArraySlice<UInt8>

  init(_ bytes: some Sequence<UInt8>) {
    rest = Array(bytes)[...]
  }

  /// Whether nothing is left.
  var isAtEnd: Bool { rest.isEmpty }

  /// The next byte; nil at the end.
  mutating func byte() -> UInt8? { rest.popFirst() }

  /// The next 32-bit number; nil when it is cut off.
  mutating func number() -> UInt32? {
    guard rest.count >= 4 else { return nil }
    let value = rest.prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    rest = rest.dropFirst(4)
    return value
  }

  /// The next bytes with their length before them; nil when they are cut off.
  mutating func string() -> [UInt8]? {
    var ahead = self
    guard let count = ahead.number(), count <= ahead.rest.count else { return nil }
    let bytes = Array(ahead.rest.prefix(Int(count)))
    self = ahead
    rest = rest.dropFirst(Int(count))
    return bytes
  }

  /// The next bytes as text; nil when they are cut off.
  mutating func text() -> String? { string().map { String(decoding: $0, as: UTF8.self) } }

  /// Passes a fixed beginning over; false when it is not there.
  mutating func skip(_ prefix: some Collection<UInt8>) -> Bool {
    guard rest.starts(with: prefix) else { return false }
    rest = rest.dropFirst(prefix.count)
    return true
  }
}

/// Writes the data types of SSH.
struct SSHWriter {
  private(set) var bytes: [UInt8] = []

  mutating func byte(_ value: UInt8) {
    bytes.append(value)
  }

  mutating func number(_ value: UInt32) {
    for shift in [24, 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: value >> UInt32(shift))) }
  }

  mutating func string(_ value: some Collection<UInt8>) {
    number(UInt32(value.count))
    bytes += value
  }

  mutating func text(_ value: String) {
    string(Array(value.utf8))
  }
}

/// Bytes that are taken from the front as they were put at the end.
struct ByteQueue {
  private var bytes: [UInt8] = []
  private var start = 0

  var count: Int { bytes.count - start }
  var isEmpty: Bool { count == 0 }

  mutating func append(_ more: some Sequence<UInt8>) {
    bytes.append(contentsOf: more)
  }

  /// Hands the bytes to a function, which says how many it took.
  mutating func take(_ body: (UnsafeRawBufferPointer) -> Int) {
    let taken = bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[start...])) }
    drop(taken)
  }

  mutating func drop(_ count: Int) {
    start += count
    if start == bytes.count {
      bytes.removeAll(keepingCapacity: true)
      start = 0
    } else if start >= 65_536 {
      bytes.removeFirst(start)
      start = 0
    }
  }
}
