// SPDX-License-Identifier: Apache-2.0

/// Base 64 with padding, as Go's `encoding/base64` reads and writes it.
enum GoBase64 {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  private static let padding = UInt8(ascii: "=")

  static func encode(_ bytes: [UInt8]) -> [UInt8] {
    stride(from: 0, to: bytes.count, by: 3).flatMap { start -> [UInt8] in
      let group = Array(bytes[start..<min(start + 3, bytes.count)])
      let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
      return (0..<4).map { $0 <= group.count ? alphabet[bits >> (18 - 6 * $0) & 63] : padding }
    }
  }

  /// - Throws: ``TemplateFunctionError`` with the offset of the byte that is wrong.
  static func decode(_ text: [UInt8]) throws(TemplateFunctionError) -> [UInt8] {
    var output: [UInt8] = []
    var group: [Int] = []
    var offset = 0
    func corrupt(_ offset: Int) -> TemplateFunctionError {
      TemplateFunctionError("illegal base64 data at input byte \(offset)")
    }
    while offset < text.count {
      let byte = text[offset]
      offset += 1
      if byte == 0x0a || byte == 0x0d { continue }
      if let value = alphabet.firstIndex(of: byte) {
        group.append(value)
        guard group.count == 4 else { continue }
        output += bytes(of: group)
        group = []
        continue
      }
      guard byte == padding, group.count >= 2 else { throw corrupt(offset - 1) }
      if group.count == 2 {
        while offset < text.count, text[offset] == 0x0a || text[offset] == 0x0d { offset += 1 }
        guard offset < text.count else { throw corrupt(text.count) }
        guard text[offset] == padding else { throw corrupt(offset - 1) }
        offset += 1
      }
      output += bytes(of: group)
      group = []
      while offset < text.count, text[offset] == 0x0a || text[offset] == 0x0d { offset += 1 }
      if offset < text.count { throw corrupt(offset) }
    }
    if !group.isEmpty { throw corrupt(text.count - group.count) }
    return output
  }

  private static func bytes(of group: [Int]) -> [UInt8] {
    let bits = group.reduce(0) { $0 << 6 | $1 } << (6 * (4 - group.count))
    return (0..<(group.count - 1)).map { UInt8(bits >> (16 - 8 * $0) & 255) }
  }
}
