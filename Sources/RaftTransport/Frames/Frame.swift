// SPDX-License-Identifier: Apache-2.0
import NIOCore
import Raft

/// One frame of a peer stream: length of the payload, CRC-32C of the payload, payload.
///
/// Units: both numbers are 4 bytes, big endian; the length counts the payload only and is at least 1.
enum Frame {
  /// Bytes before the payload.
  static let headerBytes = 8

  /// The longest payload either side accepts; a longer one means the stream is broken or hostile.
  static let maximumPayloadBytes = Message.sizeLimitBytes

  /// Appends one frame whose payload `writePayload` appends.
  static func write(to buffer: inout ByteBuffer, _ writePayload: (inout ByteBuffer) -> Void) {
    let start = buffer.writerIndex
    buffer.writeRepeatingByte(0, count: headerBytes)
    writePayload(&buffer)
    let payloadStart = start + headerBytes
    let length = buffer.writerIndex - payloadStart
    precondition(length > 0 && length <= maximumPayloadBytes, "a frame of \(length) bytes cannot be sent")
    let checksum = buffer.withUnsafeReadableBytes { readable in
      let payload = payloadStart - buffer.readerIndex
      return CRC32C.checksum(UnsafeRawBufferPointer(rebasing: readable[payload..<payload + length]))
    }
    buffer.setInteger(UInt32(length), at: start)
    buffer.setInteger(checksum, at: start + 4)
  }
}

/// What is wrong with an incoming stream; the stream is closed, the peer connects again.
enum FrameError: Error, Equatable, CustomStringConvertible {
  case badLength(UInt32)
  case badChecksum
  case cutShort

  var description: String {
    switch self {
    case .badLength(let length): "a frame announces \(length) bytes; 1 to \(Frame.maximumPayloadBytes) are allowed"
    case .badChecksum: "a frame's checksum does not match its payload"
    case .cutShort: "the stream ended inside a frame"
    }
  }
}

/// Cuts an incoming stream into the payloads of its frames.
struct FrameDecoder: NIOSingleStepByteToMessageDecoder {
  typealias InboundOut = ByteBuffer

  mutating func decode(buffer: inout ByteBuffer) throws -> ByteBuffer? {
    guard let length = buffer.getInteger(at: buffer.readerIndex, as: UInt32.self) else { return nil }
    guard length > 0, length <= Frame.maximumPayloadBytes else { throw FrameError.badLength(length) }
    guard buffer.readableBytes >= Frame.headerBytes + Int(length) else { return nil }
    buffer.moveReaderIndex(forwardBy: 4)
    guard let expected = buffer.readInteger(as: UInt32.self), let payload = buffer.readSlice(length: Int(length))
    else { return nil }
    guard payload.withUnsafeReadableBytes(CRC32C.checksum) == expected else { throw FrameError.badChecksum }
    return payload
  }

  mutating func decodeLast(buffer: inout ByteBuffer, seenEOF: Bool) throws -> ByteBuffer? {
    if let payload = try decode(buffer: &buffer) { return payload }
    guard buffer.readableBytes == 0 else { throw FrameError.cutShort }
    return nil
  }
}
