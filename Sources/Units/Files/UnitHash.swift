// SPDX-License-Identifier: Apache-2.0

/// The SHA-1 of a unit file's canonical text: 20 bytes, written as 40 lower-case hex digits.
public struct UnitHash: Sendable, Hashable, CustomStringConvertible {
  /// The 20 bytes.
  public let bytes: [UInt8]

  /// Makes a hash from its bytes; nil unless there are exactly 20.
  public init?(bytes: [UInt8]) {
    guard bytes.count == 20 else { return nil }
    self.bytes = bytes
  }

  /// Makes a hash from 40 hex digits; nil when the text is anything else.
  public init?(hex: String) {
    let digits = hex.utf8.compactMap { Self.hexValue($0) }
    guard digits.count == 40, hex.utf8.count == 40 else { return nil }
    bytes = stride(from: 0, to: 40, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
  }

  init(digest: [UInt8]) {
    precondition(digest.count == 20)
    bytes = digest
  }

  /// 40 lower-case hex digits.
  public var description: String {
    let digits = Array("0123456789abcdef".unicodeScalars)
    var text = String.UnicodeScalarView()
    for byte in bytes {
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 15)])
    }
    return String(text)
  }

  /// The first 7 digits, as tables show it.
  public var short: String { String(description.prefix(7)) }

  private static func hexValue(_ character: UInt8) -> UInt8? {
    switch character {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}
