// SPDX-License-Identifier: Apache-2.0
import CZlib

/// Packs bytes with gzip.
enum PackedUserData {
  static func gzip(_ bytes: [UInt8]) -> [UInt8] {
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    stream.initialize(to: z_stream())
    defer { stream.deallocate() }
    let size = CInt(MemoryLayout<z_stream>.size)
    let status = deflateInit2_(stream, 9, Z_DEFLATED, 31, 9, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size)
    precondition(status == Z_OK, "zlib is there")
    defer { deflateEnd(stream) }
    var input = bytes
    var output = [UInt8](repeating: 0, count: Int(deflateBound(stream, CUnsignedLong(bytes.count))))
    let count = input.withUnsafeMutableBufferPointer { source in
      output.withUnsafeMutableBufferPointer { target in
        stream.pointee.next_in = source.baseAddress
        stream.pointee.avail_in = CUnsignedInt(source.count)
        stream.pointee.next_out = target.baseAddress
        stream.pointee.avail_out = CUnsignedInt(target.count)
        precondition(deflate(stream, Z_FINISH) == Z_STREAM_END, "there is room")
        return target.count - Int(stream.pointee.avail_out)
      }
    }
    return Array(output[..<count])
  }
}
