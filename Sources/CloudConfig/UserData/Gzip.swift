// SPDX-License-Identifier: Apache-2.0
import CZlib

/// Unpacks gzip.
enum Gzip {
  /// Why bytes cannot be unpacked.
  enum Failure: Error, Equatable, CustomStringConvertible {
    case damaged
    case cutOff
    /// More comes out than there is room for, which is in bytes.
    case tooLong(Int)

    var description: String {
      switch self {
      case .damaged: "the gzip data is damaged"
      case .cutOff: "the gzip data ends too early"
      case .tooLong(let room): "more than \(room) bytes come out of the gzip data"
      }
    }
  }

  private static let chunkBytes = 65_536
  /// The largest window, and the form of gzip alone (zlib's `inflateInit2`).
  private static let windowBits: CInt = 15 + 16

  /// Whether bytes begin as gzip does.
  static func isPacked(_ bytes: some Sequence<UInt8>) -> Bool { bytes.starts(with: [0x1f, 0x8b]) }

  /// The content of all members, one behind the other.
  static func unpack(_ packed: [UInt8], limit: Int) throws(Failure) -> [UInt8] {
    // zlib keeps the address of its stream.
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    stream.initialize(to: z_stream())
    defer { stream.deallocate() }
    let size = CInt(MemoryLayout<z_stream>.size)
    guard inflateInit2_(stream, windowBits, ZLIB_VERSION, size) == Z_OK else { throw .damaged }
    defer { inflateEnd(stream) }
    var input = packed
    return try input.withUnsafeMutableBufferPointer { (buffer) throws(Failure) in
      stream.pointee.next_in = buffer.baseAddress
      stream.pointee.avail_in = CUnsignedInt(buffer.count)
      return try inflateAll(stream, limit: limit)
    }
  }

  private static func inflateAll(_ stream: UnsafeMutablePointer<z_stream>, limit: Int) throws(Failure) -> [UInt8] {
    var unpacked: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: chunkBytes)
    while true {
      let status = chunk.withUnsafeMutableBufferPointer { buffer in
        stream.pointee.next_out = buffer.baseAddress
        stream.pointee.avail_out = CUnsignedInt(buffer.count)
        return inflate(stream, Z_NO_FLUSH)
      }
      unpacked += chunk[..<(chunkBytes - Int(stream.pointee.avail_out))]
      guard unpacked.count <= limit else { throw .tooLong(limit) }
      switch status {
      case Z_OK: continue
      case Z_BUF_ERROR: throw .cutOff
      case Z_STREAM_END:
        guard stream.pointee.avail_in > 0 else { return unpacked }
        // Members may follow each other; what is none is found damaged.
        guard inflateReset(stream) == Z_OK else { throw .damaged }
      default: throw .damaged
      }
    }
  }
}
