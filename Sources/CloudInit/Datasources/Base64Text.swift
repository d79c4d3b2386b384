// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials

/// Bytes written as text.
enum Base64Text {
  /// The bytes; nil when the text is not base64.
  ///
  /// Blanks and line breaks count for nothing.
  static func decode(_ bytes: [UInt8]) -> [UInt8]? {
    let text = bytes.filter { $0 > 0x20 }
    return Data(base64Encoded: Data(text)).map(Array.init)
  }
}
