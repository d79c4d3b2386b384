// SPDX-License-Identifier: Apache-2.0

/// systemd's way of writing any text in a unit name: `/` as `-`, other bytes as `\xNN`.
public enum UnitNameEscaping {
  /// The text an escaped part of a name stands for; a broken escape stays as it is.
  public static func unescaped(_ text: String) -> String {
    let bytes = Array(text.utf8)
    var result: [UInt8] = []
    var position = 0
    while position < bytes.count {
      if bytes[position] == UInt8(ascii: "-") {
        result.append(UInt8(ascii: "/"))
        position += 1
      } else if let byte = escapedByte(bytes[position...]) {
        result.append(byte)
        position += 4
      } else {
        result.append(bytes[position])
        position += 1
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  private static func escapedByte(_ bytes: ArraySlice<UInt8>) -> UInt8? {
    let sequence = bytes.prefix(4)
    guard sequence.count == 4, sequence.starts(with: [UInt8(ascii: "\\"), UInt8(ascii: "x")]) else { return nil }
    return UInt8(String(decoding: sequence.suffix(2), as: UTF8.self), radix: 16)
  }
}
