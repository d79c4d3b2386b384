// SPDX-License-Identifier: Apache-2.0
import NIOCore
import NIOHTTP1

/// A whole answer that writes itself where it is sent from, for routes that answer many thousand requests a second.
///
/// Concurrency: written on the event loop of the connection, so that the thread that made it goes on.
protocol WrittenResponse: Sendable {
  /// The status; one that allows a body.
  var status: HTTPResponseStatus { get }
  /// Writes the header fields, each with its line end.
  func writeFields(into buffer: inout ByteBuffer)
  /// Appends the body.
  func writeBody(into bytes: inout [UInt8])
}

extension ByteBuffer {
  /// Writes a whole number in decimal.
  mutating func writeDecimal(_ number: UInt64) {
    writeDigits(number, base: 10)
  }

  /// Writes a whole number in lower-case hexadecimal.
  mutating func writeHexadecimal(_ number: UInt64) {
    writeDigits(number, base: 16)
  }

  private mutating func writeDigits(_ number: UInt64, base: UInt64) {
    var count = 1
    var rest = number / base
    while rest > 0 {
      count += 1
      rest /= base
    }
    writeWithUnsafeMutableBytes(minimumWritableBytes: count) { bytes in
      var rest = number
      for position in (0..<count).reversed() {
        let digit = UInt8(rest % base)
        bytes[position] = digit < 10 ? 48 + digit : 87 + digit
        rest /= base
      }
      return count
    }
  }
}
