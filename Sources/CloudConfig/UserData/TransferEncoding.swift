// SPDX-License-Identifier: Apache-2.0
import Units

/// How a MIME message writes bytes down.
///
/// Source: RFC 2045 §6.
enum TransferEncoding: String {
  case sevenBit = "7bit"
  case eightBit = "8bit"
  case binary
  case base64
  case quotedPrintable = "quoted-printable"

  /// The bytes that were written down, and where their lines come from; nil when they cannot be read.
  func decode(
    _ body: ArraySlice<UInt8>,
    at place: LineOrigins.Place
  ) -> (bytes: [UInt8], place: LineOrigins.Place)? {
    switch self {
    case .sevenBit, .eightBit, .binary: return (Array(body), place)
    case .base64: return Base64.decode(Array(body)).map { ($0, .packed(line: place.origin(0).line, inside: 1)) }
    case .quotedPrintable: return Self.unquote(body, at: place)
    }
  }

  private static func unquote(
    _ body: ArraySlice<UInt8>,
    at place: LineOrigins.Place
  ) -> (bytes: [UInt8], place: LineOrigins.Place)? {
    var bytes: [UInt8] = []
    var origins = [place.origin(0).line]
    let lines = body.split(separator: 0x0a, omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() {
      // Blanks at the end of a line came on the way.
      var rest = line
      while let last = rest.last, last == 0x20 || last == 0x09 || last == 0x0d { rest.removeLast() }
      let isContinued = rest.last == 0x3d
      if isContinued { rest.removeLast() }
      while let byte = rest.popFirst() {
        guard byte == 0x3d else {
          bytes.append(byte)
          continue
        }
        guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
          return nil
        }
        bytes.append(value)
        rest = rest.dropFirst(2)
        if value == 0x0a { origins.append(place.origin(index).line) }
      }
      guard !isContinued, index + 1 < lines.count else { continue }
      bytes.append(0x0a)
      origins.append(place.origin(index + 1).line)
    }
    return (bytes, .each(origins))
  }
}
