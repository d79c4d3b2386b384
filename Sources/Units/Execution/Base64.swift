// SPDX-License-Identifier: Apache-2.0

/// Base64 with the standard alphabet and padding; blanks and line ends are skipped.
///
/// Source: RFC 4648, section 4. Differs: coreos-cloudinit did not skip blanks, so folded blocks failed there.
public enum Base64 {
  /// Reads base64; blanks between its digits do not count.
  ///
  /// - Parameters:
  ///   - text: The text.
  ///   - requiresPadding: Whether it must be padded as it should; else padding at its end does not count.
  /// - Returns: The bytes; nil when the text is no base64.
  public static func decode(_ text: [UInt8], requiresPadding: Bool = true) -> [UInt8]? {
    let digits = text.filter { !" \t\r\n".utf8.contains($0) }
    let padding = digits.reversed().prefix { $0 == UInt8(ascii: "=") }.count
    if requiresPadding { guard digits.count % 4 == 0, padding <= 2 else { return nil } }
    guard (digits.count - padding) % 4 != 1 else { return nil }
    var bytes: [UInt8] = []
    var bits: UInt32 = 0
    for (index, digit) in digits.dropLast(padding).enumerated() {
      guard let value = value(of: digit) else { return nil }
      bits = bits << 6 | value
      if index % 4 != 0 { bytes.append(UInt8(truncatingIfNeeded: bits >> [0, 4, 2, 0][index % 4])) }
    }
    return bytes
  }

  private static func value(of digit: UInt8) -> UInt32? {
    switch digit {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(digit) - 65
    case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(digit) - 71
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(digit) + 4
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil
    }
  }
}
