// SPDX-License-Identifier: Apache-2.0

/// What a plain text means as a number or a truth value.
///
/// Source: YAML 1.1 types as coreos-cloudinit's library resolves them; specs/cloud-config.md §4.
enum ScalarResolution {
  static func boolean(_ text: String) -> Bool? {
    switch text {
    case "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON": true
    case "n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF": false
    default: nil
    }
  }

  /// Decimal numbers, with exponent, and `0x`, `0o`, `0b`; underscores between digits are skipped.
  static func number(_ text: String) -> Double? {
    let digits = text.filter { $0 != "_" }
    guard let first = digits.first, first.isASCII, "+-.0123456789".contains(first) else { return nil }
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] where digits.hasPrefix(prefix) {
      return Int(digits.dropFirst(2), radix: radix).map { Double($0) }
    }
    guard digits.allSatisfy({ "+-.eE0123456789".contains($0) }) else { return nil }
    return Double(digits)
  }
}
