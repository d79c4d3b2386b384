// SPDX-License-Identifier: Apache-2.0
import NIOCore
import NIOHTTP1

/// How the end of a body is told.
enum BodyFraming: Equatable {
  /// By `Content-Length`; nil for an answer that may not have a body at all.
  case length(Int?)
  /// By a last chunk.
  case chunked
  /// By the end of the connection (HTTP/1.0).
  case untilClose
}

/// Writes answers as bytes.
enum ResponseEncoding {
  /// Writes the first line.
  static func writeStatusLine(_ status: HTTPResponseStatus, version: HTTPVersion, into buffer: inout ByteBuffer) {
    if version.minor == 1, status == .ok {
      buffer.writeStaticString("HTTP/1.1 200 OK\r\n")
      return
    }
    buffer.writeStaticString(version.minor == 0 ? "HTTP/1.0 " : "HTTP/1.1 ")
    buffer.writeDecimal(UInt64(status.code))
    buffer.writeStaticString(" ")
    buffer.writeString(status.reasonPhrase)
    buffer.writeStaticString("\r\n")
  }

  /// Writes the fields that are the connection's, and the empty line.
  static func writeEnd(
    _ framing: BodyFraming,
    connection: StaticString?,
    date: String,
    into buffer: inout ByteBuffer
  ) {
    buffer.writeStaticString("Date: ")
    buffer.writeString(date)
    switch framing {
    case .length(nil), .untilClose: buffer.writeStaticString("\r\n")
    case .length(let count?):
      buffer.writeStaticString("\r\nContent-Length: ")
      buffer.writeDecimal(UInt64(count))
      buffer.writeStaticString("\r\n")
    case .chunked: buffer.writeStaticString("\r\nTransfer-Encoding: chunked\r\n")
    }
    if let connection {
      buffer.writeStaticString("Connection: ")
      buffer.writeStaticString(connection)
      buffer.writeStaticString("\r\n")
    }
    buffer.writeStaticString("\r\n")
  }

  /// Writes one chunk; an empty one is left out, since it would end the body.
  static func writeChunk(_ data: ByteBuffer, into buffer: inout ByteBuffer) {
    guard data.readableBytes > 0 else { return }
    buffer.writeString(String(data.readableBytes, radix: 16))
    buffer.writeStaticString("\r\n")
    buffer.writeImmutableBuffer(data)
    buffer.writeStaticString("\r\n")
  }

  /// Writes the chunk that ends a body.
  static func writeLastChunk(into buffer: inout ByteBuffer) {
    buffer.writeStaticString("0\r\n\r\n")
  }

  /// Writes one field; line breaks would end it early and let a value of a client's
  /// making write fields of its own.
  static func writeField(_ name: String, _ value: String, into buffer: inout ByteBuffer) {
    buffer.writeString(name)
    buffer.writeStaticString(": ")
    if value.utf8.contains(where: { $0 == 13 || $0 == 10 }) {
      buffer.writeBytes(value.utf8.map { $0 == 13 || $0 == 10 ? 32 : $0 })
    } else {
      buffer.writeString(value)
    }
    buffer.writeStaticString("\r\n")
  }
}
