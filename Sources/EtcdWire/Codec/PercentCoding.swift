// SPDX-License-Identifier: Apache-2.0

/// A `%` that two hexadecimal digits do not follow.
struct PercentCodingError: Error, Equatable {
  /// The parser text of the original, such as `invalid URL escape "%zz"`.
  var message: String
}

/// Percent encoding of URLs and forms.
///
/// Source: RFC 3986 section 2.1; Go's `net/url`, whose error texts and choice of escaped bytes are kept.
public enum PercentCoding {
  /// Decodes `%xx`, in forms also `+`; bytes that are no UTF-8 become U+FFFD.
  static func decode(_ text: some Collection<UInt8>, plusIsSpace: Bool) throws(PercentCodingError) -> String {
    guard text.contains(where: { $0 == percent || (plusIsSpace && $0 == plus) }) else {
      return String(decoding: text, as: UTF8.self)
    }
    var decoded: [UInt8] = []
    decoded.reserveCapacity(text.count)
    var position = text.startIndex
    while position < text.endIndex {
      let byte = text[position]
      if byte == percent {
        let escape = text[position...].prefix(3)
        let digits = escape.dropFirst().compactMap(hexDigitValue)
        guard digits.count == 2 else {
          let found = String(decoding: escape, as: UTF8.self)
          throw PercentCodingError(message: "invalid URL escape \"\(found)\"")
        }
        decoded.append(digits[0] << 4 | digits[1])
        position = text.index(position, offsetBy: 3)
      } else {
        decoded.append(plusIsSpace && byte == plus ? UInt8(ascii: " ") : byte)
        position = text.index(after: position)
      }
    }
    return String(decoding: decoded, as: UTF8.self)
  }

  /// Encodes the path of a URL; slashes stay.
  public static func encodedPath(_ path: String) -> String {
    encode(path) { isUnreserved($0) || "$&+,/:;=@".utf8.contains($0) }
  }

  /// Encodes a name or value of a query or form.
  public static func encodedFormValue(_ value: String) -> String {
    encode(value, isUnreserved)
  }

  private static let percent = UInt8(ascii: "%")
  private static let plus = UInt8(ascii: "+")

  private static func encode(_ text: String, _ mayStand: (UInt8) -> Bool) -> String {
    if text.utf8.allSatisfy(mayStand) { return text }
    let digits = Array("0123456789ABCDEF".utf8)
    var encoded: [UInt8] = []
    for byte in text.utf8 {
      if mayStand(byte) {
        encoded.append(byte)
      } else {
        encoded += [percent, digits[Int(byte >> 4)], digits[Int(byte & 0x0F)]]
      }
    }
    return String(decoding: encoded, as: UTF8.self)
  }

  private static func isUnreserved(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
      UInt8(ascii: "~"):
      true
    default:
      false
    }
  }
}
